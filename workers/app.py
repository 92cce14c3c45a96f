"""The Celery app. Rows hold what is due and until when; Celery and the broker only carry keys, and may lose them."""

import os
from typing import Any

import structlog
from celery import Celery, signals
from kombu.entity import Exchange, Queue

from ingest import broker, log
from ingest.settings import settings
from workers.schedule import SCHEDULE

QUEUES = ("sync", "backfill", "score", "notify", "upkeep")
WORKERS = {  # name: queues, threads
    "worker-sync": ("sync", 12),
    "worker-backfill": ("backfill", 4),
    "worker-score": ("score,upkeep", 3),
    "worker-notify": ("notify", 4),
}
PATIENT = {"worker-backfill": 10}  # a niceness: the past gives way to last night on a machine of few cores
PLAIN = ("-l", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")

# Nothing lies long in `unacked`: what was begun is acknowledged and a row under lease, what was lost is due again.
TRANSPORT = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 10,
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "queue_order_strategy": "round_robin",  # else many who wait to be judged keep back the ticks that claim what is due
}


def _configuration() -> dict[str, Any]:
    return {
        "task_serializer": "json",
        "accept_content": ["json"],
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": False,
        "task_queues": [Queue(name, Exchange(name), routing_key=name) for name in QUEUES],  # type: ignore[no-untyped-call]
        "task_default_queue": "upkeep",
        "task_create_missing_queues": False,
        "task_routes": {f"{name}.*": {"queue": name} for name in QUEUES},
        "task_publish_retry": False,
        "worker_consumer": "workers.consumer:Consumer",
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_soft_shutdown_timeout": 0,
        "broker_transport_options": _transport(broker.url()),
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "beat_schedule": SCHEDULE,
        "beat_max_loop_interval": 1,
        "timezone": "UTC",
        "imports": ("workers.tasks",),
    }


def _transport(url: str) -> dict[str, Any]:
    """The options of the connection; a Unix socket has no keepalive to switch on."""
    local = url.startswith("redis+socket")
    return {name: value for name, value in TRANSPORT.items() if not (local and name == "socket_keepalive")}


app = Celery("vagus", set_as_current=True)
app.add_defaults(_configuration)


def start_worker(name: str) -> None:
    """Run one of `WORKERS` in this process until it is told to stop."""
    log.configure(name)
    queues, threads = WORKERS[name]
    if name in PATIENT:
        os.nice(PATIENT[name])
    app.worker_main(
        ["worker", "-P", "threads", "-c", str(threads), "-Q", queues, "-n", f"{name}-{os.getpid()}@%h", *PLAIN]
    )


def start_beat() -> None:
    """Run the beat in this process; its only state is when it last ticked, and it may lose that."""
    log.configure("beat")
    file = settings().home / "beat" / "schedule"
    file.parent.mkdir(parents=True, exist_ok=True)
    app.conf.imports = ()  # it sends names: what does the work stays with the workers
    app.start(["beat", "-s", str(file), "--pidfile=", "-l", "WARNING"])


@app.on_configure.connect  # type: ignore[untyped-decorator]
def _point_to_broker(**_: Any) -> None:
    app.conf.broker_url = broker.url()


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _keep_our_logs(**_: Any) -> None:
    """A receiver here keeps Celery from setting up logs of its own."""


@signals.task_prerun.connect  # type: ignore[untyped-decorator]
def _bind(task_id: str, task: Any, **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id)


@signals.task_postrun.connect  # type: ignore[untyped-decorator]
def _unbind(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
