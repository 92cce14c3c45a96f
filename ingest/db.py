"""One engine a process, and the transaction that entry points open.

A restarted server costs nobody an error: a connection whose server is gone has something to read, its end, and is made
anew. Looking costs no round trip, of which a transaction would else have one more. One that lay idle for long is asked,
as what lies between may have forgotten it.
"""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from psycopg import Connection, OperationalError
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from ingest.settings import settings
from providers.errors import Misconfigured

CONNECTIONS = 15  # a process: more than the threads of any worker
LONG_IDLE = 30.0  # seconds


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The engine of this process; its connections are looked at before use."""
    url = settings().database_url
    if url is None:
        raise Misconfigured("DATABASE_URL is not set and no server of our own runs: start one with `vagus up`")
    address = make_url(_with_driver(url.get_secret_value()))
    made = create_engine(
        address,
        connect_args={"options": f"{_options(address)} -c timezone=UTC".strip()},  # whatever zone the server is set to
        pool_size=CONNECTIONS,
        max_overflow=0,  # what overflows is closed after each use, and its plans are forgotten with it
        pool_use_lifo=True,
        pool_recycle=1800,
        hide_parameters=True,  # an error is logged, and its parameters are people's nights
    )
    event.listen(made, "checkin", _note_use)
    event.listen(made, "checkout", _look_at)
    return made


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose work is committed at the end, or rolled back whole when the block raises."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


def _note_use(_connection: Connection | None, entry: ConnectionPoolEntry) -> None:
    entry.info["used"] = time.monotonic()


def _look_at(connection: Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Have a connection made anew where its server is gone. Raises InvalidatePoolError."""
    if "used" not in entry.info:
        return  # just made
    watch = select.poll()
    try:
        watch.register(connection.fileno(), select.POLLIN)
        if time.monotonic() - entry.info["used"] > LONG_IDLE or watch.poll(0):
            connection.execute("SELECT 1")
            connection.rollback()
    except OperationalError:
        raise InvalidatePoolError from None


def _options(address: URL) -> str:
    """What a URL itself has the server set for each connection."""
    given = address.query.get("options", "")
    return given if isinstance(given, str) else " ".join(given)


def _with_driver(url: str) -> str:
    """Any spelling of a PostgreSQL URL, with the driver we ship."""
    scheme, _, rest = url.partition("://")
    if scheme.split("+")[0] not in {"postgres", "postgresql"}:
        raise Misconfigured(f"DATABASE_URL must begin with postgresql://, not {scheme}://")
    return f"postgresql+psycopg://{rest}"
