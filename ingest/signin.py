"""Signing in: six digits by mail bound to the browser that asked, a one-time link from the terminal, and sessions.

A `sign_in_code` row is all there is to a code: a worker finds it, mails the sealed digits and forgets them. Nothing
here tells whether an address is known: a new one becomes a person only when its code is entered. `browser_hash` is
`client.door.nonce`: what the client's network looks like under our secret, so that its codes can be counted, the door
that was asked at, and the hash of the asking browser's cookie. Operators sign in by the same codes and links at a door
of their own (`ingest.ops.operators`); the door is ours to write, as a cookie is whatever its browser likes.
"""

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ingest import clock, people
from ingest.models import OperatorSession, Person, SignInCode, WebSession
from ingest.settings import settings
from ingest.vault import vault
from providers.errors import VagusError
from scoring import Language

Door = Literal["person", "operator"]

CODE_LIFE = timedelta(minutes=10)
SESSION_LIFE = timedelta(days=30)
HOUR = timedelta(hours=1)
CODES_AN_ADDRESS = 5
CODES_A_CLIENT = 20
IPV6 = 6
TERMINAL = "terminal"  # begins what stands where a client's mark stands, for links made on the terminal
SPENT = 0
BIGINT_DIGITS = 18  # always fit
ASKING = 8731  # the lock under which codes are counted: a burst of requests would otherwise all find room


class TooManyCodes(VagusError):
    """Raised when an address or a network asked for more codes than anyone needs: the next hour brings new ones."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was entered opens nothing; the sentence says what to do next."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The codes a browser asked for that can still be entered."""

    address: str
    tries_left: int


def new_nonce() -> str:
    """A secret that ties codes to the browser that asked for them."""
    return secrets.token_urlsafe(24)


def ask(  # noqa: PLR0913  whose door it is, and whether anybody is behind it
    session: Session, address: str, nonce: str, client: str, *, door: Door = "person", mailed: bool = True
) -> None:
    """Have a code mailed to this address, to be entered in the browser that holds `nonce`. Raises TooManyCodes.

    One that is not `mailed` leaves the same row and takes the same time, so that nobody learns who is known; no digits
    fit it. An address is counted at each door for itself: whoever asks at one keeps nobody out of the other.
    """
    session.execute(select(func.pg_advisory_xact_lock(ASKING)))
    now = clock.now()
    mark = _mark(client)
    lately = SignInCode.created_at > now - HOUR
    own = (SignInCode.address == address, SignInCode.browser_hash.contains(f".{door}."))
    for limit, condition in (
        (CODES_AN_ADDRESS, own),
        (CODES_A_CLIENT, (SignInCode.browser_hash.startswith(f"{mark}.", autoescape=True),)),
    ):
        if (session.scalar(select(func.count()).where(lately, *condition)) or 0) >= limit:
            raise TooManyCodes("That is more codes than anyone needs. Please try again in an hour.")
    digits = f"{secrets.randbelow(1_000_000):06d}"
    browser = f"{mark}.{door}.{hashed(nonce)}"
    row = SignInCode(
        address=address,
        code_hash=_code_hash(browser, address, digits) if mailed else hashed(new_nonce()),
        browser_hash=browser,
        created_at=now,
        expires_at=now + CODE_LIFE,
    )
    session.add(row)
    session.flush()
    sealed = vault().seal(digits.encode(), place(row.id))
    row.code, row.sent_at = (sealed, None) if mailed else (None, now)


def place(code_id: int) -> str:
    """The place that a code's digits are sealed for, until the mail is sent."""
    return f"sign_in_code|{code_id}|code"


def link(digits: str) -> str:
    """The address in the mail: a page with the digits filled in, which only the asking browser can send off."""
    return f"{settings().public_url}/sign-in/code?{urlencode({'digits': digits})}"


def asked(session: Session, nonce: str | None, door: Door = "person") -> Asked | None:
    """What this browser waits for at a door, or None."""
    rows = _open_codes(session, nonce, door) if nonce else []
    return Asked(rows[-1].address, max(row.tries_left for row in rows)) if rows else None


def enter(session: Session, nonce: str | None, digits: str, language: Language = "en") -> Person | Refused:
    """The person whose code this is, made if new, as a reader of `language`; else what to say."""
    address = redeem(session, nonce, digits)
    if isinstance(address, Refused):
        return address
    try:
        person = people.ensure(session, address, language)
    except people.BeingErased as leaving:
        return Refused(str(leaving))
    people.confirm(session, person.id)
    return person


