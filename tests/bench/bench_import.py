"""How fast a three-year file goes from bytes to committed rows, on a PostgreSQL with its default settings."""

import io
import os
import shutil
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

from ingest import clock, db, imports, migrate, settings, vault
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv
from workers.supervision import embedded

NIGHTS, RUNS, BAR = 1096, 7, 2000


def rows() -> dict[str, dict]:
    """`import_rows_per_s`: cycles of a new person's file a second; again, the same file once more."""
    home = Path(tempfile.mkdtemp(prefix="vagus-bench-"))
    home.chmod(0o755)
    kept = {name: os.environ.get(name) for name in ("DATABASE_URL", "VAGUS_HOME")}
    try:
        os.environ |= {"VAGUS_HOME": str(home), "DATABASE_URL": embedded.start_postgres(home)}
        _forget()
        vault.create_secrets(home / "secrets.json")
        migrate.upgrade()
        file = cycles_csv(nights(Story.STEADY, clock.now().date(), NIGHTS, seed=1)).encode()
        new = statistics.median(_seconds(file, f"person{run}@example.org") for run in range(RUNS))
        again = statistics.median(_seconds(file, f"person{run}@example.org") for run in range(RUNS))
    finally:
        db.engine().dispose()
        embedded.stop_postgres(home)
        shutil.rmtree(home, ignore_errors=True)
        os.environ.update({name: value for name, value in kept.items() if value is not None})
        _forget()
    return {
        "import_rows_per_s": {"value": NIGHTS / new, "unit": "rows/s", "bar": BAR, "ok": NIGHTS / new >= BAR},
        "import_again_rows_per_s": {"value": NIGHTS / again, "unit": "rows/s", "bar": BAR, "ok": NIGHTS / again >= BAR},
    }


def _seconds(file: bytes, address: str) -> float:
    started = time.perf_counter()
    imports.import_file(address, "whoop", "cycles.csv", io.BytesIO(file))
    return time.perf_counter() - started


def _forget() -> None:
    for cached in (settings.settings, db.engine, vault.vault):
        cached.cache_clear()


if __name__ == "__main__":
    print(date.today(), rows())  # noqa: T201, DTZ011
