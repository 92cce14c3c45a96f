"""The operators' board: every number is what its rows say, red is for a human alone, and nobody is named."""

import json
from dataclasses import asdict
from datetime import timedelta

from ingest.grants.replay import buried
from ingest.models import (
    BackfillWindow,
    Operator,
    OperatorAction,
    Person,
    QueueHold,
    ScoreRequest,
    SignInCode,
    VendorAccount,
)
from ingest.ops import asking, counts, graves, problems, standing
from ingest.ops.board import Board, board
from ingest.ops.fresh import NIGHTS
from ingest.ops.graves import causes, fingerprint
from scoring import ALGORITHM_VERSION
from tests.ingest.ops.morning_stage import DAY, HOUR, MINUTE, NOW, app, beats, broker, delivery, grant, stage, streams

__all__ = ["broker", "stage"]


def queue(seen: Board, name: str):
    return next(each for each in seen.queues if each.queue == name)


def marks(seen: Board) -> tuple[list[str], list[str]]:
    return [each.mark for each in seen.yours], [each.mark for each in seen.healing]


def window(connection, number: int, **columns):
    start = NOW - (number + 1) * 30 * DAY
    stands = {"state": "waiting", "due_at": NOW - MINUTE} | columns
    return BackfillWindow(
        connection=connection.id, stream="oura.sleep", start_at=start, end_at=start + 30 * DAY, **stands
    )


def test_on_a_good_morning_there_is_nothing_to_do_and_one_sentence_says_so(stage):
    beats(stage)
    at = app(stage)
    for name in ("ada", "ben", "eve"):
        grant(stage, at, name)
    seen = board(stage, NOW)
    assert marks(seen) == ([], [])
    assert seen.nothing_to_do == "Nothing to do. 3 people, 100 % have last night's data; nothing waits."


def test_what_could_be_claimed_is_apart_from_what_is_shut_out_in_hand_or_left_behind(stage):
    beats(stage)
    oura, whoop = app(stage), app(stage, "whoop", held_at=NOW - HOUR, held_by="dana@example.org", held_reason="a storm")
    grant(stage, oura, "ready", next_sync_at=NOW - 3 * MINUTE)
    grant(stage, oura, "later")
    grant(stage, oura, "running", next_sync_at=NOW - MINUTE, lease_token="t", lease_until=NOW + MINUTE)
    grant(stage, oura, "overdue", next_sync_at=NOW - 9 * MINUTE, lease_token="t", lease_until=NOW - MINUTE)
    grant(stage, whoop, "gated", next_sync_at=NOW - 20 * MINUTE)
    sync = queue(board(stage, NOW), "sync")
    assert (sync.ready, sync.gated, sync.running, sync.overdue) == (2, 1, 1, 1)
    assert NOW - sync.oldest == 9 * MINUTE
    assert NOW - sync.oldest_with_retries == 20 * MINUTE


def test_a_number_on_the_board_is_as_many_as_the_rows_it_leads_to(stage):
    beats(stage)
    oura, whoop = app(stage), app(stage, "whoop", held_at=NOW - HOUR, held_by="dana@example.org", held_reason="a storm")
    grant(stage, oura, "ready", next_sync_at=NOW - MINUTE)
    oldest = grant(stage, oura, "probe", state="needs_you", state_since=NOW, next_sync_at=NOW - HOUR)
    grant(stage, oura, "running", next_sync_at=NOW - MINUTE, lease_token="t", lease_until=NOW + MINUTE)
    grant(stage, whoop, "gated", next_sync_at=NOW - MINUTE)
    streams(stage, grant(stage, oura, "failing"), ["oura.sleep"], failing_since=NOW - HOUR, newest_at=NOW - 9 * DAY)
    unslept = grant(stage, oura, "unslept", state_since=NOW - 9 * DAY)
    streams(stage, unslept, state="forbidden", failing_since=NOW - HOUR, newest_at=None)
    streams(stage, grant(stage, oura, "new", state_since=NOW - HOUR), newest_at=None)
    seen = board(stage, NOW)
    sync, of = queue(seen, "sync"), next(each for each in seen.fresh if each.vendor == "oura")
    assert (sync.ready, sync.gated, of.due, of.failing, of.followed, of.behind) == (2, 1, 2, 1, 3, 1)
    for word in ("due", "failing", "reconnect", "needs_you", *NIGHTS):
        assert standing.connections(stage, NOW, word, "oura")[1] == getattr(of, word), word
    for word in ("ready", "gated"):
        assert standing.connections(stage, NOW, word)[1] == getattr(sync, word), word
    assert standing.connections(stage, NOW, "due")[0][0].id == oldest.id


