"""What every channel is given: one message, complete, for one address."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """Words for one address. `key` is the same at each try, so that a repeat is seen as one; `thread` groups."""

    address: str
    key: str
    thread: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None
    image: bytes | None = None  # a PNG that the HTML shows as cid:chart


Send: TypeAlias = Callable[[Message], None]
