"""The demo's mailbox: a real SMTP server on loopback that keeps each mail as a file. In the demo only."""

import os
import signal
import threading
from email.message import Message as Mail
from ipaddress import ip_address
from pathlib import Path
from socket import socket

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from ingest.log import configure
from ingest.settings import settings
from providers.errors import Misconfigured

HOST = "127.0.0.1"
LARGEST = 5_000_000

log = structlog.get_logger(__name__)


class Mailbox(Message):
    """Keeps what it is handed as `000001.eml`, `000002.eml`, … in one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder

    def handle_message(self, message: Mail) -> None:
        """Write one mail: complete under its name, or not at all; a number that is taken is passed over."""
        part = self.folder / f".{os.getpid()}.part"
        part.write_bytes(message.as_bytes())
        number = len(list(self.folder.glob("*.eml"))) + 1
        while True:
            try:
                os.link(part, self.folder / f"{number:06d}.eml")
                break
            except FileExistsError:
                number += 1
        part.unlink()
        log.info("mail_kept", number=number)


class Server(Controller):
    """An SMTP server in a thread of its own, which takes a free port for port 0 and says which in `port`."""

    def _trigger_server(self) -> None:
        listening: list[socket] = getattr(self.server, "sockets", [])
        self.port = listening[0].getsockname()[1]  # before it knocks at its own door
        super()._trigger_server()  # type: ignore[no-untyped-call]


def open_mailbox(folder: Path, host: str = HOST, port: int = 0) -> Server:
    """Start the server in a thread of its own; the caller stops it. Raises Misconfigured off loopback."""
    if not ip_address(host).is_loopback:
        raise Misconfigured(f"the demo's mailbox listens on this machine only, not on {host}")
    server = Server(Mailbox(folder), hostname=host, port=port, data_size_limit=LARGEST)
    server.start()
    return server


def serve(port: int = 0) -> None:
    """Keep the demo's mail in `mailbox/` of the state folder until told to stop; the port stands in `mailbox/port`."""
    if not settings().demo:
        raise Misconfigured("the mailbox is part of the demo: set VAGUS_DEMO=1, or VAGUS_SMTP_URL for real mail")
    configure("mailbox")
    folder = settings().home / "mailbox"
    stopping = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: stopping.set())
    server = open_mailbox(folder, port=port)
    record = folder / "port.part"
    record.write_text(f"{server.port}\n")
    record.replace(folder / "port")
    log.info("mailbox_listens", port=server.port)
    stopping.wait()
    server.stop()
