"""Sign-in codes on their way: the sealed digits are opened, mailed and forgotten."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from ingest import clock, people, signin
from ingest.db import transaction
from ingest.models import SignInCode
from ingest.vault import vault
from workers import leases, letters
from workers.channels import CHANNELS, Message
from workers.leases import Outcome, Work
from workers.outcomes import Unwanted

LONGEST_WAIT = timedelta(seconds=15)  # a code lives ten minutes, and somebody is looking at the page

log = structlog.get_logger(__name__)


def _failed(_: Session, __: int, outcome: Outcome, ___: Exception, reason: str) -> Mapping[str, Any]:
    """A code has no due time of its own: a lease without a token keeps it from being claimed until then."""
    if outcome.name in {"bury", "cancel"}:
        return {"code": None, "error": reason}
    return {"lease_until": clock.now() + min(outcome.after, LONGEST_WAIT), "error": reason}


CODES = Work(
    name="sign_in_code",
    task="notify.sign_in_code",
    key=SignInCode.id,
    order=SignInCode.created_at,
    due=lambda now: SignInCode.sent_at.is_(None) & SignInCode.code.is_not(None) & (SignInCode.expires_at > now),
    takes=timedelta(minutes=3),
    room=50,
    failed=_failed,
)


def mail_code(code_id: int, token: str) -> None:
    """Mail one code. Raises Unwanted, LeaseLost, and what mail raises."""
    with transaction() as session:
        row = session.get_one(SignInCode, code_id)
        if row.code is None or row.expires_at <= clock.now():
            raise Unwanted("the code has expired")
        digits = vault().open(row.code, signin.place(code_id)).decode()
        address = row.address
        reader = people.find(session, address)
        language = people.language_of(reader) if reader else "en"
    letter = letters.sign_in(digits, language)
    key = f"sign-in.{code_id}"
    CHANNELS["mail"](Message(address, key, key, letter.subject, letter.text, letter.html))
    with transaction() as session:
        leases.give_back(session, CODES, code_id, token, {"sent_at": clock.now(), "code": None, "error": None})
    log.info("sign_in_mail_sent", row=code_id)
