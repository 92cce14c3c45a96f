"""What Prometheus reads: the names, labels that name nobody, counts that may be lost, and who may read it."""

import asyncio
import subprocess
from datetime import timedelta
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from ingest import settings
from ingest.grants import vendor_http
from ingest.grants.vendor_http import CallFailed
from ingest.models import BackfillWindow, HintReceived, HookSubscription, Person, QueueHold, VendorApp
from ingest.ops import counts, metrics
from ingest.web import metrics_page
from providers.base import Answer, Request
from providers.oura import OURA
from tests.deploy_stage import PROMTOOL, needs_promtool
from tests.ingest.ops.morning_stage import DAY, NOW, app, beats, broker, delivery, grant, stage, streams

__all__ = ["broker", "stage"]

NAMES = {
    "vagus_alerts_open",
    "vagus_backfill_windows",
    "vagus_beat_timestamp_seconds",
    "vagus_broker_memory_bytes",
    "vagus_broker_memory_ratio",
    "vagus_broker_up",
    "vagus_budget_left_ratio",
    "vagus_buried",
    "vagus_call_seconds",
    "vagus_calls",
    "vagus_channels_off",
    "vagus_claim_lag_seconds",
    "vagus_connections",
    "vagus_connections_by_night",
    "vagus_connections_due",
    "vagus_credentials",
    "vagus_database_bytes",
    "vagus_database_connections",
    "vagus_deliveries",
    "vagus_delivery_oldest_seconds",
    "vagus_delivery_timestamp_seconds",
    "vagus_errors",
    "vagus_heartbeat_timestamp_seconds",
    "vagus_hint_timestamp_seconds",
    "vagus_hook_subscription_expires_seconds",
    "vagus_hooks",
    "vagus_night_age_seconds",
    "vagus_pages",
    "vagus_people",
    "vagus_people_outdated",
    "vagus_problems",
    "vagus_queue_held",
    "vagus_queue_messages",
    "vagus_queue_oldest_seconds",
    "vagus_queue_oldest_with_retries_seconds",
    "vagus_queue_rows",
    "vagus_queue_seen_timestamp_seconds",
    "vagus_saved",
    "vagus_ticks_failed",
    "vagus_token_refreshes",
    "vagus_told_p95_seconds",
    "vagus_told_today",
    "vagus_vendor_held",
    "vagus_vendor_paused",
    "vagus_work",
    "vagus_work_seconds",
}
LABELS = {
    "answer", "channel", "error", "kind", "le", "name", "night", "outcome", "part", "queue", "state", "tick", "vendor",
    "what", "whose", "work",
}  # fmt: skip


def scraped(session) -> dict:
    """Everything, as a scrape has it."""
    if session.in_transaction():
        session.commit()
    page = metrics.exposition().decode()
    return {family.name: family for family in text_string_to_metric_families(page)}


def values(family) -> dict:
    """By the values of the labels, in the order of their names."""
    return {tuple(value for _, value in sorted(each.labels.items())): each.value for each in family.samples}


def lived_in(session) -> None:
    """Rows of every kind."""
    beats(session)
    at = app(session)
    one = grant(session, at, "mira", next_sync_at=NOW - timedelta(minutes=3))
    sent = delivery(session, one, 1, created_at=NOW - timedelta(minutes=9), sent_at=NOW - timedelta(minutes=8))
    session.get_one(Person, sent.person).zone = "Europe/Berlin"  # past quiet hours
    streams(session, one, ["oura.heartrate"], state="buried", last_error="odd", failing_since=NOW)
    window = {"connection": one.id, "stream": "oura.sleep", "start_at": NOW - 30 * DAY, "end_at": NOW, "due_at": NOW}
    session.add(BackfillWindow(**window))
    session.add(QueueHold(queue="backfill", by="dana", reason="r", at=NOW))
    hint = {"key": "k", "streams": [], "signed": True, "body": b"", "received_at": NOW}
    session.add(HintReceived(connection=one.id, **hint))
    order = {"topic": "t", "external_id": "x", "callback_url": "u", "expires_at": NOW + DAY, "checked_at": NOW}
    session.add(HookSubscription(vendor_app=at.id, **order))
    for name, labels in counts.COUNTERS.items():
        counts.count(name, *("oura" if label == "vendor" else "ok" for label in labels))
    for name, (labels, _) in counts.HISTOGRAMS.items():
        counts.observe(name, 0.3, *("oura" for _ in labels))


