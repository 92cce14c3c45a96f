"""Pages that follow each other by an opaque token: later ones belong to the answer that the first began."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime


class Unreadable(Exception):
    """The query cannot be answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page starts, and the instant at which its first page was asked for."""

    offset: int
    asked_at: datetime

    def token(self) -> str:
        """The opaque token that asks for this page."""
        plain = json.dumps([self.offset, self.asked_at.isoformat()]).encode()
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def page_of(token: str | None, now: datetime) -> Page:
    """The page that a token asks for; the first one without a token. Raises Unreadable."""
    if not token:
        return Page(0, now)
    try:
        offset, asked_at = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return Page(max(0, int(offset)), datetime.fromisoformat(asked_at))
    except (ValueError, TypeError):
        raise Unreadable("the page token is not one of ours") from None
