"""A person is told once: whatever arrives, in whatever order, and whatever is recomputed."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import ALGORITHM_VERSION, Assessment, Night, assess
from tests.workers.peers import story
from workers.alerts import Decided, Moment, Run, Seen, after_quiet, allowed, decide, runs

TODAY = date(2026, 3, 1)
RULES = (ALGORITHM_VERSION, "balanced")


def judged(letters: str, last: date = TODAY, ended_by: str | None = None) -> list[Assessment]:
    """Assessments in shorthand, the last one on `last`: `.` normal, `S` start, `s` continue, `c` clear, `x` ended."""
    blank = assess([Night(TODAY)])[0]
    kinds = {
        ".": {"state": "normal", "alert": None},
        "S": {"state": "strained", "alert": "start"},
        "s": {"state": "strained", "alert": "continue"},
        "c": {"state": "recovering", "alert": "clear"},
        "x": {"state": "insufficient", "alert": None, "ended_by": ended_by or "insufficient"},
    }
    first = last - timedelta(days=len(letters) - 1)
    return [replace(blank, day=first + timedelta(days=i), **kinds[letter]) for i, letter in enumerate(letters)]


@dataclass
class Ledger:
    """One person's alerts as the database would hold them, and the mails that went out."""

    today: date = TODAY
    newest: date | None = TODAY
    alerts: list[Decided] = field(default_factory=list)
    mails: list[int] = field(default_factory=list)
    seen: dict[date, Seen] = field(default_factory=dict)
    rules: tuple[str, str] = RULES
    told: bool = True  # whether the mail is sent before the next look

    def look(self, assessments: list[Assessment]) -> None:
        moment = Moment(self.today, self.newest, self.rules, cooldown=5)
        for change in decide(assessments, self.alerts, self.seen, moment):
            alert = change.alert
            if alert.id is None:
                alert = replace(alert, id=len(self.alerts) + 1)
                self.alerts.append(alert)
            if change.tell:
                alert = replace(alert, has_deliveries=True, told=self.told)
                self.mails.append(alert.id or 0)
            self.alerts[(alert.id or 0) - 1] = alert
            assert sum(each.state == "open" for each in self.alerts) <= 1
        self.seen = {each.day: Seen(each.state, self.rules) for each in assessments}


def nights_until(today: date, values: dict[date, tuple[float, float]]) -> list[Night]:
    if not values:
        return []
    days = [min(values) + timedelta(days=i) for i in range((today - min(values)).days + 1)]
    found = {day: values.get(day, (None, None)) for day in days}
    return [
        Night(day, hrv_ms=hrv, resting_heart_rate=rate, hrv_series="a", resting_series="b")
        for day, (hrv, rate) in found.items()
    ]


def whole_story(seed: int, strained: int = 8) -> dict[date, tuple[float, float]]:
    told = story(70, strained, seed)
    return {TODAY - timedelta(days=len(told) - 1 - i): night for i, night in enumerate(told) if night}


def test_strain_that_holds_is_told_on_its_first_night_and_never_again():
    ledger = Ledger()
    for nights in ("....S", "....Ss", "....Sss"):
        ledger.look(judged(nights))
    assert ledger.mails == [1]
    assert [alert.state for alert in ledger.alerts] == ["open"]


def test_strain_that_has_passed_is_closed_and_keeps_its_days():
    ledger = Ledger()
    ledger.look(judged("....Sss"))
    ledger.look(judged("...Sssc"))
    (alert,) = ledger.alerts
    assert (alert.state, alert.first_day, alert.last_day) == (
        "closed",
        TODAY - timedelta(days=3),
        TODAY - timedelta(days=1),
    )


def test_a_run_that_is_over_and_was_never_told_makes_no_alert():
    ledger = Ledger()
    ledger.look(judged("..Sssc......"))
    assert ledger.alerts == []


@pytest.mark.parametrize(("behind", "mails"), [(0, 1), (1, 1), (2, 0)])
def test_now_means_that_the_newest_night_is_of_today_or_yesterday(behind, mails):
    ledger = Ledger(newest=TODAY - timedelta(days=behind))
    ledger.look(judged("...Sss"))
    assert len(ledger.mails) == mails


def test_a_run_that_vanishes_is_withdrawn_and_its_return_is_not_told_again():
    ledger = Ledger()
    ledger.look(judged("....Sss"))
    ledger.look(judged("......."))
    assert ledger.alerts[0].state == "withdrawn"
    ledger.look(judged(".....Ss"))
    assert (ledger.mails, [alert.state for alert in ledger.alerts]) == ([1], ["open"])


def test_a_run_that_vanished_before_its_mail_went_out_is_told_when_it_returns():
    ledger = Ledger(told=False)
    ledger.look(judged("....Sss"))
    ledger.look(judged("......."))
    ledger.look(judged("....Sss"))
    assert ledger.mails == [1, 1], "the same delivery is asked for again; its row is one"


def test_a_late_night_that_shifts_the_run_moves_the_alert():
    ledger = Ledger()
    ledger.look(judged("......Ss"))
    ledger.look(judged("..Ssssss"))
    assert ledger.mails == [1]
    assert ledger.alerts[0].first_day == TODAY - timedelta(days=5)


def test_a_run_that_splits_in_two_is_still_the_one_that_was_told():
    ledger = Ledger()
    ledger.look(judged("Ssssssssssssssssssss"))
    ledger.look(judged("Sssssc........Ssssss"))
    assert ledger.mails == [1]


