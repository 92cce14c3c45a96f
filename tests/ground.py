"""What tests share beside fixtures: forgetting what a process read once, and waiting without guessing how long."""

import time
from collections.abc import Callable

import pytest

from ingest import db, settings, vault


def clear_caches() -> None:
    """Forget what this process read once: settings, engine, vault."""
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    for cached in (settings.settings, db.engine, vault.vault):
        cached.cache_clear()


def wait_for(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait until `true()` is, at most `seconds`; an exception counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except Exception:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            pytest.fail(f"not true within {seconds} s")
        time.sleep(0.02)
