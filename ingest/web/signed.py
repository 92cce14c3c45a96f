"""Whose request this is: every page that shows something of a person takes `Signed`, and asks with its id alone."""

from typing import Annotated

from fastapi import Depends, Request

from ingest import signin
from ingest.db import transaction
from ingest.models import Person
from ingest.web import cookies


class SignedOut(Exception):
    """Raised when a page needs a person and the browser is not signed in: go to sign in, then come back."""


def known(token: str | None) -> bool:
    """Whether a session cookie stands for somebody."""
    with transaction() as session:
        return signin.person_of(session, token) is not None


def visitor(request: Request) -> Person | None:
    """The person who is signed in, or None."""
    token = cookies.read(request, cookies.SESSION)
    if token is None:
        return None
    with transaction() as session:
        return signin.person_of(session, token)


def signed_in(person: Annotated[Person | None, Depends(visitor)]) -> Person:
    """The person who is signed in. Raises SignedOut."""
    if person is None:
        raise SignedOut
    return person


Visitor = Annotated[Person | None, Depends(visitor)]
Signed = Annotated[Person, Depends(signed_in)]
