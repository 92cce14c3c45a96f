"""Which operator's request this is, and the frame of their pages. A person's cookie opens none of them."""

import hashlib
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from ingest.db import transaction
from ingest.models import Operator
from ingest.ops import operators
from ingest.web import cookies
from ingest.web.render import STATIC, page


class OpsSignedOut(Exception):
    """Raised when a page needs an operator and the browser is not signed in as one: go to their door."""


class OnlyLooking(Exception):
    """Raised when an operator who may only look asks for a change."""


def visiting(request: Request) -> Operator | None:
    """The operator who is signed in, or None."""
    token = cookies.read(request, cookies.OPS_SESSION)
    if token is None:
        return None
    with transaction() as session:
        return operators.operator_of(session, token)


def viewing(operator: Annotated[Operator | None, Depends(visiting)]) -> Operator:
    """The operator who is signed in. Raises OpsSignedOut."""
    if operator is None:
        raise OpsSignedOut
    return operator


def operating(operator: Annotated[Operator, Depends(viewing)]) -> Operator:
    """The operator who is signed in and may act. Raises OpsSignedOut, OnlyLooking."""
    if operator.role != "operate":
        raise OnlyLooking
    return operator


Visiting = Annotated[Operator | None, Depends(visiting)]
Viewing = Annotated[Operator, Depends(viewing)]
Operating = Annotated[Operator, Depends(operating)]


def ops_page(
    request: HTTPConnection, template: str, operator: Operator | None = None, *, status: int = 200, **shown: Any
) -> HTMLResponse:
    """A page of operators."""
    frame: dict[str, Any] = {"operator": operator, "ops_version": _version(), "open_problems": 0}
    return page(request, template, status=status, **(frame | shown))


@lru_cache(maxsize=1)
def _version() -> str:
    styles = (STATIC / name for name in ("style.css", "ops.css"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in styles)).hexdigest()[:12]