def test_a_scrape_has_these_names_and_no_label_that_could_name_a_person(stage, monkeypatch):
    monkeypatch.setattr(counts.client(), "info", lambda _: {"used_memory": 1, "maxmemory": 2}, raising=False)
    lived_in(stage)
    found = scraped(stage)
    assert set(found) == NAMES
    labels = {
        label: value for family in found.values() for sample in family.samples for label, value in sample.labels.items()
    }
    assert set(labels) <= LABELS
    assert "mira" not in str(found)
    assert not [value for label, value in labels.items() if label not in {"le", "part"} and value.isdigit()]


def test_the_numbers_are_those_of_the_rows(stage):
    lived_in(stage)
    found = scraped(stage)
    assert values(found["vagus_queue_rows"])["sync", "ready"] == 1
    assert values(found["vagus_queue_oldest_seconds"])[("sync",)] == pytest.approx(180, abs=5)
    assert values(found["vagus_queue_held"])[("backfill",)] == 1
    assert values(found["vagus_connections"])["failing", "oura"] == 1
    assert values(found["vagus_buried"])[("stream",)] == 1
    assert values(found["vagus_credentials"]) == {("refused",): 0, ("good",): 1}
    assert values(found["vagus_told_p95_seconds"])[()] == 60
    assert values(found["vagus_hook_subscription_expires_seconds"])[("oura",)] == pytest.approx(86_400, abs=5)


def test_a_histogram_has_growing_buckets_a_sum_and_a_count(stage):
    for seconds in (0.05, 0.3, 0.3, 999):
        counts.observe("vagus_work_seconds", seconds, "sync")
    family = scraped(stage)["vagus_work_seconds"]
    buckets = {sample.labels["le"]: sample.value for sample in family.samples if sample.name.endswith("_bucket")}
    assert (buckets["0.05"], buckets["0.25"], buckets["0.5"], buckets["300"], buckets["+Inf"]) == (1, 1, 3, 3, 4)
    rest = {sample.name: sample.value for sample in family.samples if not sample.name.endswith("_bucket")}
    assert rest == {"vagus_work_seconds_count": 4, "vagus_work_seconds_sum": pytest.approx(999.65)}


def test_a_flush_of_the_broker_is_a_counter_that_begins_anew(stage):
    counts.count("vagus_work", "sync", "succeeded", by=7)
    assert values(scraped(stage)["vagus_work"])["succeeded", "sync"] == 7
    counts.client().flushall()
    counts.count("vagus_work", "sync", "succeeded")
    assert values(scraped(stage)["vagus_work"])["succeeded", "sync"] == 1


def test_without_a_broker_work_goes_on_and_gauges_still_come(stage, broker):
    beats(stage)
    grant(stage, app(stage))
    broker.connected = False
    counts.count("vagus_work", "sync", "succeeded")
    counts.flush()
    found = scraped(stage)
    assert values(found["vagus_connections"])["active", "oura"] == 1
    assert values(found["vagus_broker_up"])[()] == 0
    assert found["vagus_work"].samples == []


