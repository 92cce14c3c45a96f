"""The quiet question: while it is open, what an answer writes, and how it is corrected and taken back."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from ingest import channels, questions, store
from ingest import clock as the_clock
from ingest.models import Alert, Person, ScoreRequest, Tag
from tests.ingest.questions_stage import TODAY, asked, ready, restate

NIGHTS = [TODAY - timedelta(days=back) for back in (4, 3, 2, 1, 0)]
LIKELY = date(2026, 11, 21)


@pytest.fixture
def question(session, clock):
    clock("2026-11-22T08:00")
    return asked(session, ready(session))


def tagged(session) -> set[tuple[str, date]]:
    own = (Tag.source == store.OWN_WORD, Tag.present)
    return {(name, day) for name, day in session.execute(select(Tag.name, Tag.day).where(*own))}


def alert(session, person):
    told = Alert(person=person, kind="strained", state="open", told=True, threshold=0.9, opened_at=the_clock.now())
    told.first_day = told.last_day = TODAY
    session.add(told)
    session.flush()


@pytest.mark.parametrize("name", ["ill", "travel"])
def test_being_unwell_or_away_is_noted_on_all_the_nights_asked_about(session, question, name):
    questions.answer(session, question, name)
    assert tagged(session) == {(name, day) for day in NIGHTS}
    assert session.get(ScoreRequest, question.person) is not None


def test_drinks_are_noted_on_the_night_furthest_from_usual(session, question):
    questions.answer(session, question, "alcohol")
    assert tagged(session) == {("alcohol", LIKELY)}


def test_the_nights_with_drinks_can_be_corrected_to_any_asked_about(session, question):
    questions.answer(session, question, "travel")
    questions.answer(session, question, "alcohol")
    questions.drank(session, question, [NIGHTS[0], NIGHTS[4], TODAY - timedelta(days=30)])
    assert {day for name, day in tagged(session) if name == "alcohol"} == {NIGHTS[0], NIGHTS[4]}
    assert questions.seen(session, question).drank == [NIGHTS[0], NIGHTS[4]]
    assert ("travel", NIGHTS[2]) in tagged(session)


def test_none_of_these_is_an_answer_and_writes_no_tag(session, question):
    questions.answer(session, question, "none")
    assert (question.answers, tagged(session)) == ([], set())
    assert questions.waiting(session, session.get_one(Person, question.person)) is None


def test_none_of_these_takes_back_what_was_said_before(session, question):
    questions.answer(session, question, "ill")
    questions.answer(session, question, "none")
    assert tagged(session) == set()


def test_undo_takes_back_what_the_answer_wrote_and_nothing_else(session, question):
    store.tag_days(session, question.person, [NIGHTS[1]], "ill")
    store.tag_days(session, question.person, [NIGHTS[0]], "hot_night")
    questions.answer(session, question, "ill")
    questions.undo(session, question)
    assert tagged(session) == {("ill", NIGHTS[1]), ("hot_night", NIGHTS[0])}
    assert (question.answers, question.answered_at) == (None, None)
    assert questions.holds(session, question)


def test_a_night_that_was_noted_already_is_an_answer_too_and_stays_when_the_answer_is_taken_back(session, question):
    store.tag_days(session, question.person, [LIKELY], "alcohol")
    questions.answer(session, question, "alcohol")
    assert questions.seen(session, question).drank == [LIKELY]
    questions.undo(session, question)
    assert tagged(session) == {("alcohol", LIKELY)}


def test_a_night_that_is_taken_out_of_those_with_drinks_is_so_whoever_noted_it(session, question):
    store.tag_days(session, question.person, [LIKELY], "alcohol")
    questions.answer(session, question, "alcohol")
    questions.drank(session, question, [NIGHTS[0]])
    assert tagged(session) == {("alcohol", NIGHTS[0])}
    questions.drank(session, question, [])
    assert (tagged(session), question.answers) == (set(), [])


def test_pressing_twice_writes_once(session, question):
    questions.answer(session, question, "ill")
    questions.answer(session, question, "ill")
    questions.undo(session, question)
    assert tagged(session) == set()


@pytest.mark.parametrize("state", ["normal", "strained", "possible_illness", "travel", "insufficient"])
def test_a_question_goes_with_the_state_it_was_asked_in(session, question, state):
    restate(session, question.person, state)
    assert questions.waiting(session, session.get_one(Person, question.person)) is None
    with pytest.raises(questions.Passed):
        questions.answer(session, question, "ill")
    assert tagged(session) == set()


def test_an_alert_that_was_decided_ends_the_question(session, question):
    alert(session, question.person)
    assert not questions.holds(session, question)


def test_an_answer_may_be_corrected_for_a_week_whatever_became_of_the_nights(session, question, clock):
    questions.answer(session, question, "ill")
    restate(session, question.person, "normal")
    clock("2026-11-29T07:59")
    questions.undo(session, question)
    assert tagged(session) == set()
    questions_passed(session, question)


def test_after_a_week_an_answer_stands(session, question, clock):
    questions.answer(session, question, "ill")
    clock("2026-11-29T08:01")
    questions_passed(session, question)
    assert len(tagged(session)) == 5


def questions_passed(session, question):
    with pytest.raises(questions.Passed):
        questions.undo(session, question)


@pytest.mark.parametrize("how", ["asks", "snoozed"])
def test_who_is_left_alone_is_not_asked_on_the_page_either(session, question, how):
    person = session.get_one(Person, question.person)
    assert questions.waiting(session, person).id == question.id
    if how == "asks":
        person.asks = False
    else:
        person.snoozed_until = the_clock.now() + timedelta(days=1)
    assert questions.waiting(session, person) is None
    assert not questions.allowed(session, person)


def test_nobody_is_asked_more_than_twice_in_any_seven_days(session, question, clock):
    person = session.get_one(Person, question.person)
    clock("2026-11-24T08:00")
    assert questions.allowed(session, person)
    asked(session, person.id)
    clock("2026-11-29T07:59")
    assert not questions.allowed(session, person)
    clock("2026-11-29T08:01")
    assert questions.allowed(session, person)


def test_a_token_opens_one_question_and_no_other_link_does(session, question):
    token = questions.token(question.id)
    assert questions.of_token(session, token) is question
    number, _, signature = token.partition(".")
    for forged in (f"{int(number) + 1}.{signature}", f"{number}.x", "", f"{'9' * 30}.{signature}", "1.2.3"):
        assert questions.of_token(session, forged) is None
    assert questions.of_token(session, channels.unsubscribe_token(question.id)) is None
    assert channels.channel_of(token) is None
