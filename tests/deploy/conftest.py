"""Scripts and whole processes are started here: they run untraced, as what they run is counted elsewhere."""

from tests.faults.conftest import untraced

__all__ = ["untraced"]
