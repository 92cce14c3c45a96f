"""What each vendor is, and what its files mean: declarations and pure functions, no I/O and no clock."""

from providers.base import Provider
from providers.errors import Misconfigured
from providers.oura import OURA
from providers.whoop import WHOOP

PROVIDERS: tuple[Provider, ...] = (OURA, WHOOP)


def get(name: str) -> Provider:
    """The vendor of this name. Raises Misconfigured, naming those there are."""
    for provider in PROVIDERS:
        if provider.name == name:
            return provider
    known = ", ".join(provider.name for provider in PROVIDERS)
    raise Misconfigured(f"there is no vendor {name}: Vagus knows {known}")
