"""Errors as pages: what happened, what is safe, and what to do next."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from ingest.web.render import page

log = structlog.get_logger(__name__)
REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that are mistaken for another when read out
WORDS: Mapping[int, tuple[str, str]] = {
    400: ("That request was not clear", "Something in the address or the form could not be read. Nothing was changed."),
    403: ("This came from another page", "We only take forms from our own pages. Open Vagus and try again from there."),
    404: ("Nothing here", "There is no such page, or it is not yours. Your data is unchanged."),
    405: ("Nothing here", "This address takes no such request. Your data is unchanged."),
    413: ("That is too big", "We take files of up to 50 MB, which holds many years. Nothing was stored."),
    422: ("That request was not clear", "Something in the address or the form could not be read. Nothing was changed."),
}
BROKEN = "Something broke"


def problem(request: HTTPConnection, status: int) -> HTMLResponse:
    """The page for a status."""
    title, text = WORDS.get(status, (HTTPStatus(status).phrase, "Your data is unchanged."))
    return page(request, "error.html", status=status, title=title, text=text, reference="")


async def refused(request: HTTPConnection, error: Exception) -> HTMLResponse:
    """The page for an exception that names its status."""
    return problem(request, error.status_code if isinstance(error, HTTPException) else 422)


async def broken(request: HTTPConnection, error: Exception) -> HTMLResponse:
    """The page for what should not have happened; its reference is in the log beside the cause."""
    reference = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(5))
    # As the page declares it: an address may hold what signs somebody in.
    path = getattr(request.scope.get("route"), "path", "")
    log.error("page_broke", reference=reference, path=path, exc_info=error)
    text = "Something broke on our side. Your data is unchanged."
    return page(request, "error.html", status=500, title=BROKEN, text=text, reference=reference)
