"""The stage that page tests and browser tests share."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from web_stage import stage  # noqa: E402

__all__ = ["stage"]
