"""The relay of a life: real SMTP, and of each mail who got it, which message it was and when it came."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any

from workers.mailbox import Server

ACCEPTED_BEFORE = 5.0  # seconds between a relay's acceptance and our commit, at most, on a machine under load


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail; `key` is the delivery's key and channel, as the Message-ID says it; `at` is the machine's time."""

    address: str
    key: str
    at: float


@dataclass
class Relay:
    """A mail server that takes everything."""

    mails: list[Mail] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        said = BytesHeaderParser().parsebytes(envelope.content)
        key = str(said["Message-ID"]).strip("<>").rpartition("@")[0]
        self.mails.extend(Mail(address, key, time.monotonic()) for address in envelope.rcpt_tos)
        return "250 2.0.0 taken"


@contextmanager
def open_relay() -> Iterator[tuple[Relay, str]]:
    """A relay on loopback, and the URL it is reached at."""
    relay = Relay()
    server = Server(relay, hostname="127.0.0.1", port=0)
    server.start()
    try:
        yield relay, f"smtp+plain://127.0.0.1:{server.port}"
    finally:
        server.stop()


def wrong(mails: Sequence[Mail], due: Mapping[tuple[str, str], str], kills: Sequence[float]) -> list[str]:
    """What is wrong about the mails that came: one is missing, one is more than was due, one came again.

    `due` has the status of each delivery by address and key. One may come a second time where something was killed
    between the relay's acceptance and our commit: then nobody can know, and a repeat is better than silence.
    """
    came: dict[tuple[str, str], list[float]] = {}
    for mail in mails:
        came.setdefault((mail.address, mail.key), []).append(mail.at)
    said = [f"{key} was marked sent, and no mail came" for key in sent(due) - came.keys()]
    for key, times in came.items():
        if key not in due:
            said.append(f"{key} came, and no delivery asked for it")
        unexcused = [at for at in times[:-1] if not any(at <= kill <= at + ACCEPTED_BEFORE for kill in kills)]
        if unexcused:
            said.append(f"{key} came {len(times)} times, and nothing was killed at that moment")
    return sorted(said)


def sent(due: Mapping[tuple[str, str], str]) -> set[tuple[str, str]]:
    """What is marked as sent."""
    return {key for key, status in due.items() if status == "sent"}
