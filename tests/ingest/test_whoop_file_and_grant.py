"""A file of WHOOP's and a grant of the same account tell of one life: one series a signal, one night a day."""

import base64
import hashlib
import hmac
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

import providers
from ingest import clock as the_clock
from ingest import db, imports, people
from ingest.grants import absences, connections, hooks, oauth
from ingest.grants.reading import read_page
from ingest.grants.sync import source_of
from ingest.models import Connection, DayValue, Episode, HintReceived, Series, StreamState, VendorAccount, VendorApp
from ingest.nights import nights_of
from ingest.saving import save
from providers.base import Asked
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv
from providers.whoop import WHOOP
from tests.ingest.grants.local_vendor import SECRET, local_vendor, said

ADDRESS, BROWSER, PUBLIC = "ada@example.org", "a browser's nonce", "https://vagus.example"
USER = 7204411
LAST = date(2026, 11, 21)
NIGHTS = nights(Story.STEADY, LAST, 12, 7, utc_offset_minutes=-480)
WORN = [night for night in NIGHTS if night.worn]
FINER = 0.25  # the API has HRV to a fraction of the millisecond that the file prints
STREAMS = ("whoop.sleep", "whoop.recovery", "whoop.cycle")


def sleep_id(night) -> str:
    return f"5e1d0c2a-0000-4000-8000-{night.day:%Y%m%d0000}"


def instant(local: datetime, night) -> str:
    """A local reading as WHOOP's API writes it: in UTC, with milliseconds that the file does not have."""
    return f"{local - timedelta(minutes=night.utc_offset_minutes):%Y-%m-%dT%H:%M:%S}.640Z"


def records() -> dict[str, list[dict]]:
    """What the grant of the same person answers."""
    ends = [following.onset for _, following in pairwise(NIGHTS)] + [None]
    offset = {"timezone_offset": "-08:00", "score_state": "SCORED"}
    cycles = [
        {"id": 880000 + number, "start": instant(night.onset, night), **offset}
        | ({"end": instant(end, night)} if end else {})
        | {"score": {"strain": night.strain, "kilojoule": night.energy_kcal * 4.184}}
        for number, (night, end) in enumerate(zip(NIGHTS, ends, strict=True))
    ]
    return {"whoop.sleep": [_sleep(night) | offset for night in WORN], "whoop.recovery": [*map(_recovery, WORN)]} | {
        "whoop.cycle": cycles
    }


def _sleep(night) -> dict:
    kinds = {"light_sleep": night.light_minutes, "slow_wave_sleep": night.deep_minutes, "rem_sleep": night.rem_minutes}
    stages = {f"total_{name}_time_milli": minutes * 60_000 for name, minutes in kinds.items()}
    return {
        "id": sleep_id(night),
        "start": instant(night.onset, night),
        "end": instant(night.wake, night),
        "nap": False,
        "score": {"stage_summary": stages, "respiratory_rate": night.respiratory_rate},
    }


def _recovery(night) -> dict:
    return {
        "sleep_id": sleep_id(night),
        "created_at": instant(night.wake + timedelta(minutes=3), night),
        "score_state": "SCORED",
        "score": {
            "recovery_score": night.recovery,
            "resting_heart_rate": night.resting_heart_rate,
            "hrv_rmssd_milli": night.hrv_ms + FINER,
            "spo2_percentage": night.oxygen_saturation,
            "skin_temp_celsius": night.skin_temperature,
        },
    }


@pytest.fixture
def vendor(database, clock):
    clock("2026-11-22T05:00")
    with local_vendor() as running:
        running.token_answer = lambda _: said({"access_token": "a", "refresh_token": "r", "expires_in": 3600})
        running.answer = lambda _: said({"user_id": USER, "email": "ada@example.org"})
        yield running


def register(vendor) -> None:
    with db.transaction() as session:
        sealed = oauth.seal_secret("whoop", "app-1", SECRET)
        session.add(
            VendorApp(
                vendor="whoop",
                client_id="app-1",
                client_secret=sealed,
                origin=vendor.origin,
                created_at=the_clock.now(),
            )
        )


