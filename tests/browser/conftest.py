"""The stage that page tests and browser tests share."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "ingest" / "web"))

from web_stage import stage

__all__ = ["stage"]
