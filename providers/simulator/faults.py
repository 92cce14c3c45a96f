"""What goes wrong on demand: each rule strikes the next calls, or a share of them, on some paths."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from providers.simulator.conversation import HTML, JSON, Received, Reply

Kind = Literal[
    "429",  # args: retry_after in seconds, left out for an answer without the header
    "500",
    "502",
    "503",
    "html",  # a gateway's page with status 200
    "half",  # the connection ends in the middle of the promised body
    "truncated",  # half of the JSON, honestly announced
    "renamed",  # args: field, to
    "retyped",  # args: field; its value becomes an object
    "empty",  # a 200 without the records that there are
    "duplicates",  # the last record of the page before comes again, and the last of this one twice
    "timeout",  # args: seconds; the call takes effect, its answer is late
    "reset",  # the connection breaks before the call takes effect
    "lost",  # the call takes effect, then the connection breaks: a rotated token whose answer is lost
]
KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]
BEFORE = frozenset({"429", "500", "502", "503", "reset"})
LATE_SECONDS = 30.0


@dataclass(slots=True)
class Rule:
    """A fault on paths that begin with `path`: the next `left` calls, or each with a chance of `share`."""

    kind: str
    path: str = ""
    left: int | None = None
    share: float = 1.0
    args: Mapping[str, Any] = field(default_factory=dict)
    struck: int = 0


@dataclass
class Faults:
    """The rules in force; the first that fits strikes. Chance is seeded, so that a run can be repeated.

    `records_at` is where the vendor's pages hold their records.
    """

    seed: int = 0
    records_at: str = "data"
    rules: list[Rule] = field(default_factory=list)
    last_records: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.seed)

    def next(self, kind: str, n: int = 1, path: str = "", **args: Any) -> Rule:
        """Let the next `n` calls on a path fail. Raises ValueError for a kind there is not."""
        return self._add(Rule(kind, path, left=n, args=args))

    def some(self, kind: str, share: float, path: str = "", **args: Any) -> Rule:
        """Let a share of the calls on a path fail until cleared. Raises ValueError for a kind there is not."""
        return self._add(Rule(kind, path, share=share, args=args))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.rules.clear()

    def strike(self, request: Received) -> Rule | None:
        """The rule that this call falls to, counted; None where it goes well."""
        for rule in self.rules:
            if request.path.startswith(rule.path) and rule.left != 0 and self.dice.random() < rule.share:
                rule.struck += 1
                rule.left = rule.left - 1 if rule.left is not None else None
                return rule
        return None

    def instead(self, rule: Rule) -> Reply:
        """The answer to a call that takes no effect."""
        if rule.kind == "reset":
            return Reply(0, reset=True)
        if rule.kind == "429":
            after = rule.args.get("retry_after")
            headers = {"retry-after": str(after)} if after is not None else {}
            return Reply(429, b'{"detail":"Too many requests."}', {"content-type": JSON, **headers})
        return Reply(int(rule.kind), b"<html><body>The server is not well.</body></html>", {"content-type": HTML})

    def spoil(self, rule: Rule, request: Received, reply: Reply) -> Reply:
        """The answer of a call that took effect, as it arrives."""
        match rule.kind:
            case "html":
                return Reply(200, b"<html><body>One moment, please.</body></html>", {"content-type": HTML})
            case "half":
                return Reply(reply.status, reply.body, reply.headers, cut=True)
            case "truncated":
                return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)
            case "timeout":
                seconds = float(rule.args.get("seconds", LATE_SECONDS))
                return Reply(reply.status, reply.body, reply.headers, delay=seconds)
            case "lost":
                return Reply(0, reset=True)
        return self._rewritten(rule, request, reply)

    def remember(self, request: Received, reply: Reply) -> None:
        """Keep the last record of a page where duplicates are on order for its path."""
        if any(rule.kind == "duplicates" and request.path.startswith(rule.path) for rule in self.rules):
            records = _envelope(reply).get(self.records_at)
            if isinstance(records, list) and records:
                self.last_records[_reader(request)] = records[-1]

    def _rewritten(self, rule: Rule, request: Received, reply: Reply) -> Reply:
        document = _envelope(reply)
        records = document.get(self.records_at)
        if not isinstance(records, list):
            return reply
        before = self.last_records.get(_reader(request))
        document[self.records_at] = _REWRITE[rule.kind](records, rule.args, before)
        if rule.kind == "empty":
            document["next_token"] = None
        return Reply(reply.status, json.dumps(document, separators=(",", ":")).encode(), reply.headers)

    def _add(self, rule: Rule) -> Rule:
        if rule.kind not in KINDS:
            raise ValueError(f"there is no fault {rule.kind}: {', '.join(KINDS)}")
        self.rules.append(rule)
        return rule


def _envelope(reply: Reply) -> dict[str, Any]:
    try:
        document = json.loads(reply.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _reader(request: Received) -> str:
    return f"{request.headers.get('authorization', '')} {request.path}"


def _renamed(records: list[Any], args: Mapping[str, Any], _: Any) -> list[Any]:
    return [
        {args["to"] if name == args["field"] else name: value for name, value in record.items()} for record in records
    ]


def _retyped(records: list[Any], args: Mapping[str, Any], _: Any) -> list[Any]:
    return [record | {args["field"]: {"value": record.get(args["field"])}} for record in records]


def _empty(_: list[Any], __: Mapping[str, Any], ___: Any) -> list[Any]:
    return []


def _duplicates(records: list[Any], _: Mapping[str, Any], before: Any) -> list[Any]:
    return [*([before] if before is not None else []), *records, *records[-1:]]


_REWRITE: Mapping[str, Callable[[list[Any], Mapping[str, Any], Any], list[Any]]] = {
    "renamed": _renamed,
    "retyped": _retyped,
    "empty": _empty,
    "duplicates": _duplicates,
}