def connect(vendor) -> int:
    """The person goes to WHOOP and comes back; the connection's id."""
    register(vendor)
    with db.transaction() as session:
        person = people.ensure(session, ADDRESS).id
        url = connections.leave(session, person, "whoop", BROWSER, PUBLIC)
    state = parse_qs(urlsplit(url).query)["state"][0]
    return connections.arrive(person, "whoop", BROWSER, {"state": state, "code": "c-1"}, PUBLIC).connection


def bring_file(_connection: int | None = None) -> None:
    imports.import_file(ADDRESS, "whoop", "cycles.csv", io.BytesIO(cycles_csv(NIGHTS).encode()))


def bring(connection: int, *streams: str, given: dict | None = None) -> None:
    """Save what these streams of the grant answer, in this order."""
    window = Asked(datetime(2026, 11, 1, tzinfo=UTC), the_clock.now())
    for name in streams or STREAMS:
        stream = WHOOP.stream(name)
        body = json.dumps({"records": (given or records())[name], "next_token": None}).encode()
        with db.transaction() as session:
            person = session.scalars(select(VendorAccount.person)).one()
            source = source_of(session, connection, person, stream, the_clock.now())
            save(session, source, read_page(stream, body, window).rows)


def seen() -> list:
    with db.transaction() as session:
        person = session.scalars(select(VendorAccount.person)).one()
        return nights_of(session, person, LAST)


def count(*of) -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).select_from(*of))


def test_the_first_grant_names_the_account_that_a_file_made(vendor):
    bring_file()
    with db.transaction() as session:
        assert session.scalars(select(VendorAccount.external_id)).one() is None
    connection = connect(vendor)
    with db.transaction() as session:
        account = session.scalars(select(VendorAccount)).one()
        assert (account.external_id, account.vendor) == (str(USER), "whoop")
        assert session.get_one(Connection, connection).vendor_account == account.id
        assert session.scalar(select(func.count()).select_from(Connection)) == 2
    assert [asked.path for asked in vendor.asked] == [
        "/local/oauth/oauth2/token",
        "/local/developer/v2/user/profile/basic",
    ]


def test_a_file_that_comes_after_the_grant_belongs_to_its_account(vendor):
    connect(vendor)
    bring_file()
    assert count(VendorAccount) == 1


@pytest.mark.parametrize("file_first", [True, False])
def test_file_and_grant_are_one_series_a_signal_and_one_night_a_day_in_either_order(vendor, file_first):
    if file_first:
        bring_file()
    connection = connect(vendor)
    bring(connection)
    of_grant = None if file_first else seen()
    if not file_first:
        bring_file()
    assert count(Series) == 9
    assert count(
        Series,
    ) == count(select(Series.measure).distinct().subquery())
    told = seen()
    assert of_grant is None or told == of_grant, "a file adds nothing to nights that the grant told"
    assert [night.day for night in told] == [night.day for night in NIGHTS]
    for had, night in zip(NIGHTS, told, strict=True):
        assert night.hrv_ms == (had.hrv_ms + FINER if had.worn else None)
        assert night.sleep_minutes == (had.asleep_minutes if had.worn else None)
        assert night.resting_heart_rate == (had.resting_heart_rate if had.worn else None)
    assert [night.load for night in told[1:]] == [night.strain for night in NIGHTS[:-1]]
    assert len({night.hrv_series for night in told if night.hrv_ms}) == 1


def test_nights_that_the_file_alone_knows_stay(vendor):
    bring_file()
    connection = connect(vendor)
    young = {name: given[-3:] for name, given in records().items()}
    bring(connection, given=young)
    told = {night.day: night.hrv_ms for night in seen()}
    recent = {night.day for night in WORN[-3:]}
    assert told == {
        night.day: None if not night.worn else night.hrv_ms + (FINER if night.day in recent else 0) for night in NIGHTS
    }


