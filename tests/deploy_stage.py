"""Where promtool is; without it the tests that need it say in one line how to get it."""

import os
import shutil

import pytest

PROMTOOL = shutil.which("promtool") or "promtool"
needs_promtool = pytest.mark.skipif(
    os.environ.get("WITHOUT_PROMTOOL") == "1" and not shutil.which("promtool"), reason="WITHOUT_PROMTOOL=1"
)