def test_what_was_given_up_is_counted_whole_however_many_causes_it_has(stage, monkeypatch):
    monkeypatch.setattr(graves, "MOST", 1)
    monkeypatch.setattr(problems, "MOST", 1)
    beats(stage)
    one = grant(stage, app(stage))
    stage.add_all(window(one, n, state="buried", error=f"trouble {'ab'[n]}") for n in range(2))
    stage.flush()
    seen = board(stage, NOW)
    assert [each.sentence for each in seen.yours] == ["2 jobs were given up, for 1 cause or more."]
    assert seen.given_up == {"window": 2}


def test_a_lease_that_is_counted_as_overdue_is_one_that_releasing_takes_back(stage):
    beats(stage)
    code = {"code": b"sealed", "code_hash": "h", "browser_hash": "b", "expires_at": NOW + MINUTE}
    lease = {"lease_token": "t", "lease_until": NOW - MINUTE}
    stage.add(SignInCode(address="ada@example.org", created_at=NOW - MINUTE, **code, **lease))
    stage.flush()
    assert queue(board(stage, NOW), "notify").overdue == asking.release().plan(stage).count == 1


def test_a_backlog_that_is_tried_again_and_again_does_not_look_young(stage):
    beats(stage)
    failing = grant(stage, app(stage))
    streams(stage, failing, ["oura.sleep"], failing_since=NOW - 5 * HOUR, fail_count=4, last_error="503")
    stage.add(window(failing, 1, due_at=NOW + HOUR, error="503"))
    failing.state_since = NOW - 2 * DAY
    stage.flush()
    seen = board(stage, NOW)
    sync, past = queue(seen, "sync"), queue(seen, "backfill")
    assert (sync.ready, sync.oldest, sync.later) == (0, None, 1)
    assert NOW - sync.oldest_with_retries == 5 * HOUR
    assert (past.ready, past.later, NOW - past.oldest_with_retries) == (0, 1, 2 * DAY)


def test_windows_and_scores_wait_in_their_own_queues(stage):
    beats(stage)
    one = grant(stage, app(stage))
    stage.add_all(window(one, n) for n in range(3))
    person = stage.get_one(VendorAccount, one.vendor_account).person
    stage.add(ScoreRequest(person=person, due_at=NOW - 2 * MINUTE, reason="new nights"))
    stage.flush()
    seen = board(stage, NOW)
    assert (queue(seen, "backfill").ready, queue(seen, "score").ready) == (3, 1)
    assert (seen.told.scores_due, NOW - seen.told.scores_oldest) == (1, 2 * MINUTE)


def test_a_queue_that_nobody_takes_and_a_beat_that_stopped_are_for_a_human(stage):
    beats(stage, "notify", "beat")
    red, _ = marks(board(stage, NOW))
    assert red == ["beat", "unheard:notify"]


def test_a_hold_stands_among_what_a_human_must_fix_with_who_and_why(stage):
    beats(stage)
    app(stage, held_at=NOW - HOUR, held_by="dana@example.org", held_reason="their outage")
    stage.add(QueueHold(queue="backfill", by="terminal (dana)", reason="a busy night", at=NOW - HOUR))
    stage.flush()
    seen = board(stage, NOW)
    assert marks(seen) == (["held:backfill", "held:oura"], [])
    assert [each.sentence for each in seen.yours] == [
        '"backfill": terminal (dana) holds it since 05:14: "a busy night". 0 wait.',
        'Oura is held by dana@example.org since 05:14: "their outage".',
    ]


def test_one_lost_grant_is_the_persons_own_and_a_crowd_of_them_is_ours(stage):
    beats(stage)
    at = app(stage)
    everybody = [grant(stage, at, f"p{n}") for n in range(20)]
    everybody[0].state = "reconnect"
    stage.flush()
    assert marks(board(stage, NOW)) == ([], [])
    for each in everybody[:6]:
        each.state = "reconnect"
    stage.flush()
    seen = board(stage, NOW)
    assert marks(seen)[0] == ["reconnect:oura"]
    assert (seen.fresh[0].reconnect, seen.fresh[0].active) == (6, 14)


