"""One sentence about a connection: whatever its rows say, one cause holds, and it says since when and what to do."""

import random
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.models import BackfillWindow, Credential, QueueHold
from ingest.ops.calls import Hold
from ingest.ops.facts import Facts, Stream
from ingest.ops.why import CAUSES, Name, cause_of, why
from ingest.vault import head
from providers.errors import VagusError
from tests.ingest.ops.morning_stage import DAY, HOUR, MINUTE, NOW, app, beats, broker, delivery, grant, stage, streams

__all__ = ["broker", "stage"]

SLEEP = Stream(title="sleep", nightly=True, state="following", cursor=NOW - HOUR, next_at=NOW + HOUR, newest_at=NOW)
PULSE = replace(SLEEP, title="heart rate", nightly=False, newest_at=None)
FAILING = {"failing_since": NOW - HOUR, "fail_count": 3, "error": "Oura answered 503", "next_at": NOW + MINUTE}
WELL = Facts(
    title="Oura",
    kind="grant",
    state="active",
    since=NOW - 9 * DAY,
    next_at=NOW + HOUR,
    claimed_at=NOW,
    heard_at=NOW,
    left=1.0,
    streams=(SLEEP, PULSE),
    run_state="succeeded",
    run_at=NOW - 10 * MINUTE,
)
DUE = replace(WELL, next_at=NOW - 2 * MINUTE)
HOLD = Hold("dana", "fixed upstream", NOW - HOUR)
STATES: dict[Name, Facts] = {
    "erased": replace(WELL, erased=True),
    "disconnected": replace(WELL, state="disconnected"),
    "file": replace(WELL, kind="file"),
    "scheduler_down": replace(WELL, claimed_at=NOW - 4 * MINUTE),
    "no_worker": replace(DUE, heard_at=NOW - 4 * MINUTE),
    "vendor_paused": replace(DUE, vendor_hold=HOLD),
    "queue_paused": replace(DUE, queue_hold=HOLD),
    "connection_paused": replace(WELL, state="paused", reason="asked to"),
    "misconfigured": replace(WELL, missing="the client secret of our app there"),
    "key_missing": replace(WELL, unknown_key="k7"),
    "reconnect": replace(WELL, state="reconnect", next_at=None, reason="refused", told=(NOW - HOUR, "mail")),
    "needs_you": replace(WELL, state="needs_you", reason="the membership lapsed"),
    "refusing": replace(WELL, refusals=1, refused_at=NOW - MINUTE),
    "scope": replace(WELL, streams=(replace(SLEEP, state="forbidden"), PULSE)),
    "breaker": replace(DUE, paused_until=NOW + MINUTE, pause_reason="31 of 51 calls failed"),
    "rate_app": replace(DUE, left=0.0, ahead=7),
    "rate_person": replace(WELL, run_state="snoozed"),
    "leased": replace(DUE, leased=True, lease_until=NOW + MINUTE),
    "lease_lost": replace(DUE, leased=True, lease_until=NOW - MINUTE),
    "contract": replace(WELL, streams=(replace(SLEEP, state="buried", people=97, **FAILING), PULSE)),
    "retrying": replace(WELL, streams=(replace(SLEEP, **FAILING), replace(PULSE, **FAILING))),
    "partial": replace(WELL, streams=(SLEEP, replace(PULSE, **FAILING))),
    "queue_full": replace(DUE, ahead=300, pace=100.0),
    "backfill_only": replace(WELL, windows=104, windows_waiting=40, filled=20),
    "vendor_quiet": replace(WELL, streams=(replace(SLEEP, newest_at=NOW - 3 * DAY),)),
    "rejected": replace(WELL, run_rejected=3),
    "not_due": WELL,
}


def test_every_cause_has_a_state_that_shows_it_and_no_other():
    assert set(STATES) == set(get_args(Name))
    assert len(CAUSES) == len(STATES)
    assert {name: cause_of(facts, NOW).cause for name, facts in STATES.items()} == {name: name for name in STATES}


def test_the_sentences_read_like_this():
    said = {name: cause_of(facts, NOW) for name, facts in STATES.items()}
    assert {name: said[name].sentence for name in SENTENCES} == SENTENCES
    assert said["queue_full"].until == NOW + 3 * MINUTE
    assert said["rate_person"].until == NOW + HOUR
    assert said["refusing"].until == NOW + HOUR


SENTENCES = {
    "scheduler_down": "Nothing is syncing: connections were last claimed 4 min ago.",
    "no_worker": 'Due since 06:12, but no worker takes the queue "sync" (last seen 4 min ago).',
    "vendor_paused": 'Oura is paused by dana since 05:14: "fixed upstream".',
    "reconnect": 'Oura ended our access on 13 Nov ("refused"); '
    "the person was told today by mail and has not come back.",
    "breaker": 'Oura is failing for everyone ("31 of 51 calls failed"); next probe 06:15.',
    "rate_app": "The calls that Oura allows our app are used up for now; this connection is number 8 in line.",
    "contract": 'sleep of Oura was given up since 05:14 ("Oura answered 503"), 97 connections alike; '
    "its cursor waits today, asked again 06:15.",
    "partial": '1 stream is fine; heart rate fails since 05:14 ("Oura answered 503"); failed 3 times, next 06:15.',
    "queue_full": "Due since 06:12 (2 min); 300 connections are ahead, at 100 a minute it runs around 06:17.",
    "backfill_only": "Fresh data is current; 40 of 104 past windows are left, about 2 h.",
    "not_due": "All well: synced 10 min ago, newest night 06:14; next 07:14.",
}


