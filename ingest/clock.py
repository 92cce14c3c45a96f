"""The one clock: everything in `ingest` and `workers` asks `now()`, and SQL gets the answer as a parameter.

Tests, the demo and the soak may shift and speed it for all processes at once: `VAGUS_CLOCK` names a JSON file
`{"real": epoch, "shown": epoch, "speed": factor}`, read again whenever it was replaced, so that a change reaches
every process.
"""

import json
import os
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

VARIABLE = "VAGUS_CLOCK"


def now() -> datetime:
    """The current instant, aware, in UTC."""
    real = time.time()
    file = os.environ.get(VARIABLE)
    return datetime.fromtimestamp(_shown(real, Path(file)) if file else real, UTC)


def set_clock(file: Path, shown: datetime, speed: float = 1.0) -> None:
    """Let every process whose `VAGUS_CLOCK` names `file` read `shown` from now on, running at `speed`."""
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({"real": time.time(), "shown": shown.timestamp(), "speed": speed}))
    part.replace(file)


def _shown(real: float, file: Path) -> float:
    try:
        found = file.stat()
        began, shown, speed = _setting(file, found.st_ino, found.st_mtime_ns)
    except FileNotFoundError:
        return real
    return shown + (real - began) * speed


@lru_cache(maxsize=1)
def _setting(file: Path, _inode: int, _written: int) -> tuple[float, float, float]:
    """Since when the file speaks, what it showed then, and how fast it runs: read once for each file put in place."""
    setting = json.loads(file.read_text())
    return float(setting["real"]), float(setting["shown"]), float(setting["speed"])
