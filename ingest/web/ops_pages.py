"""What operators look at: the board, what was given up, connections and people by number, what operators did."""

import re
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from ingest import clock
from ingest.db import transaction
from ingest.grants.replay import KINDS
from ingest.models import Operator, OperatorAction
from ingest.ops import standing
from ingest.ops.board import board
from ingest.ops.graves import causes
from ingest.ops.retries import chosen
from ingest.ops.saying import lasting, many
from ingest.ops.standing import LISTED, STATES
from ingest.ops.why import why
from ingest.web import ops_look
from ingest.web.ops_signed import Viewing, ops_page

router = APIRouter(prefix="/ops")
RENEWED = 10
MOST = 200
PAGE = 100
NUMBERED = re.compile(r"(connection|person)?\W*([0-9]{1,18})", re.IGNORECASE)
SHOWN_PAST = timedelta(days=30)  # where the form to fetch past days begins


@router.get("")
def the_board(request: Request, operator: Viewing, still: bool = False, acted: int = 0) -> Response:  # noqa: FBT001, FBT002
    """Everything on one page; it renews itself until it is told to stop."""
    with transaction() as session:
        seen = board(session, clock.now())
        done = _done(session, operator, acted)
    return _page(
        request,
        "ops_board.html",
        operator,
        seen.at,
        board=seen,
        look=ops_look,
        still=still,
        refresh=0 if still else RENEWED,
        open_problems=len(seen.yours),
        done=done,
    )


@router.get("/buried")
def buried(request: Request, operator: Viewing, kind: str = "", fingerprint: str = "", acted: int = 0) -> Response:
    """What was given up: by cause, and of one cause each job."""
    of_kind = kind if kind in KINDS else None
    with transaction() as session:
        every = [cause for cause in causes(session) if of_kind in {None, cause.kind}]
        jobs = chosen(session, of_kind, fingerprint) if fingerprint else []
        done = _done(session, operator, acted)
    listed = [cause for cause in every if fingerprint in {"", cause.fingerprint}]
    now = clock.now()
    return _page(
        request,
        "ops_buried.html",
        operator,
        now,
        causes=listed,
        jobs=jobs[:MOST],
        count=len(jobs),
        done=done,
        fingerprint=fingerprint,
    )


@router.get("/connections")
def connections(request: Request, operator: Viewing, state: str = "", vendor: str = "") -> Response:
    """Connections by state, those first that are in it longest."""
    now, wanted = clock.now(), state if state in LISTED else ""
    with transaction() as session:
        lines, count = standing.connections(session, now, wanted, vendor)
    return _page(
        request,
        "ops_connections.html",
        operator,
        now,
        lines=lines,
        count=count,
        state=wanted,
        states=STATES,
        vendor=vendor,
    )


@router.get("/connections/{number}")
def connection(request: Request, operator: Viewing, number: int, acted: int = 0) -> Response:
    """One connection: its one sentence, its streams, its past, and what can be done."""
    now = clock.now()
    with transaction() as session:
        shown = standing.connection(session, number, now)
        if shown is None:
            return _missing(request, operator, f"there is no connection {number}")
        cause = why(session, number, now)
        done = _done(session, operator, acted)
    days = (now.date() - SHOWN_PAST, now.date())
    return _page(request, "ops_connection.html", operator, now, shown=shown, cause=cause, days=days, done=done)


@router.get("/people/{number}")
def person(request: Request, operator: Viewing, number: int, acted: int = 0) -> Response:
    """One person by number: their connections and channels, and what can be done."""
    now = clock.now()
    with transaction() as session:
        shown = standing.person(session, number, now)
        done = _done(session, operator, acted)
    if shown is None:
        return _missing(request, operator, f"there is no person {number}")
    return _page(request, "ops_person.html", operator, now, shown=shown, done=done)


@router.get("/find")
def find(request: Request, operator: Viewing, q: str = "") -> Response:
    """Go to a connection or a person by number; where it could be either, ask which."""
    asked = NUMBERED.fullmatch(q.strip())
    number = int(asked[2]) if asked else 0
    word = (asked[1] or "").lower() if asked else ""
    now = clock.now()
    with transaction() as session:
        known = {
            "connection": word != "person" and standing.connection(session, number, now) is not None,
            "person": word != "connection" and standing.person(session, number, now) is not None,
        }
    if sum(known.values()) == 1:
        return RedirectResponse(f"/ops/connections/{number}" if known["connection"] else f"/ops/people/{number}", 303)
    return _page(request, "ops_find.html", operator, now, q=q[:40], number=number, both=known["person"])


@router.get("/audit")
def audit(request: Request, operator: Viewing, before: int = 0) -> Response:
    """What operators did, newest first."""
    rows = select(OperatorAction).order_by(OperatorAction.id.desc()).limit(PAGE)
    with transaction() as session:
        listed = session.scalars(rows.where(OperatorAction.id < before) if before > 0 else rows).all()
        oldest = session.scalar(select(func.min(OperatorAction.id)))
    more = listed[-1].id if listed and oldest is not None and listed[-1].id > oldest else 0
    return _page(request, "ops_audit.html", operator, clock.now(), actions=listed, more=more)


def _page(request: Request, template: str, operator: Operator, now: datetime, **shown: Any) -> Response:
    """A page with its times told as of `now`, in UTC."""
    return ops_page(request, template, operator, now=now, lasting=lasting, many=many, at=ops_look.at, **shown)


def _missing(request: Request, operator: Operator, text: str) -> Response:
    return ops_page(request, "ops_error.html", operator, status=404, title="Nothing by that number", text=text)


def _done(session: Session, operator: Operator, number: int) -> OperatorAction | None:
    """What this operator did just now, to be said on the page it led to."""
    row = session.get(OperatorAction, number) if 0 < number < 2**63 else None
    return row if row and row.by == operator.address else None
