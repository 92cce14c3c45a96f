"""A simulated Oura. Facts of the vendor are those its documentation and independent integrations agree on."""

from providers.simulator.life import Life
from providers.simulator.oura.cloud import Account
from providers.simulator.oura.grants import App
from providers.simulator.oura.service import Oura

__all__ = ["Account", "App", "Life", "Oura"]
