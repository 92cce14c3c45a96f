"""The web application: `create_app` puts the pages together. Start it with any ASGI server, as a factory."""

import re

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ingest.settings import settings
from ingest.web import (
    alert_pages,
    check_in_pages,
    connect_pages,
    connection_pages,
    cookies,
    cycle_pages,
    demo_pages,
    device_pages,
    drive_test_pages,
    errors,
    health,
    history_pages,
    hook_pages,
    hygiene_pages,
    import_pages,
    metrics_page,
    ops_action_pages,
    ops_pages,
    ops_signin_pages,
    pages,
    push_pages,
    question_pages,
    settings_pages,
    signin_pages,
    snooze_pages,
    unsubscribe_pages,
)
from ingest.web.guard import HEADERS, Guard
from ingest.web.ops_signed import OnlyLooking, OpsSignedOut
from ingest.web.render import STATIC
from ingest.web.signed import SignedOut

RETURN_SECONDS = 900
FOREVER = "public, max-age=31536000, immutable"


def create_app() -> FastAPI:
    """The application with every page; the demo's own only where this is the demo."""
    app = FastAPI(title="Vagus", openapi_url=None, telemetry={"tracing": False, "metrics": False})
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Guard)
    app.add_middleware(metrics_page.Counted)
    app.add_exception_handler(HTTPException, errors.refused)
    app.add_exception_handler(RequestValidationError, errors.refused)
    app.add_exception_handler(SignedOut, _to_sign_in)
    app.add_exception_handler(OpsSignedOut, ops_signin_pages.to_sign_in)
    app.add_exception_handler(OnlyLooking, ops_signin_pages.only_looking)
    app.add_exception_handler(Exception, _broken)
    app.mount("/static", Kept(directory=STATIC))
    # The page of devices before those of single connections: its address looks like one of theirs.
    own = [pages, alert_pages, connect_pages, device_pages, connection_pages, import_pages, settings_pages]
    own += [history_pages, check_in_pages, question_pages, drive_test_pages]
    own += [hygiene_pages, snooze_pages, cycle_pages]
    nouns = [*own, push_pages, signin_pages, unsubscribe_pages, hook_pages, health, metrics_page]
    nouns += [ops_signin_pages, ops_action_pages, ops_pages]
    for noun in [*nouns, demo_pages] if settings().demo else nouns:
        app.include_router(noun.router)
    return app


class Kept(StaticFiles):
    """Static files, which browsers keep: their address changes with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with leave to keep it."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = FOREVER
        return response


async def _to_sign_in(request: Request, _: Exception) -> Response:
    """Go and sign in; a page that was asked for is remembered."""
    response = RedirectResponse("/sign-in", 303)
    if request.method == "GET" and re.fullmatch(signin_pages.OWN_PAGES, request.url.path):
        cookies.write(response, cookies.RETURN, request.url.path, RETURN_SECONDS)
    return response


async def _broken(request: Request, error: Exception) -> Response:
    """The page for a fault. It leaves outside the guard, so it takes the headers along."""
    response = await errors.broken(request, error)
    response.headers.update(HEADERS)
    return response
