"""A check-in is noted, corrected and taken back; what follows from it are tags, and soreness judges nothing."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from ingest import check_ins, people, store
from ingest.check_ins import Answers
from ingest.models import CheckIn, ScoreRequest, Tag
from scoring import Night, assess
from tests.ingest.web.web_stage import nights

DAY = date(2026, 11, 22)


@pytest.fixture
def mira(session, clock) -> int:
    clock("2026-11-22T06:00")
    person = people.ensure(session, "mira@example.org")
    person.zone = "UTC"
    session.flush()
    return person.id


def tags(session, day=DAY) -> dict[str, bool]:
    own = select(Tag.name, Tag.present).where(Tag.day == day, Tag.source == store.OWN_WORD)
    return dict(session.execute(own).all())


def test_what_is_noted_becomes_tags_in_the_persons_own_name(session, mira):
    noted = Answers(feeling="ill", signs=["grip", "compound"], soreness=2, drinks=1, travelled=True, hot_night=True)
    check_ins.save(session, mira, DAY, noted)
    assert tags(session) == dict.fromkeys(
        ("ill", "grip", "compound", "soreness", "alcohol", "travel", "hot_night"), True
    )
    assert session.get(ScoreRequest, mira) is not None


def test_only_what_was_answered_is_stored(session, mira):
    check_ins.save(session, mira, DAY, Answers(feeling="great", rpe=0))
    assert session.get_one(CheckIn, (mira, DAY)).answers == {"feeling": "great", "rpe": 0}
    assert tags(session) == {}
    assert session.get(ScoreRequest, mira) is not None, "the effort of a session is load"


def test_an_effort_that_is_taken_back_is_judged_anew_too(session, mira):
    check_ins.save(session, mira, DAY, Answers(rpe=7))
    session.delete(session.get_one(ScoreRequest, mira))
    session.flush()
    check_ins.save(session, mira, DAY, Answers(feeling="ok"))
    assert session.get(ScoreRequest, mira) is not None


def test_no_drinks_is_an_explicit_no_and_no_answer_is_none(session, mira):
    check_ins.save(session, mira, DAY, Answers(drinks=0))
    assert tags(session) == {"alcohol": False}
    check_ins.save(session, mira, DAY, Answers(feeling="ok"))
    assert tags(session) == {}


def test_saving_again_corrects_what_was_saved_before_and_leaves_other_words_alone(session, mira):
    store.tag_days(session, mira, [DAY], "new_device")
    check_ins.save(session, mira, DAY, Answers(signs=["grip", "flat_power"], drinks=3))
    check_ins.save(session, mira, DAY, Answers(signs=["flat_power", "coordination"], drinks=0))
    assert tags(session) == {"flat_power": True, "coordination": True, "alcohol": False, "new_device": True}
    assert session.scalars(select(CheckIn.answers)).all() == [{"signs": ["flat_power", "coordination"], "drinks": 0}]


def test_a_check_in_without_answers_is_none(session, mira):
    check_ins.save(session, mira, DAY, Answers(signs=["grip"]))
    check_ins.save(session, mira, DAY, Answers())
    assert session.scalars(select(CheckIn)).all() == []
    assert tags(session) == {}


def test_a_day_can_be_corrected_until_it_ends_where_the_person_is(session, mira, clock):
    people.get(session, "mira@example.org").zone = "America/Los_Angeles"
    clock("2026-11-23T07:59")
    check_ins.save(session, mira, DAY, Answers(feeling="ok"))
    clock("2026-11-23T08:00")
    with pytest.raises(check_ins.AnotherDay):
        check_ins.save(session, mira, DAY, Answers(feeling="ill"))
    assert check_ins.of_day(session, mira, DAY) == Answers(feeling="ok")


def test_two_weeks_are_listed_newest_first_each_in_a_line(session, mira, clock):
    for back in (20, 3, 0):
        day = DAY - timedelta(days=back)
        clock(f"{day}T06:00")
        check_ins.save(session, mira, day, Answers(feeling="heavy", signs=["grip"], soreness=0, drinks=3, rpe=7))
    listed = check_ins.lately(session, mira, DAY)
    assert [day for day, _ in listed] == [DAY, DAY - timedelta(days=3)]
    assert check_ins.told(listed[0][1]) == (
        "Heavy · Grip or bar control off · sore muscles: none · drinks: 3+ · training the day before: 7 of 10"
    )
    assert check_ins.told(Answers(travelled=True, hot_night=True), "de") == "Gereist · Heiße Nacht"


@pytest.mark.parametrize(
    "given", [{"soreness": 4}, {"drinks": -1}, {"drinks": 4}, {"rpe": 11}, {"feeling": "fine"}, {"signs": ["tired"]}]
)
def test_what_was_not_asked_is_no_answer(given):
    with pytest.raises(ValidationError):
        Answers(**given)


def noted_on_all(given: list[Night], *names: str) -> list[Night]:
    return [replace(night, tags=night.tags | set(names)) for night in given]


@pytest.mark.parametrize("story", [{}, {"strained": 5, "seed": 11}, {"strained": 10}, {"strained": 10, "eased": 3}])
def test_soreness_neither_raises_nor_clears_anything(story):
    given = nights(**story)
    plain, sore = assess(given), assess(noted_on_all(given, "soreness"))
    assert [(each.state, each.alert, each.score, each.strain, each.confidence) for each in plain] == [
        (each.state, each.alert, each.score, each.strain, each.confidence) for each in sore
    ]