@pytest.mark.parametrize("order", list(permutations(STREAMS)), ids=" ".join)
def test_a_recovery_takes_the_day_of_its_sleep_whichever_comes_first(vendor, order):
    connection = connect(vendor)
    bring(connection, *order)
    with db.transaction() as session:
        measure = "heart_rate_variability_rmssd"
        of_hrv = select(DayValue.record, DayValue.day).join(Series).where(Series.measure == measure)
        found = dict(tuple(row) for row in session.execute(of_hrv))
    assert found == {sleep_id(night): night.day for night in WORN}


def intervals(session) -> set:
    of_recovery = Series.definition == "whoop_recovery"
    rows = select(DayValue.record, DayValue.starts_at, DayValue.ends_at, DayValue.utc_offset_minutes)
    return {tuple(row) for row in session.execute(rows.join(Series).where(of_recovery))}


@pytest.mark.parametrize("order", [STREAMS[:2], STREAMS[1::-1]], ids=" ".join)
def test_a_recovery_takes_the_interval_of_its_sleep_and_follows_it(vendor, clock, order):
    connection = connect(vendor)
    bring(connection, *order)
    edited = {
        "whoop.sleep": [{**each, "start": each["start"].replace(".640Z", ".000Z")} for each in records()["whoop.sleep"]]
    }
    for given in (records(), edited):
        clock(the_clock.now() + timedelta(minutes=1))
        bring(connection, "whoop.sleep", given=given)
        spans = {(each["id"], each["start"], each["end"]) for each in given["whoop.sleep"]}
        with db.transaction() as session:
            found = intervals(session)
        assert found == {(key, datetime.fromisoformat(a), datetime.fromisoformat(b), -480) for key, a, b in spans}


@pytest.mark.parametrize("order", [STREAMS[:2], STREAMS[1::-1]], ids=" ".join)
def test_a_corrected_zone_of_a_sleep_is_that_of_its_recovery_too(vendor, clock, order):
    connection = connect(vendor)
    bring(connection, *order)
    clock(the_clock.now() + timedelta(minutes=1))
    moved = [each | {"timezone_offset": "+01:00"} for each in records()["whoop.sleep"]]
    bring(connection, *order, given=records() | {"whoop.sleep": moved})
    with db.transaction() as session:
        assert {offset for *_, offset in intervals(session)} == {60}


def test_a_night_that_became_a_nap_is_no_night(vendor, clock):
    connection = connect(vendor)
    bring(connection)
    assert any(night.hrv_ms for night in seen())
    clock(the_clock.now() + timedelta(minutes=1))
    bring(connection, "whoop.sleep", given={"whoop.sleep": [each | {"nap": True} for each in records()["whoop.sleep"]]})
    assert not any(night.hrv_ms or night.resting_heart_rate for night in seen())


def test_of_a_night_that_the_file_rounds_up_the_grant_still_stands(vendor):
    bring_file()
    connection = connect(vendor)
    shorter = records()
    for each in shorter["whoop.sleep"]:
        each["score"]["stage_summary"]["total_rem_sleep_time_milli"] -= 20_000
    bring(connection, given=shorter)
    assert [night.hrv_ms for night in seen() if night.hrv_ms] == [night.hrv_ms + FINER for night in WORN]


