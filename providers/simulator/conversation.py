"""A conversation over HTTP as plain values: what a simulated vendor hears, what it answers, and whom it calls."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qs

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came: header names in lower case, the query's first value of each name."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def forms(self) -> dict[str, list[str]]:
        """The fields of a posted form, each with all its values."""
        return parse_qs(self.body.decode(errors="replace"), keep_blank_values=True)

    def form(self) -> dict[str, str]:
        """The fields of a posted form, each with its first value."""
        return {name: values[0] for name, values in self.forms().items()}

    def document(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def bearer(self) -> str:
        """The token that the request shows; empty where it shows none."""
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what the server does to the socket under it.

    `delay` is waited before a byte goes out, in seconds of the machine; `reset` breaks the connection instead of
    answering; `cut` promises the whole body and sends its first half.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A request that the vendor makes."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a call of the vendor's was answered; status 0 where nothing came back."""

    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Asking:
    """The vendor cannot answer before it has asked somebody itself: make the call, and hand `then` what it heard."""

    call: Call
    then: Callable[[Heard], Reply]


Response: TypeAlias = Reply | Asking


def as_json(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer."""
    return Reply(
        status, json.dumps(document, separators=(",", ":")).encode(), {"content-type": JSON, **(headers or {})}
    )


def as_html(status: int, page: str) -> Reply:
    """A page for a browser."""
    return Reply(status, page.encode(), {"content-type": HTML})
