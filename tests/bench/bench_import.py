"""How fast a three-year file goes from bytes to committed rows, on a PostgreSQL with its default settings."""

import io
import statistics
import time
from datetime import date

from ingest import clock, imports
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv
from tests.bench.servers import servers

NIGHTS, RUNS, BAR = 1096, 7, 2000


def rows() -> dict[str, dict]:
    """`import_rows_per_s`: cycles of a new person's file a second; again, the same file once more."""
    with servers():
        file = cycles_csv(nights(Story.STEADY, clock.now().date(), NIGHTS, seed=1)).encode()
        new = statistics.median(_seconds(file, f"person{run}@example.org") for run in range(RUNS))
        again = statistics.median(_seconds(file, f"person{run}@example.org") for run in range(RUNS))
    return {
        "import_rows_per_s": {"value": NIGHTS / new, "unit": "rows/s", "bar": BAR, "ok": NIGHTS / new >= BAR},
        "import_again_rows_per_s": {"value": NIGHTS / again, "unit": "rows/s", "bar": BAR, "ok": NIGHTS / again >= BAR},
    }


def _seconds(file: bytes, address: str) -> float:
    started = time.perf_counter()
    imports.import_file(address, "whoop", "cycles.csv", io.BytesIO(file))
    return time.perf_counter() - started


if __name__ == "__main__":
    print(date.today(), rows())  # noqa: T201, DTZ011
