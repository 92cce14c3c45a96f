"""A person with a ring and a strap: nothing is told because of a switch, and nothing is told twice."""

from datetime import date, timedelta

import pytest
from sqlalchemy import delete, func, insert, select, update

from ingest import clock as the_clock
from ingest import store
from ingest.db import transaction
from ingest.models import Alert, DayValue, Delivery, Readiness, Series, SeriesChoice, VendorAccount
from tests.workers.peers import make_person, night_row, story
from workers import leases, score
from workers.score import SCORES

TODAY = date(2026, 3, 1)
STRAINED, QUIET = story(70, 8), story(78, 0, seed=2)
RING_NIGHTS = [None if night is None else (night[0] + 15, night[1] - 4) for night in QUIET]


@pytest.fixture
def mira(database, home, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        return make_person(session)


def wear(person: int, vendor: str, nights, last: date = TODAY) -> int:
    """Store nights of a device of its own; returns its account."""
    with transaction() as session:
        account = VendorAccount(person=person, vendor=vendor, external_id=f"{vendor}-1", created_at=the_clock.now())
        session.add(account)
        session.flush()
        for index, measure in enumerate(("heart_rate_variability_rmssd", "resting_heart_rate")):
            series = Series(person=person, vendor_account=account.id, measure=measure, definition="x", context="sleep")
            series.created_at = the_clock.now()
            session.add(series)
            session.flush()
            days = ((last - timedelta(days=back), night) for back, night in enumerate(reversed(nights)))
            session.execute(insert(DayValue), [night_row(series.id, day, night[index]) for day, night in days if night])
        return account.id


def look(person: int) -> bool:
    """Score as a worker does; whether something is to be told."""
    with transaction() as session:
        store.request_score(session, person, "test", timedelta(0))
    with transaction() as session:
        ((key, token),) = leases.claim(session, SCORES)
    leases.begin(SCORES, key, token)
    return score.score_person(key, token)


def choose(person: int, account: int | None) -> None:
    with transaction() as session:
        store.choose_device(session, person, account)


def alerts() -> list[tuple[str, bool]]:
    with transaction() as session:
        return [(alert.state, alert.told) for alert in session.scalars(select(Alert).order_by(Alert.id))]


def count(table, *conditions) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions))


def state() -> str:
    with transaction() as session:
        return session.scalar(select(Readiness.state).where(Readiness.day == TODAY))


def send() -> None:
    """As if every delivery that waits had gone out."""
    with transaction() as session:
        session.execute(update(Delivery).values(status="sent", sent_at=the_clock.now()))
        session.execute(update(Alert).values(told=True))


def test_a_choice_that_shows_strain_opens_it_as_told_and_sends_nothing(mira):
    wear(mira, "oura", RING_NIGHTS)
    look(mira)
    strap = wear(mira, "whoop", STRAINED[1:])
    look(mira)
    assert (state(), alerts()) == ("normal", []), "the device that was added changes nothing"
    choose(mira, strap)
    assert look(mira) is False
    assert (state(), alerts(), count(Delivery)) == ("strained", [("open", True)], 0)


def test_strain_that_begins_on_nights_after_the_choice_is_told(mira, clock):
    wear(mira, "oura", RING_NIGHTS)
    strap = wear(mira, "whoop", STRAINED[1:])
    choose(mira, strap)
    with transaction() as session:
        young = DayValue.day > TODAY - timedelta(days=8)
        later = session.execute(select(DayValue.series, DayValue.day, DayValue.value).where(young)).all()
        session.execute(delete(DayValue).where(young))
    telling = []
    for back in reversed(range(9)):
        day = TODAY - timedelta(days=back)
        clock(f"{day}T09:00")
        with transaction() as session:
            for row in later:
                if row.day == day:
                    session.execute(insert(DayValue), [night_row(*row)])
        telling.append(look(mira))
        send()
    assert (sum(telling), alerts(), count(Delivery)) == (1, [("open", True)], 1)


def test_a_switch_away_from_strain_that_was_told_and_back_again_tells_nothing_more(mira):
    wear(mira, "whoop", STRAINED)
    ring = wear(mira, "oura", RING_NIGHTS[1:])
    assert look(mira) is True
    send()
    choose(mira, ring)
    assert look(mira) is False
    assert (state(), alerts()) == ("normal", [("withdrawn", True)])
    choose(mira, None)
    assert look(mira) is False
    assert (state(), alerts(), count(Delivery)) == ("strained", [("open", True)], 1)


def test_an_alert_that_waits_goes_out_once_when_both_devices_show_the_strain(mira):
    wear(mira, "whoop", STRAINED)
    ring = wear(mira, "oura", story(69, 8, seed=3))
    assert look(mira) is True
    choose(mira, ring)
    look(mira)
    assert (alerts(), count(Delivery, Delivery.status == "waiting")) == ([("open", False)], 1)


