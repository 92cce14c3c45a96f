"""Every act there is, by the name that pages and commands call it by."""

from collections.abc import Callable, Mapping

from pydantic import ValidationError, validate_call

from ingest.ops import asking, holds, persons, retries
from ingest.ops.act import Act
from providers.errors import VagusError

ACTS: Mapping[str, Callable[..., Act]] = {
    "pause-vendor": holds.pause_vendor,
    "resume-vendor": holds.resume_vendor,
    "pause-queue": holds.pause_queue,
    "resume-queue": holds.resume_queue,
    "replay": retries.replay,
    "discard": retries.discard,
    "resync": asking.resync,
    "sync": asking.sync,
    "release": asking.release,
    "recompute": persons.recompute,
    "test": persons.test,
}


def named(name: str, given: Mapping[str, str]) -> Act:
    """The act of this name on what was given, as text. Raises VagusError where either says nothing we know."""
    if name not in ACTS:
        raise VagusError(f"there is no action {name}: {', '.join(ACTS)}")
    filled = {key: value.strip() for key, value in given.items() if value.strip()}
    try:
        return validate_call(ACTS[name])(**filled)
    except ValidationError as error:
        first = error.errors()[0]
        raise VagusError(f"{name}: {first['loc'][-1]}: {first['msg'].lower()}") from None
