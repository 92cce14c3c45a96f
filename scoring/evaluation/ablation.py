"""What each piece of knowledge is worth: the same people, with a device or a diary that does not tell it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from scoring.night import Night

TOLD: Mapping[str, Mapping[str, Any]] = {  # what of a night is withheld
    "breathing and temperature": {"respiratory_rate": None, "skin_temperature": None},
    "steps": {"steps": None},
    "clock": {"utc_offset_minutes": None},
    "oxygen": {"oxygen_saturation": None},
    "sleep": {"sleep_minutes": None},
    "cycle": {"cycle_phase": None},
}
TAGS: Mapping[str, frozenset[str]] = {
    "notes of drinks": frozenset({"alcohol"}),
    "notes of illness and travel": frozenset({"ill", "travel"}),
}
ALL = "every other cause"
WITHHELD = (ALL, *TOLD, *TAGS)


def withheld(nights: Sequence[Night], what: str) -> tuple[Night, ...]:
    """The same nights without one piece of knowledge, or without all of them."""
    kinds = (*TOLD, *TAGS) if what == ALL else (what,)
    fields: dict[str, Any] = {}
    for kind in kinds:
        fields |= TOLD.get(kind, {})
    untold = frozenset[str]().union(*(TAGS.get(kind, frozenset()) for kind in kinds))
    return tuple(_without(nights, fields, untold))


def _without(nights: Sequence[Night], fields: Mapping[str, Any], tags: frozenset[str]) -> Iterator[Night]:
    for night in nights:
        yield replace(night, **fields, tags=night.tags - tags)