def test_mail_that_is_refused_turns_red_after_five_minutes_and_names_nobody(stage):
    beats(stage)
    one = grant(stage, app(stage))
    refused = {"status": "waiting", "sent_at": None, "error": "535 auth for <mira@example.org>", "attempts": 1}
    delivery(stage, one, 1, **refused, failing_since=NOW - 4 * MINUTE, not_before=NOW + MINUTE)
    assert marks(board(stage, NOW))[0] == []
    delivery(stage, one, 2, **refused, failing_since=NOW - 22 * MINUTE, not_before=NOW + MINUTE)
    seen = board(stage, NOW)
    assert [each.sentence for each in seen.yours] == [
        "mail: 2 messages wait, the oldest 22 min (535 auth for <…@…>).",
    ]
    assert (seen.told.channels[0].retrying, seen.told.channels[0].waiting) == (2, 0)


def test_people_whom_another_version_judged_are_counted_until_all_are_judged_anew(stage):
    one = grant(stage, app(stage))
    assert board(stage, NOW).told.outdated == 1
    person = stage.get_one(Person, stage.get_one(VendorAccount, one.vendor_account).person)
    person.judged_by = ALGORITHM_VERSION
    stage.flush()
    assert board(stage, NOW).told.outdated == 0


def test_deliveries_are_counted_by_channel_for_today_and_quiet_hours_are_no_delay(stage):
    beats(stage)
    one = grant(stage, app(stage))
    person = stage.get_one(Person, stage.get_one(VendorAccount, one.vendor_account).person)
    person.zone = "Europe/Berlin"  # 22:00 to 07:00 there are 21:00 to 06:00 UTC
    delivery(stage, one, 1, created_at=NOW - 5 * MINUTE, sent_at=NOW - 4 * MINUTE, shown_at=NOW)
    delivery(stage, one, 2, created_at=NOW - 4 * HOUR, sent_at=NOW - 10 * MINUTE)
    delivery(stage, one, 3, created_at=NOW - 2 * DAY, sent_at=NOW - 2 * DAY)
    delivery(stage, one, 4, status="held", sent_at=None, not_before=NOW + HOUR)
    delivery(stage, one, 5, status="failed", sent_at=None, error="no such box")
    brief = delivery(stage, one, 6, created_at=NOW - 5 * HOUR - 30 * MINUTE, sent_at=NOW - 5 * MINUTE)
    brief.kind = "brief"
    stage.flush()
    told = board(stage, NOW).told
    mail = told.channels[0]
    assert (mail.sent, mail.shown, mail.held, mail.failed, mail.waiting) == (3, 1, 1, 1, 0)
    assert told.p95 == 60
    assert told.told_today == 1


def test_nights_are_on_time_late_or_behind_by_what_is_promised(stage):
    beats(stage)
    at = app(stage)
    for hours in (1, 29, 31, 59, 61):
        streams(stage, grant(stage, at, f"h{hours}"), newest_at=NOW - hours * HOUR)
    streams(stage, grant(stage, at, "new", state_since=NOW - HOUR), newest_at=None)
    streams(stage, grant(stage, at, "silent"), newest_at=None)
    oura = board(stage, NOW).fresh[0]
    assert (oura.followed, oura.on_time, oura.late, oura.behind) == (6, 2, 2, 2)
    assert oura.p50 == 31 * 3600


def test_what_failed_alike_is_one_cause_whatever_numbers_and_addresses_it_names(stage):
    beats(stage)
    at = app(stage)
    for n, name in enumerate(("ada", "ben")):
        one = grant(stage, at, name)
        streams(
            stage, one, ["oura.sleep"], state="buried", last_error=f"day {n}: no zone", failing_since=NOW - n * HOUR
        )
        delivery(stage, one, n, status="failed", sent_at=None, error=f"550 <{name}@example.org> unknown")
    streams(stage, one, ["oura.heartrate"], state="buried", last_error="day 1: no zone", failing_since=NOW)
    found = causes(stage)
    assert [(each.kind, each.about, each.reason, each.count, each.people) for each in found] == [
        ("message", "strained", "N <…@…> unknown", 2, 2),
        ("stream", "oura.sleep", "day N: no zone", 2, 2),
        ("stream", "oura.heartrate", "day N: no zone", 1, 1),
    ]
    assert (found[1].first, found[1].last) == (NOW - HOUR, NOW)
    named = {fingerprint(job.kind, job.topic, job.reason) for job in buried(stage)}
    assert named == {each.fingerprint for each in found}
    assert [each.sentence for each in board(stage, NOW).yours] == ["5 jobs were given up, for 3 causes."]


