"""Celery carries keys, and may lose them."""

import inspect
import re

import pytest
import structlog
from celery import signals
from kombu.utils.scheduling import cycle_by_name

from ingest import broker, settings
from providers.errors import Misconfigured
from workers import tasks
from workers.app import QUEUES, WORKERS, app
from workers.schedule import SCHEDULE, TICKS


@pytest.fixture
def configured(valkey):
    app.finalize()
    return app


def ours():
    return {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}


def test_every_task_has_a_name_that_says_its_queue(configured):
    assert {name.partition(".")[0] for name in ours()} == set(QUEUES)
    routed = {name: app.amqp.router.route({}, name)["queue"].name for name in ours()}
    assert all(queue == name.partition(".")[0] for name, queue in routed.items())


def test_every_queue_has_a_worker(configured):
    consumed = {queue for queues, _ in WORKERS.values() for queue in queues.split(",")}
    assert consumed == set(QUEUES)


def test_a_worker_of_two_queues_takes_from_them_in_turn_however_full_one_is(configured):
    order = cycle_by_name(configured.conf.broker_transport_options["queue_order_strategy"])()
    order.update(["score", "upkeep"])
    order.rotate("score")  # what was taken last
    assert order.consume(2) == ["upkeep", "score"]


def test_messages_carry_a_key_and_a_lease_and_nothing_else(configured):
    for name, task in ours().items():
        taken = set(inspect.signature(task.run).parameters)
        assert taken <= {"key", "token", "by_beat", "_"}, name


def test_tasks_are_thin_and_decide_nothing_about_errors():
    source = inspect.getsource(tasks)
    assert "except" not in source
    for body in re.findall(r"^def .*?(?=^@|^def |\Z)", source, flags=re.DOTALL | re.MULTILINE):
        assert len(body.strip().splitlines()) <= 20


def test_what_celery_might_do_behind_our_back_is_off(configured):
    conf = configured.conf
    assert conf.accept_content == ["json"]
    assert (conf.task_acks_late, conf.task_create_missing_queues, conf.worker_send_task_events) == (False, False, False)
    assert (conf.result_backend, conf.worker_prefetch_multiplier) == (None, 1)
    assert conf.broker_connection_max_retries is None


def test_ticks_expire_so_that_a_worker_that_was_away_finds_no_pile():
    assert (
        set(SCHEDULE)
        == set(TICKS)
        == {name for name in ours() if "key" not in inspect.signature(app.tasks[name].run).parameters}
    )
    for entry in SCHEDULE.values():
        assert 1 < entry["options"]["expires"] <= entry["schedule"].total_seconds() + 1


def test_a_task_binds_its_name_to_the_logs_and_lets_go_of_it():
    task = app.tasks["score.person"]
    signals.task_prerun.send(sender=task, task_id="abc", task=task)
    assert structlog.contextvars.get_contextvars() == {"task": "score.person", "task_id": "abc"}
    signals.task_postrun.send(sender=task, task_id="abc", task=task)
    assert structlog.contextvars.get_contextvars() == {}


def test_without_a_broker_the_setting_is_named(home):
    with pytest.raises(Misconfigured, match="REDIS_URL"):
        broker.url()


def test_the_broker_is_where_the_setting_says(home, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis+socket:///run/x")
    settings.settings.cache_clear()
    assert broker.url() == "redis+socket:///run/x"
