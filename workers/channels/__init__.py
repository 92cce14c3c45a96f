"""The ways to reach a person. A channel is one function: it sends a message, or says why not.

It raises DeliveryFailed, whose `permanent` means that this address will never take one; Unavailable while the other
side cannot be reached; RateLimited where it says when to come back; ContractBroken where it refuses what we sent.
"""

from collections.abc import Mapping

from workers.channels import email, webpush
from workers.channels.message import Message, Send

__all__ = ["CHANNELS", "Message", "Send"]

CHANNELS: Mapping[str, Send] = {"mail": email.send, "push": webpush.send}