def test_strain_that_began_while_the_device_before_was_silent_is_told_once_at_the_takeover(mira, clock):
    wear(mira, "oura", RING_NIGHTS[:-8], TODAY - timedelta(days=8))
    wear(mira, "whoop", STRAINED[1:])
    with transaction() as session:
        session.execute(delete(DayValue).where(DayValue.day == TODAY))
    clock("2026-02-28T09:00")
    look(mira)
    assert alerts() == []
    with transaction() as session:
        held = select(Series.id, Series.measure).join(VendorAccount).where(VendorAccount.vendor == "whoop")
        for series, measure in session.execute(held).all():
            value = STRAINED[-1][measure == "resting_heart_rate"]
            session.execute(insert(DayValue), [night_row(series, TODAY, value)])
    clock("2026-03-01T09:00")
    assert look(mira) is True
    assert look(mira) is False
    assert (state(), alerts(), count(Delivery)) == ("strained", [("open", False)], 1)


def test_a_takeover_sends_nothing_of_strain_that_began_on_a_night_the_device_before_told_otherwise(mira):
    wear(mira, "oura", RING_NIGHTS[:-8], TODAY - timedelta(days=8))
    look(mira)
    wear(mira, "whoop", story(69, 14, seed=3))
    look(mira)
    assert (state(), count(Delivery)) == ("strained", 0)


def test_a_choice_sends_nothing_of_strain_that_both_saw_begin_and_that_was_history_here(mira):
    wear(mira, "oura", [*story(69, 14, seed=3)[:-4], *RING_NIGHTS[-4:]])
    strap = wear(mira, "whoop", story(69, 14, seed=4)[1:])
    look(mira)
    before = count(Delivery)
    choose(mira, strap)
    look(mira)
    assert count(Delivery) == before


@pytest.mark.parametrize("silent", [12, 14])  # the strain began before the other device led, or while nobody knew
def test_nights_that_come_late_and_hand_over_to_another_device_tell_what_nobody_had_seen_once(mira, silent):
    wear(mira, "oura", RING_NIGHTS[:-silent], TODAY - timedelta(days=silent))
    look(mira)
    wear(mira, "whoop", STRAINED[1:])
    assert [look(mira), look(mira)] == [True, False]
    assert (state(), count(Delivery)) == ("strained", 1)


def test_the_chosen_device_falls_silent_and_the_other_one_is_judged_by_its_own_range_at_once(mira):
    strap = wear(mira, "whoop", STRAINED[:-8], TODAY - timedelta(days=8))
    wear(mira, "oura", RING_NIGHTS[1:])
    choose(mira, strap)
    look(mira)
    with transaction() as session:
        (latest,) = store.readiness(session, mira, TODAY)
        before = store.readiness(session, mira, TODAY - timedelta(days=8))[0]
    assert [given.series.split("/")[0] for given in (before.inputs[0], latest.inputs[0])] == ["whoop", "oura"]
    assert (latest.state, latest.inputs[0].usual_low is not None) == ("normal", True)


def test_erasing_the_chosen_account_takes_the_choice_along_and_the_other_device_is_read(mira):
    wear(mira, "oura", RING_NIGHTS)
    strap = wear(mira, "whoop", STRAINED[1:])
    look(mira)
    choose(mira, strap)
    look(mira)
    with transaction() as session:
        session.execute(delete(VendorAccount).where(VendorAccount.id == strap))
    assert look(mira) is False
    assert (count(SeriesChoice), state(), count(Delivery)) == (0, "normal", 0)


def test_what_was_decided_stands_while_the_past_of_an_added_device_is_on_its_way_and_then_nothing_is_sent(
    mira, monkeypatch
):
    wear(mira, "oura", RING_NIGHTS[20:])
    look(mira)
    wear(mira, "whoop", STRAINED)  # its past reaches further back, so it leads as soon as that is in
    with monkeypatch.context() as on_its_way:
        on_its_way.setattr(score.following, "filling", lambda *_: True)
        look(mira)
    assert (state(), count(Readiness, Readiness.policy == store.UNDECIDED)) == ("normal", 20)
    assert look(mira) is False
    assert (state(), alerts(), count(Delivery)) == ("strained", [("open", True)], 0)


def test_the_end_of_a_first_past_is_a_real_decision_whichever_device_came_first(mira, monkeypatch):
    wear(mira, "oura", RING_NIGHTS[20:])
    with monkeypatch.context() as on_its_way:
        on_its_way.setattr(score.following, "filling", lambda *_: True)
        look(mira)
    wear(mira, "whoop", STRAINED)
    assert look(mira) is True
    assert count(Delivery) == 1


def test_a_grant_that_gives_a_file_s_account_its_name_is_no_other_device(mira):
    account = wear(mira, "whoop", STRAINED)
    with transaction() as session:
        session.execute(update(VendorAccount).values(external_id=None))
    look(mira)
    with transaction() as session:
        session.execute(delete(Delivery))
        session.execute(delete(Alert))
        session.execute(update(Readiness).values(state="normal"))  # as the file had it, before the grant mended it
        session.execute(update(VendorAccount).where(VendorAccount.id == account).values(external_id="whoop-1"))
    assert look(mira) is True
