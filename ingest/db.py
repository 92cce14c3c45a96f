"""One engine a process, and the transaction that entry points open."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.orm import Session

from ingest.settings import settings
from providers.errors import Misconfigured


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The engine of this process; connections are tested before use, so a restarted server costs nobody an error."""
    url = settings().database_url
    if url is None:
        raise Misconfigured("DATABASE_URL is not set and no server of our own runs: start one with `vagus up`")
    address = make_url(_with_driver(url.get_secret_value()))
    return create_engine(
        address,
        connect_args={"options": f"{_options(address)} -c timezone=UTC".strip()},  # whatever zone the server is set to
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=10,
        pool_recycle=1800,
        hide_parameters=True,  # an error is logged, and its parameters are people's nights
    )


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose work is committed at the end, or rolled back whole when the block raises."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


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
