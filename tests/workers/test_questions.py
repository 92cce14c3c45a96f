"""Ask, then tell: who is asked, about which nights, by which one way, and when it is held or dropped."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from ingest import clock as the_clock
from ingest import questions as asking
from ingest import store
from ingest.db import transaction
from ingest.models import Alert, Channel, Delivery, Person, Question
from scoring import Gate, Night
from tests.ingest.questions_stage import LEAN, TODAY, asked, leaning, ready, restate
from tests.workers.peers import live_nights, mailed, make_person, story
from tests.workers.sync_stage import send_due
from workers import kinds, leases, question_letter, questions, score
from workers.outcomes import Unwanted

FIRST = TODAY - timedelta(days=4)  # the first night that leans


@pytest.fixture
def mira(session, clock) -> Person:
    clock("2026-11-22T08:00")
    return session.get_one(Person, ready(session))


def bare(assessments, *, tagged: date | None = None, tag: str = "alcohol") -> list[Night]:
    return [Night(each.day, tags=frozenset({tag} if each.day == tagged else ())) for each in assessments]


def consider(session, person, assessments=None):
    assessments = assessments or leaning()
    told = questions.consider(session, person, assessments, bare(assessments))
    return told, session.scalars(select(Question).order_by(Question.id)).all()


def browser(session, person, name, state="on"):
    held = Channel(person=person.id, kind="push", address=f"https://push.example/{name}", created_at=the_clock.now())
    held.state = state
    session.add(held)
    session.flush()
    return held.id


def only_delivery(session) -> Delivery:
    return session.scalars(select(Delivery)).one()


def test_the_question_is_about_the_nights_from_the_first_that_leans_to_the_last():
    given = leaning()
    assert questions.stretch(given, bare(given), TODAY) == (FIRST, TODAY, TODAY - timedelta(days=1))


@pytest.mark.parametrize("state", ["normal", "strained", "recovering", "possible_illness", "travel", "collecting"])
def test_only_nights_that_lean_without_having_been_told_are_asked_about(state):
    given = leaning(state=state)
    assert questions.stretch(given, bare(given), TODAY) is None


@pytest.mark.parametrize("tag", sorted(questions.CAUSES))
def test_nobody_is_asked_for_a_cause_that_is_known(tag):
    given = leaning()
    assert questions.stretch(given, bare(given, tagged=TODAY - timedelta(days=2), tag=tag), TODAY) is None
    assert questions.stretch(given, bare(given, tagged=TODAY - timedelta(days=9), tag=tag), TODAY) is not None


def test_signs_and_soreness_are_no_causes():
    given = leaning()
    for tag in ("soreness", "grip", "heavy_warm_up", "not_useful"):
        assert questions.stretch(given, bare(given, tagged=TODAY, tag=tag), TODAY) is not None


def test_an_open_gate_is_a_cause_that_is_known():
    given = leaning()
    gate = Gate("travel", active=True, reason="Your clock moved.", since=TODAY)
    assert questions.stretch([*given[:-1], replace(given[-1], gates=(gate,))], bare(given), TODAY) is None


def test_nights_of_days_ago_are_not_asked_about():
    given = leaning(TODAY - timedelta(days=1))
    assert questions.stretch(given, bare(given), TODAY) is not None, "last night may still be on its way"
    given = leaning(TODAY - timedelta(days=2))
    assert questions.stretch(given, bare(given), TODAY) is None
    silent = leaning(lean=(*LEAN, None, None))
    assert questions.stretch(silent, bare(silent), TODAY) is None
    assert questions.stretch([], [], TODAY) is None


def test_one_stretch_is_asked_about_once_however_often_it_is_judged(session, mira):
    assert len(consider(session, mira)[1]) == 1
    assert len(consider(session, mira)[1]) == 1
    later = leaning(TODAY + timedelta(days=1), (*LEAN, 1.0))
    assert len(consider(session, mira, later)[1]) == 1


def test_an_answer_does_not_bring_another_question_about_the_same_nights(session, mira):
    (question,) = consider(session, mira)[1]
    asking.answer(session, question, "none")
    assert len(consider(session, mira)[1]) == 1


def test_a_new_stretch_is_asked_about_anew_but_never_a_third_in_a_week(session, mira, clock):
    asked(session, mira.id).last_day = TODAY - timedelta(days=20)
    assert len(consider(session, mira)[1]) == 2
    session.execute(update(Question).values(last_day=TODAY - timedelta(days=20)))
    assert len(consider(session, mira)[1]) == 2
    session.execute(update(Question).values(asked_at=the_clock.now() - timedelta(days=8)))
    assert len(consider(session, mira)[1]) == 3


@pytest.mark.parametrize("reason", ["asks", "snoozed", "alert"])
def test_who_does_not_want_it_is_left_alone_or_was_told_is_not_asked(session, mira, reason):
    if reason == "asks":
        mira.asks = False
    elif reason == "snoozed":
        mira.snoozed_until = the_clock.now() + timedelta(hours=1)
    else:
        alert = Alert(person=mira.id, kind="strained", state="open", told=False, threshold=0.9)
        alert.first_day, alert.last_day, alert.opened_at = TODAY, TODAY, the_clock.now()
        session.add(alert)
        session.flush()
    assert consider(session, mira) == (False, [])


def test_without_a_browser_or_a_wish_for_mail_the_page_alone_asks(session, mira):
    told, (question,) = consider(session, mira)
    assert (told, session.scalars(select(Delivery)).all()) == (False, [])
    assert asking.waiting(session, mira).id == question.id


def test_it_goes_to_the_newest_browser_and_to_nothing_else(session, mira):
    session.execute(update(Channel).values(wants=["strained", "question"]))
    browser(session, mira, "old")
    newest = browser(session, mira, "new")
    browser(session, mira, "gone", "off")
    told, (question,) = consider(session, mira)
    delivery = only_delivery(session)
    assert told
    assert (delivery.channel, delivery.kind, delivery.subject) == (newest, "question", question.id)
    assert (delivery.status, delivery.key, delivery.thread) == (
        "waiting",
        f"question:{question.id}",
        f"question-{question.id}",
    )


def test_it_goes_by_mail_where_that_was_wished_for_and_no_browser_hears_from_us(session, mira):
    session.execute(update(Channel).values(wants=["strained", "question"]))
    browser(session, mira, "gone", "off")
    consider(session, mira)
    assert session.get_one(Channel, only_delivery(session).channel).kind == "mail"


def test_quiet_hours_hold_it(session, mira):
    mira.quiet_from, mira.quiet_until = 1320, 540
    browser(session, mira, "new")
    assert consider(session, mira)[0]
    delivery = only_delivery(session)
    assert delivery.status == "held"
    assert delivery.not_before - the_clock.now() <= timedelta(hours=1)
    assert delivery.not_before.hour == 9


@pytest.mark.parametrize("reason", ["answered", "passed", "asks", "another person"])
def test_a_question_that_waited_is_dropped_where_nobody_waits_for_it_any_more(session, mira, reason):
    browser(session, mira, "new")
    _, (question,) = consider(session, mira)
    delivery = only_delivery(session)
    questions.still_asked(session, delivery)
    match reason:
        case "answered":
            asking.answer(session, question, "none")
        case "passed":
            restate(session, mira.id, "normal")
        case "asks":
            mira.asks = False
        case _:
            question.person = ready(session, address="eve@example.org")
    session.flush()
    with pytest.raises(Unwanted):
        questions.still_asked(session, delivery)


def test_a_mail_that_waited_is_dropped_where_mail_is_not_wished_for_any_more(session, mira):
    session.execute(update(Channel).values(wants=["strained", "question"]))
    consider(session, mira)
    session.execute(update(Channel).values(wants=["strained"]))
    with pytest.raises(Unwanted):
        questions.still_asked(session, only_delivery(session))


@pytest.fixture
def relay(home, monkeypatch):
    with mailed(monkeypatch) as relay:
        yield relay


def prepared(**changes) -> int:
    """Somebody who wants questions by mail and is asked; the question's id."""
    with transaction() as session:
        person = session.get_one(Person, ready(session))
        person.language = changes.get("language", "en")
        session.execute(update(Channel).values(wants=["strained", "question"]))
        consider(session, person)
        return session.scalars(select(Question.id)).one()


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_mail_asks_in_the_persons_language_and_says_nothing_of_any_night(database, relay, clock, language):
    clock("2026-11-22T08:00")
    question = prepared(language=language)
    send_due()
    (mail,) = relay.mails
    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"] == question_letter.SPEAKERS[language].say("subject")
    assert f"https://vagus.example.net/q/{asking.token(question)}" in text
    visible = re.sub(r"https?://\S+|<[^>]*>", " ", text + mail.get_body(("html",)).get_content().split("<body", 1)[1])
    assert not re.search(r"\d", re.sub(r"(style|width|cell\w+|border)=\S+", " ", visible))


