# ruff: noqa: INP001  a script beside the packages
"""What must be there before any process of this version starts: the secrets, and the tables. Again is harmless.

`vagus up` does the same by itself; this is for containers and units, which start each process alone. A database that
comes late is waited for: what waits for this would else stay down.
"""

import sys

from sqlalchemy.exc import OperationalError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from ingest.migrate import upgrade
from ingest.settings import settings
from ingest.vault import create_secrets, load
from providers.errors import VagusError

PAUSE = 1  # seconds
WAITS = 12 * 60  # seconds; with the last try and the migrations shorter than what vagus-prepare.service may take


def prepare() -> None:
    """Make the secrets file where there is none, see that it can be used, and run the missing migrations.

    Raises OperationalError where the database does not answer within `WAITS`.
    """
    file = settings().secrets_path
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    create_secrets(file)
    load(file)
    tries = Retrying(
        retry=retry_if_exception_type(OperationalError),
        wait=wait_fixed(PAUSE),
        stop=stop_after_delay(WAITS),
        before_sleep=_say_once,
        reraise=True,
    )
    tries(upgrade)


def _say_once(state: RetryCallState) -> None:
    if state.attempt_number == 1 and state.outcome:
        sys.stderr.write(f"vagus: waiting for it, {WAITS // 60} minutes at most: {_gone(state.outcome.exception())}\n")
        sys.stderr.flush()


def _gone(error: BaseException | None) -> str:
    """What the database's library says of it, in a line."""
    said = str(getattr(error, "orig", error)).strip().splitlines()
    return f"the database does not answer: {said[0] if said else 'no reason given'}"


if __name__ == "__main__":
    try:
        prepare()
    except VagusError as error:
        sys.exit(f"vagus: {error}")
    except OperationalError as error:
        sys.exit(f"vagus: {_gone(error)}")
    except OSError as error:
        sys.exit(f"vagus: the secrets cannot be kept: {error}")
