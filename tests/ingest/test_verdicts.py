"""What people say of alerts moves their threshold, slowly, never far, and back again."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from ingest import clock as the_clock
from ingest import snoozes, verdicts
from ingest.models import Alert, Delivery, Person, ScoreRequest
from scoring import SENSITIVITY
from tests.workers.peers import make_told

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("days_ago", "steps"),
    [
        ([], 0),
        ([3], 0),
        ([30, 3], 1),
        ([60, 50, 40], 1),
        ([60, 50, 40, 30, 20, 10], 3),
        ([80, 70, 60, 50, 40, 30, 20, 10], 3),
        ([181, 180], 0),
        ([181, 179], 1),
        ([300, 290, 280, 270, 100], 2),
        ([300, 290, 280, 270, 80], 1),
        ([800, 10], 0),
    ],
)
def test_two_answers_raise_a_step_three_steps_are_the_most_and_half_a_year_takes_one_back(days_ago, steps):
    assert verdicts.steps_after([NOW - days * DAY for days in days_ago], NOW) == steps


@pytest.fixture
def mira(session, clock):
    clock(NOW)
    make_told(session, "mira@example.org")
    person = session.scalars(select(Person)).one()
    for back in (40, 20):
        day = date(2026, 3, 1) - back * DAY
        times = {"opened_at": NOW - back * DAY, "closed_at": NOW - (back - 5) * DAY}
        session.add(
            Alert(
                person=person.id,
                kind="strained",
                first_day=day,
                last_day=day + 4 * DAY,
                state="closed",
                told=True,
                threshold=0.9,
                **times,
            )
        )
    session.flush()
    return person


def test_the_second_not_useful_raises_the_threshold_and_has_the_nights_judged_again(session, mira):
    first, second = session.scalars(select(Alert).where(Alert.state == "closed").order_by(Alert.opened_at))
    verdicts.say(session, mira, first, "not_useful")
    assert verdicts.level_of(session, mira).threshold == SENSITIVITY["balanced"]
    assert session.get(ScoreRequest, mira.id) is None
    verdicts.say(session, mira, second, "not_useful")
    assert verdicts.level_of(session, mira).threshold == pytest.approx(SENSITIVITY["balanced"] + 0.1)
    assert verdicts.level_of(session, mira).rules == "balanced+1"
    assert session.get(ScoreRequest, mira.id).reason == "verdict"
    verdicts.say(session, mira, second, "useful")
    assert verdicts.level_of(session, mira).rules == "balanced"


def test_taking_the_answers_back_takes_back_what_they_raised_and_leaves_what_was_useful(session, mira):
    open_one, *closed = session.scalars(select(Alert).order_by(Alert.opened_at.desc()))
    for alert in closed:
        verdicts.say(session, mira, alert, "not_useful")
    verdicts.say(session, mira, open_one, "useful")
    verdicts.forget(session, mira)
    session.expire_all()
    assert verdicts.level_of(session, mira).steps == 0
    assert open_one.verdict == "useful"


def test_a_snooze_ends_by_itself_by_the_person_or_never_and_has_what_is_held_asked_again(session, mira, clock):
    delivery = session.scalars(select(Delivery)).one()
    delivery.status, delivery.not_before = "held", NOW + 9 * DAY
    session.flush()
    snoozes.begin(session, mira.id, "3")
    assert snoozes.until(mira) == the_clock.now().replace(microsecond=mira.snoozed_until.microsecond) + 3 * DAY
    session.expire_all()
    assert delivery.not_before < NOW + DAY
    clock(NOW + 3 * DAY + timedelta(minutes=1))
    assert snoozes.until(mira) is None
    snoozes.begin(session, mira.id, "always")
    clock(NOW + 3000 * DAY)
    assert snoozes.until(mira) == snoozes.UNTIL_TOLD
    snoozes.end(session, mira.id)
    assert snoozes.until(mira) is None
