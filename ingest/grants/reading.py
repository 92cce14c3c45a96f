"""From the bytes of one page to rows: parse, set aside what cannot be read or cannot be true, keep the rest.

Pure: no vendor call, no database. The records of a page are validated in one call; only where one fails are they looked
at one by one, so that 999 good records are kept beside a bad one.
"""

import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NotRequired, get_type_hints

import numpy as np
import pydantic_core
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from providers.base import Asked, Stream, TokenPaging
from providers.errors import ContractBroken, Unavailable
from providers.shapes import DayValue, Points, Rejected, Row

MOST_POINTS_SET_ASIDE = 100  # of one page; the rest is counted in one more line
LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Page:
    """One page, read: its rows in the order they came, rejects among them; the token of the next page, if any."""

    rows: list[Row]
    next_token: str | None
    records: int


def read_page(stream: Stream, body: bytes, asked: Asked) -> Page:
    """Read one page of a stream.

    Raises Unavailable where the body is no JSON (a gateway's page, half an answer), ContractBroken where it is JSON of
    another shape than the vendor documents.
    """
    with _without_collecting():
        return _read(stream, body, asked)


def _read(stream: Stream, body: bytes, asked: Asked) -> Page:
    try:
        envelope = _envelope(stream.record, stream.records_at, _token_key(stream)).validate_json(body)
        records: list[Any] = envelope[stream.records_at]
        rejects: list[Row] = []
    except ValidationError:
        envelope = parsed(body)
        records, rejects = _one_by_one(stream, envelope)
    rows = [*rejects, *(kept for row in stream.read(records, asked) for kept in plausible(row))]
    return Page(rows, _next_token(stream, envelope), len(records) + len(rejects))


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the garbage collector out: a page's records are made at once, and walking them doubles what they cost."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def parsed(body: bytes) -> Mapping[str, Any]:
    """The body as a JSON object. Raises Unavailable where it is no JSON, ContractBroken where it is no object."""
    try:
        document = pydantic_core.from_json(body)
    except ValueError:
        raise Unavailable("answered with something that is not JSON") from None
    if not isinstance(document, dict):
        raise ContractBroken(f"answered with a JSON {type(document).__name__}, not an object")
    return document


def plausible(row: Row) -> list[Row]:
    """The row where its values can be true; else what of it can, and the rest set aside."""
    if isinstance(row, DayValue) and row.value is not None and not row.definition.measure.plausible(row.value):
        return [_implausible_value(row), replace(row, value=None, state="unscorable")]
    if isinstance(row, Points):
        return _plausible_points(row)
    return [row]


def _plausible_points(points: Points) -> list[Row]:
    measure = points.definition.measure
    true = (points.value >= measure.low) & (points.value <= measure.high)
    if true.all():
        return [points]
    wrong = np.flatnonzero(~true)
    rejects: list[Row] = [
        Rejected(
            reason=f"{measure.name} {points.value[index]:g} {measure.unit} cannot be true",
            body=json.dumps({"at": int(points.at[index]), "value": f"{points.value[index]:g}"}),
            field=f"{points.definition.name}.{measure.name}",
        )
        for index in wrong[:MOST_POINTS_SET_ASIDE].tolist()
    ]
    if len(wrong) > MOST_POINTS_SET_ASIDE:
        more = len(wrong) - MOST_POINTS_SET_ASIDE
        span = {"from": int(points.at[wrong].min()), "to": int(points.at[wrong].max())}
        rejects.append(Rejected(f"{more} more values of {measure.name} cannot be true", json.dumps(span)))
    return [*rejects, replace(points, at=points.at[true], value=points.value[true])]


def _implausible_value(row: DayValue) -> Rejected:
    measure = row.definition.measure
    return Rejected(
        reason=f"{measure.name} {row.value:g} {measure.unit} cannot be true",
        body=json.dumps({"record": row.record, "value": f"{row.value:g}"}),
        field=f"{row.definition.name}.{measure.name}",
        record=row.record,
    )


def _one_by_one(stream: Stream, envelope: Mapping[str, Any]) -> tuple[list[Any], list[Row]]:
    """The records that are what the vendor documents, and the others set aside. Raises ContractBroken for all wrong."""
    given = envelope.get(stream.records_at)
    if not isinstance(given, list):
        raise ContractBroken(f"{stream.name}: no list under {stream.records_at!r} in the answer")
    adapter = _record(stream.record)
    records: list[Any] = []
    rejects: list[Row] = []
    for record in given:
        try:
            records.append(adapter.validate_python(record))
        except ValidationError as error:
            rejects.append(_unreadable(stream, record, error))
    if rejects and not records:
        raise ContractBroken(f"{stream.name}: none of {len(given)} records is as documented: {_first(rejects)}")
    return records, rejects


def _unreadable(stream: Stream, record: object, error: ValidationError) -> Rejected:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return Rejected(
        reason=f"{place}: {first['msg']}" if place else first["msg"],
        body=json.dumps(record, sort_keys=True),
        record=_known(stream, record),
    )


def _known(stream: Stream, record: object) -> str | None:
    """The id of a record that is not as documented, where it can be one: what no table can hold stays in the body."""
    known = record.get(stream.key) if isinstance(record, dict) else None
    if type(known) is int and _numbered(stream.record, stream.key):
        known = str(known)
    return known if isinstance(known, str) and known.isprintable() and len(known) <= LONGEST_ID else None


def _first(rejects: Iterable[Row]) -> str:
    return next(row.reason for row in rejects if isinstance(row, Rejected))


def _next_token(stream: Stream, envelope: Mapping[str, Any]) -> str | None:
    token = envelope.get(_token_key(stream) or "")
    return str(token) if token else None


def _token_key(stream: Stream) -> str | None:
    return stream.paging.key if isinstance(stream.paging, TokenPaging) else None


@lru_cache(maxsize=256)
def _numbered(record: type, key: str) -> bool:
    """Whether the vendor names these records by a number."""
    return get_type_hints(record).get(key) is int


@lru_cache(maxsize=256)
def _record(record: Any) -> TypeAdapter[Any]:
    return TypeAdapter(record)


@lru_cache(maxsize=256)
def _envelope(record: Any, records_at: str, token: str | None) -> TypeAdapter[Any]:
    """A page as one type, so that the whole of it is parsed and validated in one pass."""
    fields: dict[str, Any] = {records_at: list[record]}
    if token:
        fields[token] = NotRequired[str | None]
    return TypeAdapter(TypedDict("Envelope", fields))  # type: ignore[operator]