def test_of_two_alerts_that_a_run_joins_either_being_told_is_enough():
    day = TODAY - timedelta(days=9)
    stands = [
        Decided(1, day, day + timedelta(days=2), "withdrawn", told=True, has_deliveries=True),
        Decided(2, TODAY - timedelta(days=2), TODAY, "withdrawn", told=False, has_deliveries=True),
    ]
    ledger = Ledger(alerts=stands)
    ledger.look(judged("Sssssssss"))
    assert ledger.mails == []
    assert [(alert.state, alert.told) for alert in ledger.alerts] == [("withdrawn", True), ("open", True)]


def test_strain_after_the_cooldown_is_another_alert():
    ledger = Ledger()
    ledger.look(judged("Sss" + "c" + "." * 20, last=TODAY))
    ledger.alerts = [Decided(1, TODAY - timedelta(days=23), TODAY - timedelta(days=21), "closed", told=True)]
    ledger.look(judged("Sss" + "c" + "." * 18 + "Ss"))
    assert len(ledger.alerts) == 2
    assert ledger.mails == [2]


def test_twelve_silent_nights_let_it_lapse_without_a_word():
    ledger = Ledger()
    ledger.look(judged("....Sss"))
    ledger.today, ledger.newest = TODAY + timedelta(days=13), TODAY
    ledger.look(judged("....Sss" + "s" * 11 + "xx", last=TODAY + timedelta(days=13)))
    assert ([alert.state for alert in ledger.alerts], ledger.mails) == (["lapsed"], [1])


def test_other_signs_end_a_run_as_closed():
    assert [run.state for run in runs(judged(".Ssx.", ended_by="illness"))] == ["closed"]


def test_only_the_last_run_can_be_open():
    found = runs(judged(".Ss.SsSs"))
    assert [run.state for run in found] == ["closed", "closed", "open"]
    assert found[-1] == Run(TODAY - timedelta(days=1), TODAY, "open")


@pytest.mark.parametrize("rules", [("0", "balanced"), (ALGORITHM_VERSION, "calm")])
def test_a_run_that_only_new_rules_show_opens_as_told(rules):
    ledger = Ledger(rules=rules)
    ledger.look(judged("......."))
    ledger.rules = RULES
    ledger.look(judged("....Sss"))
    assert (ledger.mails, ledger.alerts[0].state, ledger.alerts[0].told) == ([], "open", True)


def test_a_run_that_begins_with_a_new_night_is_told_although_the_rules_changed_as_well():
    ledger = Ledger(rules=("0", "balanced"), today=TODAY - timedelta(days=1))
    ledger.look(judged(".......", last=TODAY - timedelta(days=1)))
    ledger.rules, ledger.today = RULES, TODAY
    ledger.look(judged(".......S"))
    assert ledger.mails == [1]


def test_who_had_no_channel_is_told_when_the_first_look_with_one_finds_that_strain_still_holds():
    ledger = Ledger()
    ledger.look(judged("....Ss"))
    ledger.alerts = [replace(ledger.alerts[0], told=False, has_deliveries=False)]
    ledger.look(judged("....Ss"))
    assert ledger.mails == [1, 1]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.randoms(use_true_random=False), pieces=st.integers(1, 8))
def test_any_order_of_arrival_tells_once(seed, order, pieces):
    values = whole_story(seed)
    days = list(values)
    order.shuffle(days)
    cuts = sorted(order.sample(range(1, len(days)), pieces - 1)) if pieces > 1 else []
    ledger = Ledger()
    for end in [*cuts, len(days)]:
        known = {day: values[day] for day in days[:end]}
        ledger.newest = max(known)
        ledger.look(assess(nights_until(TODAY, known)))
    final = assess(nights_until(TODAY, values))[-1]
    assert final.state == "strained"
    assert len(ledger.mails) == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.randoms(use_true_random=False), late=st.integers(1, 6))
def test_nights_that_come_late_day_by_day_make_no_second_mail(seed, order, late):
    values = whole_story(seed, strained=16)
    missing = order.sample([day for day in values if day > TODAY - timedelta(days=16)], late)
    ledger, arrived = Ledger(), set()
    for back in range(16, -1, -1):
        ledger.today = TODAY - timedelta(days=back)
        if back < 8:  # from then on one of the missing comes in each day
            arrived |= set(missing[: 8 - back])
        known = {day: v for day, v in values.items() if day <= ledger.today and (day not in missing or day in arrived)}
        ledger.newest = max(known)
        ledger.look(assess(nights_until(ledger.today, known)))
    assert len(ledger.mails) == 1


def test_one_message_a_week_and_three_a_month():
    now = datetime(2026, 3, 31, tzinfo=UTC)
    ago = [now - timedelta(days=days) for days in (8, 16, 24)]
    assert allowed([], now)
    assert not allowed([now - timedelta(days=6)], now)
    assert not allowed([now + timedelta(days=1)], now), "also of two where the other comes later"
    assert allowed(ago[:2], now)
    assert not allowed(ago, now)


@pytest.mark.parametrize(
    ("wall", "hours"),
    [("21:59", 0), ("22:00", 9), ("03:00", 4), ("06:59", 1 / 60), ("07:00", 0), ("12:00", 0)],
)
def test_quiet_hours_last_over_midnight(wall, hours):
    at = datetime.fromisoformat(f"2026-03-01T{wall}").replace(tzinfo=UTC)
    assert after_quiet(at, 22 * 60, 7 * 60) == timedelta(hours=hours)


def test_quiet_hours_end_by_the_clock_on_the_wall_also_in_the_night_the_clocks_change():
    berlin = datetime(2026, 3, 28, 23, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert after_quiet(berlin, 22 * 60, 7 * 60) == timedelta(hours=7)


def test_without_quiet_hours_nothing_waits():
    at = datetime(2026, 3, 1, 3, tzinfo=UTC)
    assert after_quiet(at, None, None) == after_quiet(at, 300, 300) == timedelta(0)