def test_the_past_is_estimated_by_the_pace_of_the_last_hour(stage):
    beats(stage)
    one = grant(stage, app(stage))
    stage.add_all(window(one, n) for n in range(6))
    stage.add_all(window(one, n, state="done", done_at=NOW - 30 * MINUTE) for n in range(10, 12))
    stage.add(window(one, 20, state="done", done_at=NOW - 2 * HOUR))
    stage.add(window(one, 30, state="buried"))
    stage.flush()
    past = board(stage, NOW).past[0]
    assert (past.waiting, past.connections, past.last_hour, past.buried) == (6, 1, 2, 1)
    assert past.left == 3 * HOUR


def test_a_vendor_that_answers_badly_heals_by_itself_and_its_share_is_counted(stage):
    beats(stage)
    grant(stage, app(stage, paused_until=NOW + MINUTE, pause_reason="31 of 51 calls failed", backoff=2))
    counts.count("vagus_calls", "oura", "ok", by=20)
    counts.count("vagus_calls", "oura", "failed", by=30)
    counts.count("vagus_calls", "oura", "too_many")
    counts.flush()
    seen = board(stage, NOW)
    oura = seen.calls[0]
    assert (oura.calls, oura.ok, oura.failed, oura.too_many, oura.other) == (51, 20, 30, 1, 0)
    assert oura.left == 1
    assert marks(seen) == ([], ["failing:oura"])


def test_with_the_broker_away_the_rows_are_counted_all_the_same(stage, broker):
    broker.connected = False
    beats(stage)
    grant(stage, app(stage), next_sync_at=NOW - MINUTE)
    counts.count("vagus_calls", "oura", "ok")
    counts.flush()
    seen = board(stage, NOW)
    assert queue(seen, "sync").ready == 1
    assert (queue(seen, "sync").on_the_way, seen.calls[0].calls, seen.calls[0].left) == (None, None, None)
    assert marks(seen)[0] == ["broker"]


def test_nothing_on_the_board_names_a_person_or_says_how_they_are(stage):
    beats(stage)
    one = grant(stage, app(stage), "mira")
    delivery(stage, one, 1, status="failed", sent_at=None, error="550 mira@example.org refused")
    delivery(stage, one, 2, status="waiting", sent_at=None, created_at=NOW - HOUR, error="451 for mira@example.org")
    streams(stage, one, ["oura.sleep"], state="buried", last_error="mira@example.org: 61.5 is no number")
    shown = json.dumps(asdict(board(stage, NOW)), default=str)
    assert "mira" not in shown
    assert "61.5" not in shown


def test_the_latest_actions_stand_on_the_board_newest_first(stage):
    stage.add(Operator(address="dana@example.org", role="operate", created_at=NOW))
    for n in range(12):
        about = {"action": "replay", "about": f"window {n}", "count": 1, "reason": "mended"}
        stage.add(OperatorAction(at=NOW - n * MINUTE, by="dana@example.org", **about))
        stage.flush()
    acted = board(stage, NOW).actions
    assert (len(acted), acted[0].about) == (10, "window 11")


def test_the_broker_s_own_lists_are_counted_too(stage):
    counts.client().rpush("sync", "one", "two")
    assert queue(board(stage, NOW), "sync").on_the_way == 2


def test_what_ends_well_a_minute_is_counted_by_queue(stage):
    for work in ("delivery", "sign_in_code"):
        counts.count("vagus_work", work, "succeeded", by=10)
    counts.count("vagus_work", "delivery", "retry", by=5)
    counts.flush()
    assert queue(board(stage, NOW + timedelta(seconds=1)), "notify").done_a_minute == 4


def test_every_kind_of_work_has_its_queue():
    from ingest.ops.queues import WORKS  # noqa: PLC0415
    from workers import backfill, claims, codes, messages, score, sync  # noqa: PLC0415

    works = (sync.SYNCS, backfill.WINDOWS, score.SCORES, messages.DELIVERIES, codes.CODES, claims.IMPORTS)
    assert {work.name: work.task.partition(".")[0] for work in works} == WORKS
