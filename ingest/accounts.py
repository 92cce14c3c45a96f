"""A person's accounts at vendors, and the connections through which data comes."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Connection, Fence, Person, VendorAccount
from ingest.saving import Erased
from providers.errors import FileRefused


def lock_active(session: Session, person_id: int) -> None:
    """Keep the person from being erased while this transaction adds to them. Raises Erased."""
    active = select(Person.id).where(Person.id == person_id, Person.state == "active").with_for_update(key_share=True)
    if session.scalar(active) is None:
        raise Erased("this person was erased: nothing was stored")


def file_account(session: Session, person_id: int, vendor: str) -> VendorAccount:
    """The account that a file of this vendor speaks of: the only one, else the one not yet named by a grant.

    One whose grant has ended counts where no other does: its nights go on. Made where the person has none. Raises
    FileRefused where several are named and none is open.
    """
    lock_active(session, person_id)
    of_vendor = (VendorAccount.person == person_id, VendorAccount.vendor == vendor)
    every = session.scalars(select(VendorAccount).where(*of_vendor).order_by(VendorAccount.id)).all()
    accounts = [account for account in every if account.disconnected_at is None] or every
    unnamed = [account for account in accounts if account.external_id is None]
    if len(accounts) == 1 or unnamed:
        return (unnamed or list(accounts))[0]
    if accounts:
        raise FileRefused(
            f"this person has {len(accounts)} accounts at {vendor}: disconnect all but the file's own first"
        )
    made = VendorAccount(person=person_id, vendor=vendor, created_at=clock.now())
    session.add(made)
    session.flush()
    return made


def file_connection(session: Session, account: VendorAccount) -> int:
    """The connection through which files of this account come, with its fence; made where it is new."""
    at = clock.now()
    new = insert(Connection).values(vendor_account=account.id, kind="file", state_since=at, created_at=at)
    session.execute(new.on_conflict_do_nothing())
    identity = (Connection.vendor_account == account.id, Connection.kind == "file")
    connection = session.scalars(select(Connection.id).where(*identity)).one()
    session.execute(insert(Fence).values(connection=connection).on_conflict_do_nothing())
    return connection
