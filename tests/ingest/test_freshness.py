"""One sentence about a connection: what is said of which rows, and in whose clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ingest import freshness, people, standings
from ingest.freshness import Followed, Standing, sentence
from ingest.models import (
    BackfillWindow,
    Connection,
    DayValue,
    Episode,
    Person,
    Run,
    Series,
    StreamState,
    VendorAccount,
    VendorApp,
)
from ingest.source import FILE_RANK, GRANT_RANK

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=ZoneInfo("Europe/Berlin"))
SLEEP, STEPS = Followed("sleep", nightly=True, state="following"), Followed("steps", nightly=False, state="following")
WELL = Standing(
    connection=1,
    vendor="oura",
    title="Oura",
    kind="grant",
    state="active",
    since=NOW - timedelta(days=90),
    streams=(SLEEP, STEPS),
    night=date(2026, 11, 22),
    night_at=NOW - timedelta(minutes=12),
    asked_at=NOW - timedelta(minutes=3),
)
AGO = timedelta(days=2)
STORIES = {
    "fresh": (WELL, "fresh", "Up to date", "Night of 22 Nov, here since 05:48.", ""),
    "late": (
        replace(WELL, night=date(2026, 11, 21)),
        "late",
        "Late",
        "Last night isn't here yet. Opening the Oura app sends it.",
        "",
    ),
    "silent": (
        replace(WELL, night=date(2026, 11, 19)),
        "late",
        "Late",
        "Nothing since the night of 19 Nov. Usually the device has not met the phone: open the Oura app.",
        "",
    ),
    "not asked yet": (
        replace(WELL, night=None, asked_at=None),
        "waiting",
        "Connected",
        "We ask for your first nights now.",
        "",
    ),
    "no night yet": (
        replace(WELL, night=None),
        "waiting",
        "Connected",
        "There is no night yet; we last asked at 05:57. Wear it to bed, and open the Oura app after.",
        "",
    ),
    "filling": (
        replace(WELL, windows=20, windows_waiting=7),
        "waiting",
        "Reading your past",
        "Last night is here. Your past nights are on their way, the newest first.",
        "",
    ),
    "slowed down": (
        replace(WELL, denied_until=NOW + timedelta(minutes=12)),
        "waiting",
        "Slowed down",
        "Oura asks us to slow down; continuing at 06:12.",
        "",
    ),
    "failing": (
        replace(
            WELL,
            streams=(
                replace(SLEEP, failing_since=NOW - timedelta(hours=3), next_at=NOW + timedelta(minutes=30)),
                STEPS,
            ),
        ),
        "late",
        "Trying again",
        "Oura has not answered us as it should since 03:00. We try again at 06:30; nothing is lost.",
        "",
    ),
    "ended by the vendor": (
        replace(WELL, state="reconnect", since=NOW - AGO),
        "needs_you",
        "Needs you",
        "Oura ended our access on 20 Nov. Connect again and we fetch what is missing. Nothing is lost.",
        "reconnect",
    ),
    "lapsed membership": (
        replace(WELL, state="needs_you", since=NOW - AGO, reason="Oura shares no data of this"),
        "needs_you",
        "Needs you",
        (
            "Oura shares no data of this. So it is since 20 Nov; we look again every day. "
            "Once that is settled, connecting again goes on at once. Nothing is lost."
        ),
        "reconnect",
    ),
    "nights not shared": (
        replace(WELL, streams=(replace(SLEEP, state="forbidden"), STEPS)),
        "needs_you",
        "Needs you",
        "You did not share sleep with us, so we cannot judge nights.",
        "share",
    ),
    "unreadable": (
        replace(WELL, streams=(replace(SLEEP, state="buried"), STEPS)),
        "late",
        "Not readable",
        "What Oura sends of sleep cannot be read yet. Whoever runs this service sees it. Nothing is lost.",
        "",
    ),
    "paused by the operator": (
        replace(WELL, paused_until=NOW + timedelta(hours=1)),
        "off",
        "Paused",
        "The person who runs this service has paused Oura.",
        "",
    ),
    "held by an operator, whatever the vendor does": (
        replace(WELL, paused_until=NOW + timedelta(hours=1), failing_for_all=True, held=True),
        "off",
        "Paused",
        "The person who runs this service has paused Oura.",
        "",
    ),
    "failing for everyone": (
        replace(WELL, paused_until=NOW + timedelta(hours=1), failing_for_all=True),
        "late",
        "Oura is away",
        "Oura is failing for everyone at the moment. We keep trying; there is nothing to do.",
        "",
    ),
    "disconnected": (
        replace(WELL, state="disconnected", since=NOW),
        "off",
        "Disconnected",
        "You disconnected it today. Its nights are kept.",
        "reconnect",
    ),
    "a file": (
        replace(WELL, kind="file", title="WHOOP", streams=(), night=date(2026, 11, 9)),
        "late",
        "A file",
        "Its newest night is that of 9 Nov. A newer one goes on from there.",
        "import",
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_each_cause_is_said_in_one_sentence_with_what_to_do(story: str) -> None:
    seen, mood, word, text, action = STORIES[story]
    said = sentence(seen, NOW)
    assert (said.mood, said.word, said.text, said.action) == (mood, word, text, action)


def test_what_only_the_person_can_mend_is_said_before_what_heals_by_itself() -> None:
    both = replace(WELL, state="reconnect", denied_until=NOW + timedelta(hours=1), windows_waiting=3)
    assert sentence(both, NOW).mood == "needs_you"


def test_a_vendor_that_stumbled_a_moment_ago_is_not_worth_a_word() -> None:
    stumbled = replace(SLEEP, failing_since=NOW - timedelta(minutes=5), next_at=NOW)
    assert sentence(replace(WELL, streams=(stumbled,)), NOW).word == "Up to date"


def test_a_stream_that_makes_no_nights_never_turns_a_connection_red() -> None:
    steps = replace(STEPS, failing_since=NOW - AGO, state="forbidden")
    seen = replace(WELL, streams=(SLEEP, steps))
    assert sentence(seen, NOW).mood == "fresh"
    assert (seen.shared, seen.unshared) == (["sleep"], ["steps"])


def test_times_are_told_in_the_zone_of_the_person_and_with_their_date_on_another_day() -> None:
    in_utc = replace(WELL, denied_until=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    assert "continuing at 23 Nov, 00:30" in sentence(in_utc, NOW).text


def test_a_pause_that_is_over_is_not_told() -> None:
    assert sentence(replace(WELL, paused_until=NOW, denied_until=NOW), NOW).mood == "fresh"


def test_no_sentence_alarms_or_diagnoses() -> None:
    for seen, *_ in STORIES.values():
        text = sentence(seen, NOW).text.lower()
        assert not any(word in text for word in ("error", "warning", "danger", "abnormal", "invalid", "token"))
        assert len(text) <= 160


def connected(session, *, kind: str = "grant", address: str = "mira@example.org", vendor: str = "oura") -> Connection:
    person = people.ensure(session, address)
    person.zone = "Europe/Berlin"
    app = VendorApp(vendor=vendor, client_id=f"c-{address}", created_at=NOW) if kind == "grant" else None
    account = VendorAccount(person=person.id, vendor=vendor, external_id=f"x-{address}", created_at=NOW)
    session.add_all([each for each in (app, account) if each])
    session.flush()
    made = Connection(
        vendor_account=account.id, vendor_app=app.id if app else None, kind=kind, state_since=NOW, created_at=NOW
    )
    session.add(made)
    session.flush()
    return made


def night(session, connection: Connection, day: date, rank: int = GRANT_RANK, **columns) -> None:
    at = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    row = {"state": "final", "main": True, "edited": False, "detail": {}, "content": "", "as_of": at} | columns
    session.add(
        Episode(
            vendor_account=connection.vendor_account,
            stream="oura.sleep",
            record=f"{day}{columns.get('state')}{rank}",
            kind="sleep",
            starts_at=at - timedelta(hours=8),
            ends_at=at,
            day=day,
            source_rank=rank,
            **row,
        )
    )
    session.flush()


def test_the_rows_of_a_connection_are_read_as_they_stand(session, clock) -> None:
    clock(NOW)
    made = connected(session)
    for stream, state in (("oura.sleep", "following"), ("oura.workout", "forbidden")):
        session.add(StreamState(connection=made.id, stream=stream, state=state, cursor=NOW, next_at=NOW))
    for start, state in ((0, "done"), (30, "waiting"), (60, "cancelled")):
        since = NOW - timedelta(days=90) + timedelta(days=start)
        window = {"start_at": since, "end_at": since + timedelta(days=30), "state": state, "due_at": NOW}
        session.add(BackfillWindow(connection=made.id, stream="oura.sleep", **window))
    person = session.get(VendorAccount, made.vendor_account).person
    session.add(Run(person=person, connection=made.id, kind="sync", state="snoozed", created_at=NOW, ended_at=NOW))
    made.next_sync_at = NOW + timedelta(minutes=12)
    night(session, made, date(2026, 11, 21))
    night(session, made, date(2026, 11, 22), state="unscorable")
    (seen,) = standings.of_person(session, person)
    assert (seen.title, seen.shared, seen.unshared) == ("Oura", ["sleep"], ["workouts"])
    assert (seen.windows, seen.windows_waiting) == (2, 1)
    assert seen.night == date(2026, 11, 21)
    assert seen.denied_until == NOW + timedelta(minutes=12)


def test_a_file_and_a_grant_of_one_account_each_have_their_own_newest_night(session, clock) -> None:
    clock(NOW)
    grant = connected(session)
    file = Connection(vendor_account=grant.vendor_account, kind="file", state_since=NOW, created_at=NOW)
    session.add(file)
    session.flush()
    night(session, grant, date(2026, 11, 22))
    night(session, grant, date(2026, 11, 3), FILE_RANK)
    seen = {
        each.kind: each
        for each in standings.of_person(session, session.get(VendorAccount, grant.vendor_account).person)
    }
    assert seen["grant"].night == date(2026, 11, 22)
    assert seen["file"].night == date(2026, 11, 3)


def test_a_vendor_of_files_alone_has_its_title(session, clock) -> None:
    clock(NOW)
    made = connected(session, kind="file", vendor="whoop")
    (seen,) = standings.of_person(session, session.get(VendorAccount, made.vendor_account).person)
    assert seen.title == "WHOOP"


def test_one_person_never_sees_the_connections_of_another(session, clock) -> None:
    clock(NOW)
    connected(session)
    other = people.ensure(session, "rolf@example.org")
    assert standings.of_person(session, other.id) == []


def test_without_a_zone_times_are_told_by_the_offset_of_the_latest_night(session, clock) -> None:
    clock(datetime(2026, 11, 22, 5, 0, tzinfo=UTC))
    person = people.ensure(session, "mira@example.org")
    assert f"{standings.here(session, person):%H:%M}" == "05:00"
    series = Series(person=person.id, measure="total_sleep_time", definition="d", context="sleep", created_at=NOW)
    session.add(series)
    session.flush()
    version = {"state": "final", "source_rank": 2, "as_of": NOW, "content": ""}
    session.add(DayValue(series=series.id, record="r", starts_at=NOW, utc_offset_minutes=-180, **version))
    session.flush()
    assert f"{standings.here(session, person):%H:%M}" == "02:00"
    session.get_one(Person, person.id).zone = "Asia/Kolkata"
    assert f"{standings.here(session, person):%H:%M}" == "10:30"


def test_a_date_is_told_as_people_say_it() -> None:
    assert freshness.on_day(NOW, NOW) == "today"
    assert freshness.on_day(NOW - AGO, NOW) == "on 20 Nov"
    assert freshness.on_day(NOW - timedelta(days=400), NOW) == "on 18 Oct 2025"
