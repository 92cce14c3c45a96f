"""The broker as a place of counters: its address, and one client for each patience. Work is carried by Celery."""

from functools import lru_cache
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ingest.settings import settings
from providers.errors import Misconfigured


def url() -> str:
    """Where the broker listens. Raises Misconfigured where nothing says so."""
    given = settings().redis_url
    if given is None:
        raise Misconfigured("REDIS_URL is not set and no server of our own runs: start one with `vagus up`")
    return given.get_secret_value()


def client(patience: float) -> Redis:
    """The broker, waited for so many seconds at most, and asked once more where a connection had died.

    Raises Misconfigured where nothing says where it is; its calls raise RedisError.
    """
    return _client(url(), patience)


@lru_cache(maxsize=8)
def _client(at: str, patience: float) -> Redis:
    if urlsplit(at).scheme == "redis+socket":
        at = f"unix://{at.partition('://')[2]}"
    return Redis.from_url(
        at,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
    )
