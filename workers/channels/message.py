"""What every channel is given: one message, complete, for one address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from scoring import Language

DAY = 86_400


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """Words for one address. `key` is the same at each try, so that a repeat is seen as one; `thread` groups.

    Mail shows `text`, `html` and `image`; a push shows `subject` and `text`, and opens `url` when it is tapped.
    """

    address: str
    key: str
    thread: str
    subject: str
    text: str
    html: str = ""
    unsubscribe_url: str | None = None
    image: bytes | None = None  # a PNG that the HTML shows as cid:chart
    url: str = ""
    lifetime: int = DAY  # seconds after which it is worth nothing to a phone that was off
    language: Language = "en"
    receipt: str = ""  # what the browser gives back once it was shown
    keys: Mapping[str, str] = field(default_factory=dict)  # the browser's, open


Send: TypeAlias = Callable[[Message], None]
