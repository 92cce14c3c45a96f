"""The web process: the pages, on the socket that the supervisor holds, or on one of its own."""

import os
import socket
from typing import Any

import uvicorn

from ingest import log
from ingest.settings import settings
from workers.supervision.children import LISTEN

STOP_SECONDS = 8  # less than a stopping supervisor waits
ONLY_OUR_LOGS: dict[str, Any] = {"access_log": False, "log_config": None}  # an access log would keep codes and states


def serve() -> None:
    """Answer requests until told to stop."""
    log.configure("web")
    config = uvicorn.Config(
        "ingest.web.app:create_app",
        factory=True,
        host=settings().host,
        port=settings().port,
        **ONLY_OUR_LOGS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    handed = os.environ.pop(LISTEN, None)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(handed))] if handed else None)
