"""Cookies: unreadable to scripts, not sent by other sites, bound to this host and to https where there is https."""

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ingest.settings import settings

SESSION = "vagus_session"
ASKING = "vagus_asking"  # the nonce of a browser that waits for a code
OPS_SESSION = "vagus_ops"  # an operator's: it opens no person's page, as a person's opens none of theirs
OPS_ASKING = "vagus_ops_asking"
LEAVING = "vagus_leaving"  # the nonce of a browser on its way to a vendor
RETURN = "vagus_return"  # the page to go on with after signing in


def _name(plain: str) -> str:
    """The cookie's name; under https browsers hold `__Host-` names to this host and this scheme."""
    return f"__Host-{plain}" if _secure() else plain


def read(request: HTTPConnection, plain: str) -> str | None:
    """A cookie's value, or None."""
    return request.cookies.get(_name(plain))


def write(response: Response, plain: str, value: str, seconds: float) -> None:
    """Give the browser a cookie for a while."""
    response.set_cookie(_name(plain), value, max_age=int(seconds), httponly=True, samesite="lax", secure=_secure())


def clear(response: Response, plain: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(_name(plain), httponly=True, samesite="lax", secure=_secure())


def _secure() -> bool:
    return settings().public_url.startswith("https://")
