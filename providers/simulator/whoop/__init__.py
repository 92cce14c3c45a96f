"""A simulated WHOOP. Facts of the vendor are those its documentation and independent integrations agree on."""

from providers.simulator.whoop.cloud import Account
from providers.simulator.whoop.documents import Strap
from providers.simulator.whoop.grants import App
from providers.simulator.whoop.service import Whoop

__all__ = ["Account", "App", "Strap", "Whoop"]