def redeem(session: Session, nonce: str | None, digits: str, door: Door = "person") -> str | Refused:
    """The address whose code this is; else what to say. A wrong entry costs the browser's open codes at the door a try.

    The refusal is returned and not raised, so that the lost try is committed.
    """
    rows = _open_codes(session, nonce, door, lock=True) if nonce else []
    if not rows:
        return Refused("That code has expired. Ask for a new one.")
    entered = "".join(digits.split())
    fits = [
        row for row in rows if hmac.compare_digest(row.code_hash, _code_hash(row.browser_hash, row.address, entered))
    ]
    for row in rows:
        row.tries_left = SPENT if fits else row.tries_left - 1
    if not fits:
        left = max(row.tries_left for row in rows)
        return Refused(f"That code doesn't match. {_tries(left)}")
    return fits[0].address


def one_time_link(session: Session, person_id: int) -> str:
    """A link that signs this person in once within ten minutes, for those who run Vagus without mail."""
    ticket = new_ticket(session, str(session.get_one(Person, person_id).address), TERMINAL)
    return f"{settings().public_url}/sign-in/once/{ticket}"


def new_ticket(session: Session, address: str, mark: str) -> str:
    """What a one-time link ends with; worth something where links of this mark are spent, and nowhere else."""
    now = clock.now()
    token = new_nonce()
    row = SignInCode(
        address=address,
        code_hash=hashed(token),
        browser_hash=f"{mark}.",
        created_at=now,
        expires_at=now + CODE_LIFE,
        tries_left=1,
        sent_at=now,
    )
    session.add(row)
    session.flush()
    return f"{row.id}.{token}"


def spend(session: Session, ticket: str) -> Person | None:
    """The person whose one-time link this is, the first time it is used; None ever after."""
    address = spend_ticket(session, ticket, TERMINAL)
    return people.find(session, address) if address else None


def spend_ticket(session: Session, ticket: str, mark: str) -> str | None:
    """The address a ticket of this mark was made for, the first time it is used; None ever after."""
    number, _, token = ticket.partition(".")
    if not (number.isascii() and number.isdecimal() and len(number) <= BIGINT_DIGITS):
        return None
    wanted = (
        SignInCode.id == int(number),
        SignInCode.code_hash == hashed(token),
        SignInCode.browser_hash == f"{mark}.",
        SignInCode.expires_at > clock.now(),
        SignInCode.tries_left > SPENT,
    )
    spent = update(SignInCode).where(*wanted).values(tries_left=SPENT).returning(SignInCode.address)
    return session.scalar(spent)


def start_session(session: Session, person_id: int, replaced: str | None) -> str:
    """Sign a browser in: a fresh cookie value, never the one it came with."""
    end_session(session, replaced)
    token = secrets.token_urlsafe(32)
    now = clock.now()
    session.add(WebSession(token_hash=hashed(token), person=person_id, created_at=now, expires_at=now + SESSION_LIFE))
    return token


def end_session(session: Session, token: str | None) -> None:
    """Sign a browser out; its cookie is worth nothing from then on."""
    if token:
        session.execute(delete(WebSession).where(WebSession.token_hash == hashed(token)))


def person_of(session: Session, token: str | None) -> Person | None:
    """The active person that a browser's cookie stands for, or None."""
    if not token:
        return None
    signed = select(Person).join(WebSession, WebSession.person == Person.id)
    return session.scalar(
        signed.where(
            WebSession.token_hash == hashed(token), WebSession.expires_at > clock.now(), Person.state == "active"
        )
    )


def forget_expired(session: Session) -> None:
    """Delete what can no longer be entered and no longer counts, and sessions that ended."""
    now = clock.now()
    session.execute(delete(SignInCode).where(SignInCode.expires_at < now - HOUR))
    for signed_in in (WebSession, OperatorSession):
        session.execute(delete(signed_in).where(signed_in.expires_at < now))


def _open_codes(session: Session, nonce: str, door: Door, *, lock: bool = False) -> list[SignInCode]:
    wanted = (
        select(SignInCode)
        .where(
            SignInCode.browser_hash.endswith(f".{door}.{hashed(nonce)}", autoescape=True),
            SignInCode.expires_at > clock.now(),
            SignInCode.tries_left > SPENT,
        )
        .order_by(SignInCode.id)
    )
    return list(session.scalars(wanted.with_for_update() if lock else wanted))


def _code_hash(browser: str, address: str, digits: str) -> str:
    return vault().sign("code", f"{browser}|{address}|{digits}")


def _mark(client: str) -> str:
    """A client's network under our secret: an IPv6 customer has a whole /64 to ask from."""
    try:
        address = ipaddress.ip_address(client)
        client = str(ipaddress.ip_network(f"{address}/64", strict=False)) if address.version == IPV6 else str(address)
    except ValueError:
        pass
    return vault().sign("code", f"client|{client}")[:12]


def hashed(secret: str) -> str:
    """What is stored of a secret that a browser or a link holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _tries(left: int) -> str:
    if not left:
        return "Ask for a new one."
    return "One try left." if left == 1 else f"{left} tries left."