def test_what_only_the_person_can_mend_is_said_before_what_mends_itself():
    both = replace(STATES["reconnect"], paused_until=NOW + MINUTE, streams=STATES["retrying"].streams)
    assert cause_of(both, NOW).cause == "reconnect"


def test_a_stream_that_makes_no_nights_does_not_hide_why_the_others_fail():
    skipped = replace(PULSE, state="forbidden")
    assert cause_of(replace(WELL, streams=(replace(SLEEP, **FAILING), skipped)), NOW).cause == "retrying"
    assert "Skipped as not granted: heart rate." in cause_of(replace(WELL, streams=(SLEEP, skipped)), NOW).sentence


instants = st.none() | st.timedeltas(min_value=-90 * DAY, max_value=30 * DAY).map(lambda span: NOW + span)
known = st.timedeltas(min_value=-90 * DAY, max_value=30 * DAY).map(lambda span: NOW + span)
some_streams = st.lists(
    st.builds(
        Stream,
        title=st.sampled_from(["sleep", "heart rate"]),
        nightly=st.booleans(),
        state=st.sampled_from(["following", "forbidden", "buried"]),
        cursor=known,
        next_at=known,
        failing_since=instants,
        fail_count=st.integers(0, 9),
        error=st.sampled_from(["", "it broke"]),
        newest_at=instants,
    ),
    max_size=4,
)
holds = st.none() | st.just(HOLD)


@given(
    st.builds(
        Facts,
        title=st.just("Oura"),
        kind=st.sampled_from(["grant", "grant", "grant", "file", "push"]),
        state=st.sampled_from(["active", "active", "active", "reconnect", "needs_you", "paused", "disconnected"]),
        since=known,
        next_at=instants,
        leased=st.booleans(),
        lease_until=instants,
        claimed_at=st.just(NOW) | instants,
        heard_at=st.just(NOW) | instants,
        vendor_hold=holds,
        queue_hold=holds,
        paused_until=instants,
        refusals=st.integers(0, 3),
        refused_at=instants,
        left=st.none() | st.floats(0, 1),
        streams=some_streams,
        run_state=st.sampled_from(["", "succeeded", "snoozed", "partial"]),
        run_at=instants,
        run_rejected=st.integers(0, 2),
        windows=st.just(9),
        windows_waiting=st.integers(0, 9),
        windows_due_at=instants,
        filled=st.integers(0, 5),
        ahead=st.integers(0, 9999),
        pace=st.floats(0, 500),
    )
)
def test_whatever_the_rows_say_there_is_a_sentence_and_its_end_lies_ahead(facts):
    said = cause_of(facts, NOW)
    assert said.cause in get_args(Name)
    assert said.sentence.strip().endswith(".")
    assert "None" not in said.sentence
    assert said.until is None or said.until > NOW
    assert "{" not in said.sentence


def test_random_rows_each_have_one_cause(stage):
    """Rows as they come, not facts: every query on the way must cope."""
    beats(stage)
    chance, at = random.Random(7), app(stage)
    made = [_random(stage, at, n, chance) for n in range(40)]
    stage.flush()
    found = [why(stage, each.id, NOW) for each in made]
    assert all(said.sentence and (said.until is None or said.until > NOW) for said in found)
    assert len({said.cause for said in found}) >= 8


def _random(session, at, number, chance):
    def some(*choices):
        return chance.choice(choices)

    one = grant(
        session,
        at,
        f"p{number}",
        state=some("active", "active", "active", "active", "reconnect", "needs_you", "paused", "disconnected"),
        next_sync_at=some(None, NOW - HOUR, NOW + HOUR, NOW + HOUR),
        lease_token=some(None, None, "t"),
        lease_until=some(NOW - MINUTE, NOW + MINUTE),
    )
    failing = some(None, None, NOW - HOUR)
    names = some((), ("oura.sleep",), ("oura.heartrate",))
    streams(session, one, names, failing_since=failing, last_error=some(None, "503"), newest_at=some(None, NOW - HOUR))
    streams(session, one, ("oura.workout",), state=some("following", "forbidden", "buried"))
    session.get_one(Credential, one.id).refusals = some(0, 0, 0, 1)
    if some(True, False):
        start = NOW - 30 * DAY
        row = {"connection": one.id, "stream": "oura.sleep", "start_at": start, "end_at": NOW, "due_at": NOW}
        session.add(BackfillWindow(**row))
    return one


def test_the_rows_of_a_connection_are_read_into_its_cause(stage):
    beats(stage)
    at = app(stage)
    well, lost, sealed = grant(stage, at, "well"), grant(stage, at, "lost"), grant(stage, at, "sealed")
    assert why(stage, well.id, NOW).cause == "not_due"
    lost.state, lost.state_since, lost.state_reason = "reconnect", NOW - DAY, "refused for mira@example.org"
    message = delivery(stage, lost, 1, sent_at=NOW - HOUR)
    message.kind, message.subject = "reconnect", lost.id
    stage.get_one(Credential, sealed.id).access = head("k9") + b"x" * 40
    stage.flush()
    assert why(stage, sealed.id, NOW).sentence == "Its token is sealed with key k9, which this server does not have."
    assert why(stage, lost.id, NOW).cause == "reconnect"
    assert "mira" not in why(stage, lost.id, NOW).sentence
    assert "told today by mail" in why(stage, lost.id, NOW).sentence
    stage.add(QueueHold(queue="sync", by="dana", reason="r", at=NOW))
    stage.flush()
    assert why(stage, well.id, NOW).cause == "queue_paused"
    with pytest.raises(VagusError, match="no connection 999"):
        why(stage, 999, NOW)