def test_the_words_on_a_lock_screen_carry_no_number_and_no_state():
    for said in kinds.KINDS["question"].lock_screen.values():
        assert not re.search(r"\d|strain|belast|HRV|heart|puls", said, re.IGNORECASE)


def test_a_question_that_was_answered_on_the_page_is_not_sent(database, relay, clock):
    clock("2026-11-22T08:00")
    question = prepared()
    with transaction() as session:
        asking.answer(session, session.get_one(Question, question), "none")
    send_due()
    assert relay.mails == []
    with transaction() as session:
        assert only_delivery(session).status == "cancelled"


def test_a_person_whose_nights_begin_to_lean_is_asked_when_they_are_judged_and_once(database, clock, monkeypatch):
    clock("2026-11-22T09:00")
    with transaction() as session:
        person = make_person(session)
        live_nights(session, person, TODAY, story(usual=40, strained=0))
        store.request_score(session, person, "test")
    monkeypatch.setattr(score, "judged", lambda *_: leaning())  # where the levels lie is scoring's
    for minute in (1, 2):
        clock(f"2026-11-22T09:0{minute}")
        with transaction() as session:
            store.request_score(session, person, "again", delay=timedelta(0))
        with transaction() as session:
            ((key, token),) = leases.claim(session, score.SCORES)
        score.score_person(key, token)
    with transaction() as session:
        asked_about = session.scalars(select(Question)).one()
        assert (asked_about.person, asked_about.first_day, asked_about.last_day) == (person, FIRST, TODAY)