def test_a_night_that_was_told_days_late_is_not_taken_for_gone(vendor, clock):
    connection = connect(vendor)
    late = {"created_at": "2026-11-19T18:00:00.000Z"}  # the phone handed a night of the week before over
    given = {"whoop.sleep": records()["whoop.sleep"][:1], "whoop.recovery": [_recovery(WORN[0]) | late]}
    bring(connection, "whoop.sleep", "whoop.recovery", given=given)
    stream, span = WHOOP.stream("whoop.sleep"), (datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
    for _ in range(2):
        with db.transaction() as session:
            person = session.scalars(select(VendorAccount.person)).one()
            source = source_of(session, connection, person, stream, the_clock.now())
            assert absences.gone_records(session, source, span, set()) == []
        clock(the_clock.now() + timedelta(hours=2))


def test_a_recovery_without_its_sleep_is_no_night(vendor):
    connection = connect(vendor)
    bring(connection, "whoop.recovery")
    assert seen() == []


def test_what_was_pending_is_final_once_it_is_scored_and_not_pending_again(vendor, clock):
    connection = connect(vendor)
    night = WORN[-1]
    unscored = {"score_state": "PENDING_SCORE", "score": None}
    pending = {name: [{**given[-1], **unscored}] for name, given in records().items()}
    scored = {name: given[-1:] for name, given in records().items()}
    for given, hrv in ((pending, None), (scored, night.hrv_ms + FINER), (pending, night.hrv_ms + FINER)):
        clock(the_clock.now() + timedelta(minutes=10))
        bring(connection, "whoop.sleep", "whoop.recovery", given=given)
        told = seen()
        assert (told[-1].hrv_ms if told else None) == hrv


def notice(of: str, night, trace: str = "t-1") -> tuple[dict, bytes]:
    body = json.dumps({"user_id": USER, "id": sleep_id(night), "type": of, "trace_id": trace}).encode()
    stamp = "1774505430123"
    digest = hmac.digest(SECRET.encode(), stamp.encode() + body, hashlib.sha256)
    signature = base64.b64encode(digest).decode()
    return {"x-whoop-signature-timestamp": stamp, "x-whoop-signature": signature}, body


def told_by_notice(of: str, night, trace: str = "t-1") -> int:
    with db.transaction() as session:
        app = session.scalars(select(VendorApp.id)).one()
    return hooks.receive("whoop", app, *notice(of, night, trace))


def rest(connection: int) -> None:
    with db.transaction() as session:
        for state in session.scalars(select(StreamState).where(StreamState.connection == connection)):
            state.next_at, state.hinted_at = the_clock.now() + timedelta(hours=3), None


def hinted(connection: int) -> set[str]:
    with db.transaction() as session:
        rows = session.scalars(select(StreamState).where(StreamState.connection == connection))
        return {row.stream for row in rows if row.hinted_at is not None}


def test_the_same_notice_twice_marks_its_streams_once(vendor):
    connection = connect(vendor)
    rest(connection)
    assert told_by_notice("recovery.updated", WORN[-1]) == 200
    assert hinted(connection) == {"whoop.sleep", "whoop.recovery", "whoop.cycle"}
    rest(connection)
    assert told_by_notice("recovery.updated", WORN[-1]) == 200
    assert hinted(connection) == set()
    assert count(HintReceived) == 1
    assert told_by_notice("recovery.updated", WORN[-1], trace="t-2") == 200
    assert hinted(connection) == {"whoop.sleep", "whoop.recovery", "whoop.cycle"}


def test_a_sleep_that_was_deleted_goes_at_once_with_its_recovery_and_comes_back_where_it_is_still_there(vendor, clock):
    connection = connect(vendor)
    bring(connection)
    clock(the_clock.now() + timedelta(minutes=1))
    night = WORN[-1]
    assert told_by_notice("sleep.deleted", night) == 200
    (last,) = [each for each in seen() if each.day == night.day] or [None]
    assert last is None or (last.hrv_ms, last.sleep_minutes) == (None, None)
    assert hinted(connection) == {"whoop.sleep"}
    with db.transaction() as session:
        assert sleep_id(night) not in set(session.scalars(select(Episode.record)))
    clock(the_clock.now() + timedelta(minutes=1))
    bring(connection, "whoop.sleep")
    assert {each.day: each.hrv_ms for each in seen()}[night.day] == night.hrv_ms + FINER


def test_what_anybody_could_have_sent_deletes_nothing(vendor, monkeypatch):
    connection = connect(vendor)
    bring(connection)
    unsigned = replace(WHOOP.webhook, signed=False, verify=lambda *_: True)
    monkeypatch.setattr(providers, "PROVIDERS", (replace(WHOOP, webhook=unsigned),))
    before = seen()
    assert told_by_notice("sleep.deleted", WORN[-1]) == 200
    assert seen() == before
