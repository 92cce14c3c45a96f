"""Turn the key that everything is sealed with, while all runs: add, make primary, seal anew, retire.

Every step can be taken again after a kill: the secrets file says how far it came. A value is replaced only where it is
still the one that was read, so that a refresh or a save beside it wins. The old key goes last, when nothing is sealed
with it and every transaction has ended that may have sealed with it and not yet committed.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from ingest import db
from ingest.models import (
    Channel,
    Credential,
    HintReceived,
    OAuthState,
    Raw,
    Rejected,
    RunFile,
    SignInCode,
    VendorApp,
)
from ingest.settings import settings
from ingest.vault import Vault, add_key, head, load, make_primary, retire, vault
from providers.errors import Misconfigured, VagusError

TURNING = 8733  # the advisory lock of whoever turns the keys
CHUNK = 200
PUSH_KEYS = ("p256dh", "auth")

Seen: TypeAlias = Callable[[int], None]
Wait: TypeAlias = Callable[[], None]
Old: TypeAlias = tuple[int, str]  # a server process and when its transaction began: what names an open transaction


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column whose values are sealed: the place they are sealed for, and the columns that name the place.

    `inside` names the keys under which a JSON column holds sealed values, in base64.
    """

    column: InstrumentedAttribute[Any]
    place: str
    named_by: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]]
    inside: tuple[str, ...] = ()

    @property
    def key(self) -> Any:
        """The primary key of the table."""
        return self.column.class_.__mapper__.primary_key[0]

    def behind(self, primary: str) -> ColumnElement[bool]:
        """Whether a row holds a value that is sealed with another key than this."""
        start = head(primary)
        held = func.decode(self.column[self.inside[0]].astext, "base64") if self.inside else self.column
        return func.substring(held, 1, len(start)) != start

    def anew(self, ring: Vault, row: Sequence[Any]) -> Any:
        """The value of a row, sealed with the primary key. Raises Misconfigured where it cannot be opened."""
        place = self.place.format(*row[2:])
        if not self.inside:
            return ring.seal(ring.open(row[1], place), place)
        opened = {name: ring.open(base64.b64decode(row[1][name]), place) for name in self.inside}
        return row[1] | {name: base64.b64encode(ring.seal(value, place)).decode() for name, value in opened.items()}


SEALED = (
    Sealed(VendorApp.client_secret, "vendor_app|{}|{}", (VendorApp.vendor, VendorApp.client_id)),
    Sealed(Credential.access, "credential|{}|access", (Credential.connection,)),
    Sealed(Credential.refresh, "credential|{}|refresh", (Credential.connection,)),
    Sealed(OAuthState.verifier, "oauth_state|{}", (OAuthState.state_hash,)),
    Sealed(HintReceived.body, "hint|{}|{}", (HintReceived.connection, HintReceived.key)),
    Sealed(RunFile.body, "run_file|{}|body", (RunFile.run,)),
    Sealed(Raw.body, "raw|{}|{}", (Raw.connection, Raw.content)),
    Sealed(Rejected.body, "rejected|{}|{}", (Rejected.connection, Rejected.fingerprint)),
    Sealed(SignInCode.code, "sign_in_code|{}|code", (SignInCode.id,)),
    Sealed(
        Channel.settings,
        "channel|{}|{}",
        (Channel.person, func.encode(func.sha256(func.convert_to(Channel.address, "UTF8")), "hex")),
        inside=PUSH_KEYS,
    ),
)


def rotate(seen: Seen, wait: Wait) -> str:
    """Turn the keys, or end a turn that was begun; the id of the key that stands alone then.

    `seen` hears how many values were sealed anew, `wait` is called while older transactions are still open. Raises
    VagusError where a value cannot be opened, or somebody else turns the keys: nothing is lost, and the old key stays.
    """
    file = settings().secrets_path
    with _alone():
        ring = load(file)
        new = _newest(ring) if len(ring.keys) > 1 else add_key(file)
        if load(file).primary != new:
            make_primary(file, new)
        before = open_transactions()
        reseal(seen)
        while before & open_transactions():
            wait()
        reseal(seen, patient=True)
        if behind := count():
            raise VagusError(
                f"{behind:,} values cannot be opened and stay as they are, with their key: restore them, "
                "or delete their rows, and run this again"
            )
        retire(file, set(load(file).keys) - {new})
    return new


def count() -> int:
    """How many values are sealed with another key than the primary one."""
    primary = vault().primary
    with db.transaction() as session:
        behind = (select(func.count()).select_from(each.column.class_).where(each.behind(primary)) for each in SEALED)
        return sum(session.scalar(query) or 0 for query in behind)


def reseal(seen: Seen, *, patient: bool = False) -> None:
    """Seal with the primary key what is sealed with another; what cannot be opened stays.

    Rows that others hold are passed over, or waited for one by one where that is what is left to do.
    """
    for sealed in SEALED:
        _sweep(sealed, seen, 1 if patient else CHUNK, skip_locked=not patient)


def open_transactions() -> set[Old]:
    """The transactions that others have open on this database now."""
    query = text(
        "SELECT pid, CAST(xact_start AS text) FROM pg_stat_activity"
        " WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    )
    with db.transaction() as session:
        return {(row[0], row[1]) for row in session.execute(query)}


def _sweep(sealed: Sealed, seen: Seen, chunk: int, *, skip_locked: bool) -> None:
    """Go through a table once, in short transactions."""
    last, primary = None, vault().primary
    query = select(sealed.key, sealed.column, *sealed.named_by).where(sealed.behind(primary)).order_by(sealed.key)
    query = query.limit(chunk).with_for_update(skip_locked=skip_locked)
    while True:
        with db.transaction() as session:
            rows = session.execute(query if last is None else query.where(sealed.key > last)).all()
            replaced = sum(_replace(session, sealed, row) for row in rows)
        if not rows:
            return
        last = rows[-1][0]
        seen(replaced)


def _replace(session: Session, sealed: Sealed, row: Sequence[Any]) -> bool:
    """Put the value sealed anew in the place of the one that was read; False where it cannot be opened."""
    try:
        value = sealed.anew(vault(), row)
    except Misconfigured:
        return False
    same = (sealed.key == row[0], sealed.column == row[1])
    renewed: Mapping[str, Any] = {sealed.column.key: value}
    statement = update(sealed.column.class_).where(*same).values(renewed)
    session.execute(statement, execution_options={"synchronize_session": False})
    return True


def _newest(ring: Vault) -> str:
    """The key that was added last: ids are numbered."""
    return max(ring.keys, key=lambda kid: (int(kid[1:]) if kid[1:].isdecimal() else 0, kid))


@contextmanager
def _alone() -> Iterator[None]:
    """Keep a second command from turning the keys meanwhile; a killed one's lock goes with its connection."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(TURNING))):
            raise VagusError("the keys are being turned by another command: wait until it has ended")
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(TURNING)))
