# ruff: noqa: INP001  a script beside the packages
"""What must be there before any process of this version starts: the secrets, and the tables. Again is harmless.

`vagus up` does the same by itself; this is for containers and units, which start each process alone.
"""

import sys

from sqlalchemy.exc import OperationalError

from ingest.migrate import upgrade
from ingest.settings import settings
from ingest.vault import create_secrets, load
from providers.errors import VagusError


def prepare() -> None:
    """Make the secrets file where there is none, see that it can be used, and run the missing migrations."""
    file = settings().secrets_path
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    create_secrets(file)
    load(file)
    upgrade()


if __name__ == "__main__":
    try:
        prepare()
    except VagusError as error:
        sys.exit(f"vagus: {error}")
    except OperationalError as error:
        sys.exit(f"vagus: the database does not answer: {str(error.orig).strip().splitlines()[0]}")
    except OSError as error:
        sys.exit(f"vagus: the secrets cannot be kept: {error}")
