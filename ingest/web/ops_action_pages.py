"""What an operator may do, each act in two steps: what would happen to how many rows, then why, and done."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from ingest.db import transaction
from ingest.models import Operator
from ingest.ops.act import MANY, Act, By, Changed, Plan, perform
from ingest.ops.actions import named
from ingest.ops.operators import NOT_YOURS
from ingest.web.ops_signed import Operating, Viewing, ops_page
from providers.errors import VagusError

router = APIRouter(prefix="/ops/actions")
UNPROCESSABLE, CONFLICT = 422, 409


@router.get("/{name}")
def before(request: Request, operator: Viewing, name: str) -> Response:
    """What it would do, to how many rows; nothing is done."""
    return _shown(request, operator, name, request.query_params)


class Filled(BaseModel):
    """What the form sends: how many rows it showed, why, and what was typed."""

    seen: int = Field(ge=0)
    reason: str = Field("", max_length=2000)
    confirm: str = Field("", max_length=40)
    spread: str = Field("", max_length=10)


@router.post("/{name}")
def do(request: Request, operator: Operating, name: str, filled: Annotated[Filled, Form()]) -> Response:
    """Do it to the rows that the same address showed, if they are still about as many."""
    given = dict(request.query_params) | ({"spread": filled.spread} if filled.spread else {})
    try:
        act = named(name, given)
        with transaction() as session:
            by = By(operator.address, filled.reason)
            done = perform(session, act, by, seen=filled.seen, confirmed=filled.confirm)
    except VagusError as refused:
        status = CONFLICT if isinstance(refused, Changed) else UNPROCESSABLE
        return _shown(request, operator, name, given, error=str(refused), reason=filled.reason, status=status)
    if done.kept is None:
        return _shown(request, operator, name, given)
    return RedirectResponse(f"{act.back}?acted={done.kept}", 303)


def _shown(  # noqa: PLR0913  what a form shows again
    request: Request,
    operator: Operator,
    name: str,
    given: Mapping[str, str],
    *,
    error: str = "",
    reason: str = "",
    status: int = 200,
) -> Response:
    try:
        act = named(name, given)
        plan = _plan(act)
    except VagusError as refused:
        title = "That cannot be done"
        return ops_page(request, "ops_error.html", operator, status=UNPROCESSABLE, title=title, text=str(refused))
    return ops_page(
        request,
        "ops_action.html",
        operator,
        status=status,
        act=act,
        plan=plan,
        many=MANY,
        not_yours=NOT_YOURS,
        error=error,
        reason=reason,
        address=f"{request.url.path}?{request.url.query}",
    )


def _plan(act: Act) -> Plan:
    with transaction() as session:
        return act.plan(session)
