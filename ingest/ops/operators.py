"""Operators: those who run the service. No people of it: a table, a cookie and a door of their own.

They sign in by the same mailed digits as people do, kept for another door, so that neither's codes open the other's.
Whoever asks at that door is answered alike; digits are mailed to operators alone.
"""

import secrets
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock, people, signin
from ingest.models import Operator, OperatorSession
from ingest.settings import settings
from ingest.signin import Asked, Refused
from providers.errors import VagusError

Role = Literal["view", "operate"]
SESSION_LIFE = timedelta(hours=12)  # a shift
MARK = "terminal-operator"  # what links made for operators carry
DOOR: Final = "operator"
NOT_YOURS = "You can look but not change. Whoever runs this service can give you the role operate."


class UnknownOperator(VagusError):
    """Raised when no operator has that address."""


def add(session: Session, address: str, role: Role) -> Operator:
    """Make somebody an operator, or give one another role. Raises VagusError where that is no address."""
    normal = people.normal_address(address)
    new = insert(Operator).values(address=normal, role=role, created_at=clock.now())
    changed = new.on_conflict_do_update(index_elements=[Operator.address], set_={"role": role})
    return session.scalars(changed.returning(Operator), execution_options={"populate_existing": True}).one()


def role_of(text: str) -> Role:
    """A role by its name. Raises VagusError for one there is not."""
    match text:
        case "view" | "operate":
            return text
        case _:
            raise VagusError(f"there is no role {text}: view sees the board, operate acts on it")


def remove(session: Session, address: str) -> str:
    """Let an operator go: their browsers are signed out at once; their address. Raises UnknownOperator."""
    gone = get(session, address)
    session.delete(gone)
    return gone.address


def every(session: Session) -> list[Operator]:
    """The operators, by address."""
    return list(session.scalars(select(Operator).order_by(Operator.address)))


def get(session: Session, address: str) -> Operator:
    """The operator with this address. Raises UnknownOperator."""
    found = _find(session, people.normal_address(address))
    if found is None:
        raise UnknownOperator(f"no operator has the address {address.strip()}: see `vagus operator list`")
    return found


def ask(session: Session, address: str, nonce: str, client: str) -> None:
    """Have a code mailed where the address is an operator's; else do the same without the mail. Raises TooManyCodes."""
    known = _find(session, address) is not None
    signin.ask(session, address, nonce, client, door=DOOR, mailed=known)


def asked(session: Session, nonce: str | None) -> Asked | None:
    """What this browser waits for, or None."""
    return signin.asked(session, nonce, DOOR)


def enter(session: Session, nonce: str | None, digits: str) -> Operator | Refused:
    """The operator whose code this is; else what to say."""
    address = signin.redeem(session, nonce, digits, DOOR)
    if isinstance(address, Refused):
        return address
    return _find(session, address) or Refused("That code doesn't match. Ask for a new one.")


def one_time_link(session: Session, address: str) -> str:
    """A link that signs an operator in once within ten minutes, also without mail. Raises UnknownOperator."""
    ticket = signin.new_ticket(session, get(session, address).address, MARK)
    return f"{settings().public_url}/ops/sign-in/once/{ticket}"


def spend(session: Session, ticket: str) -> Operator | None:
    """The operator whose one-time link this is, the first time it is used; None ever after."""
    address = signin.spend_ticket(session, ticket, MARK)
    return _find(session, address) if address else None


def start_session(session: Session, operator_id: int, replaced: str | None) -> str:
    """Sign a browser in: a fresh cookie value, never the one it came with."""
    end_session(session, replaced)
    token, now = secrets.token_urlsafe(32), clock.now()
    mark = signin.hashed(token)
    session.add(OperatorSession(token_hash=mark, operator=operator_id, created_at=now, expires_at=now + SESSION_LIFE))
    return token


def end_session(session: Session, token: str | None) -> None:
    """Sign a browser out; its cookie is worth nothing from then on."""
    if token:
        session.execute(delete(OperatorSession).where(OperatorSession.token_hash == signin.hashed(token)))


def operator_of(session: Session, token: str | None) -> Operator | None:
    """The operator that a browser's cookie stands for, or None."""
    if not token:
        return None
    own = (OperatorSession.token_hash == signin.hashed(token), OperatorSession.expires_at > clock.now())
    return session.scalar(select(Operator).join(OperatorSession, OperatorSession.operator == Operator.id).where(*own))


def _find(session: Session, address: str) -> Operator | None:
    return session.scalar(select(Operator).where(Operator.address == address))
