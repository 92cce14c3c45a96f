"""Whole stacks are started again and again here: they run untraced, as what they run is counted elsewhere."""

from collections.abc import Iterator

import pytest

TRACED = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")


@pytest.fixture(scope="module", autouse=True)
def untraced() -> Iterator[None]:
    """Processes that these tests start are not measured; that costs them half of their time."""
    with pytest.MonkeyPatch.context() as patch:
        for name in TRACED:
            patch.delenv(name, raising=False)
        yield
