"""Errors carry what the next step needs."""

from providers.errors import DeliveryFailed, RateLimited


def test_a_used_up_budget_says_when_to_come_back():
    assert RateLimited("ask again in a minute", retry_after=60).retry_after == 60


def test_a_failed_delivery_says_whether_its_channel_is_gone():
    assert DeliveryFailed("no such mailbox", permanent=True).permanent