def test_a_broker_that_was_away_is_left_alone_for_a_while_and_counts_do_not_pile_up(stage, broker, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(counts, "time", SimpleNamespace(monotonic=lambda: now[0]))
    broker.connected = False
    counts.count("vagus_work", "sync", "succeeded")
    counts.flush()
    broker.connected = True
    counts.count("vagus_work", "sync", "succeeded")
    counts.flush()
    assert counts.counted() == {}
    assert not counts._pending.counts
    now[0] += counts.LEFT_ALONE
    counts.count("vagus_work", "sync", "succeeded")
    counts.flush()
    assert counts.counted() == {("vagus_work", "sync", "succeeded"): 1}


def test_a_task_s_counts_are_written_in_one_round_trip(stage, monkeypatch):
    sent = []
    pipeline = counts.client().pipeline
    monkeypatch.setattr(counts.client(), "pipeline", lambda **how: sent.append(how) or pipeline(**how))
    for _ in range(50):
        counts.count("vagus_calls", "oura", "ok")
        counts.observe("vagus_call_seconds", 0.1, "oura")
    counts.flush()
    counts.flush()
    assert len(sent) == 1
    assert counts.lately(15)["vagus_calls", "oura", "ok"] == 50


def test_every_call_to_a_vendor_is_counted_by_its_answer(stage, monkeypatch):
    answers = iter((200, 429, 503, 404, None))

    def request(*_, **__):
        status = next(answers)
        if status is None:
            raise CallFailed("the connection broke")
        return SimpleNamespace(status_code=status, headers={}, content=b"")

    monkeypatch.setattr(vendor_http, "_session", lambda _: SimpleNamespace(request=request))
    asked = (OURA, None, Request("GET", "/v2/usercollection/sleep"), {})
    assert [vendor_http.exchange(*asked) for _ in range(4)][1] == Answer(429, {}, b"")
    with pytest.raises(CallFailed):
        vendor_http.exchange(*asked)
    counts.flush()
    found = {key[2]: number for key, number in counts.counted().items() if key[0] == "vagus_calls"}
    assert found == {"ok": 1, "too_many": 1, "failed": 1, "refused": 1, "none": 1}


def test_notices_are_counted_by_vendor_and_an_invented_vendor_makes_no_label(stage):
    metrics_page._count("/hooks/oura/1", 200)
    metrics_page._count("/hooks/evil-1234/1", 404)
    metrics_page._count("/today", 303)
    counts.flush()
    assert set(counts.counted()) == {
        ("vagus_hooks", "oura", "ok"),
        ("vagus_hooks", "unknown", "refused"),
        ("vagus_pages", "ok"),
    }


def test_a_page_that_breaks_is_counted_as_failed(stage):
    async def broken(*_: object) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        asyncio.run(metrics_page.Counted(broken)({"type": "http", "path": "/today"}, None, None))
    counts.flush()
    assert counts.counted() == {("vagus_pages", "failed"): 1}


def test_a_vendor_with_one_held_app_of_two_counts_as_held(stage):
    app(stage, held_at=NOW, held_by="dana", held_reason="r")
    stage.add(VendorApp(vendor="oura", client_id="another", created_at=NOW))
    stage.flush()
    assert values(scraped(stage)["vagus_vendor_held"])[("oura",)] == 1


def asked_from(host: str, **headers: str) -> SimpleNamespace:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(client=SimpleNamespace(host=host), headers=Headers(named))


def refusal(request) -> int:
    """The status that keeps a request out, 0 where it is let in."""
    settings.settings.cache_clear()
    try:
        metrics_page._check(request)
    except HTTPException as error:
        return error.status_code
    return 0


def test_without_a_token_only_this_machine_reads_the_numbers(home):
    assert refusal(asked_from("127.0.0.1")) == 0
    assert refusal(asked_from("::1")) == 0
    assert refusal(asked_from("10.0.0.7")) == 404
    assert refusal(asked_from("testclient")) == 404


def test_behind_a_proxy_on_this_machine_nobody_is_taken_for_this_machine(home, monkeypatch):
    for header in ("x_forwarded_for", "forwarded", "x_real_ip", "via"):
        assert refusal(asked_from("127.0.0.1", **{header: "203.0.113.9"})) == 404
    monkeypatch.setenv("VAGUS_BASE_URL", "https://vagus.example.org")  # a proxy that says nothing of itself
    assert refusal(asked_from("127.0.0.1")) == 404


def test_with_a_token_it_alone_lets_in(home, monkeypatch):
    monkeypatch.setenv("VAGUS_METRICS_TOKEN", "long and random")
    assert refusal(asked_from("10.0.0.7", authorization="Bearer long and random")) == 0
    assert refusal(asked_from("127.0.0.1")) == 403
    assert refusal(asked_from("10.0.0.7", authorization="Bearer other")) == 403
    assert refusal(asked_from("10.0.0.7", authorization="Basic long and random")) == 403
    monkeypatch.setenv("VAGUS_METRICS_TOKEN", "")  # as compose files leave it
    assert refusal(asked_from("10.0.0.7", authorization="Bearer ")) == 404


@needs_promtool
def test_promtool_finds_nothing_to_say_about_a_real_scrape(stage, monkeypatch):
    monkeypatch.setattr(counts.client(), "info", lambda _: {"used_memory": 1, "maxmemory": 2}, raising=False)
    lived_in(stage)
    stage.commit()
    said = subprocess.run([PROMTOOL, "check", "metrics"], input=metrics.exposition(), capture_output=True, check=False)
    assert (said.returncode, said.stderr.decode()) == (0, "")
