"""`make bench`: run every benchmark beside this file, print a table, and with `--json FILE` write one object."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def rows() -> dict[str, dict]:
    """The rows of all benchmarks: {row: {value, unit, bar, ok}}."""
    found: dict[str, dict] = {}
    for file in sorted(Path(__file__).parent.glob("bench_*.py")):
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        with Console(stderr=True).status(f"{file.stem} …"):
            found |= module.rows()
    return found


def main() -> int:
    """Print the table; 1 where a bar is missed."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--json", type=Path)
    file = asked.parse_args().json
    found = rows()
    table = Table(box=None)
    for title in ("row", "value", "bar", "unit", ""):
        table.add_column(title, justify="right" if title in {"value", "bar"} else "left")
    for name, row in found.items():
        table.add_row(name, f"{row['value']:,.1f}", f"{row['bar']:,}", row["unit"], "ok" if row["ok"] else "MISSED")
    Console().print(table)
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if all(row["ok"] for row in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
