"""What every vendor that notifies promises of its notices; fixtures/<vendor>/webhook.json holds genuine ones, invented.

Forgeries are made from them. docs/adding-a-provider.md says what the file holds.
"""

import json
import re

import pytest

from providers import PROVIDERS
from providers.errors import ContractBroken
from tests.providers.pages import hook_file

HEX = re.compile(r"[0-9a-fA-F]+").fullmatch
CHANGED_BODIES = (lambda body: body + b" ", lambda body: body.replace(b"u", b"v", 1), lambda _: b"", lambda _: b"{}")

hooked = pytest.mark.parametrize("provider", [p for p in PROVIDERS if p.webhook], ids=lambda provider: provider.name)


def deliveries(provider):
    file = hook_file(provider)
    assert file.exists(), (
        f"write {file.parent.name}/{file.name}: signed notices with an invented secret, see docs/adding-a-provider.md"
    )
    return json.loads(file.read_text())


@hooked
def test_a_genuine_notice_passes_whatever_the_case_of_a_signature_in_hex(provider):
    given = deliveries(provider)
    for one in given["deliveries"]:
        for change in (str, str.lower):
            headers = {name: change(value) if HEX(value) else value for name, value in one["headers"].items()}
            assert provider.webhook.verify(headers, one["body"].encode(), given["secret"])


@hooked
@pytest.mark.parametrize("change", CHANGED_BODIES)
def test_a_changed_body_is_refused(provider, change):
    given = deliveries(provider)
    if not provider.webhook.signed:
        return
    one = given["deliveries"][0]
    changed = change(one["body"].encode())
    if changed.strip() != one["body"].encode():
        assert not provider.webhook.verify(one["headers"], changed, given["secret"])


@hooked
def test_another_secret_a_missing_header_and_nonsense_are_refused(provider):
    given = deliveries(provider)
    if not provider.webhook.signed:
        return
    one = given["deliveries"][0]
    body = one["body"].encode()
    assert not provider.webhook.verify(one["headers"], body, "another secret")
    assert not provider.webhook.verify(one["headers"], body, "")
    for name in one["headers"]:
        without = {other: value for other, value in one["headers"].items() if other != name}
        assert not provider.webhook.verify(without, body, given["secret"])
        for nonsense in ("", "0", "ünsinn\udcff", "A" * 10_000):
            assert not provider.webhook.verify({**one["headers"], name: nonsense}, body, given["secret"])
    for hostile in (b"[" * 60_000, b"\xff", b"{"):
        assert not provider.webhook.verify(one["headers"], hostile, given["secret"])


@hooked
def test_a_notice_hints_at_streams_that_there_are(provider):
    given = deliveries(provider)
    names = {stream.name for stream in provider.streams}
    for one in given["deliveries"]:
        (hint,) = provider.webhook.hints(one["body"].encode())
        assert hint.vendor_user == given["user"]
        assert list(hint.streams) == one["streams"]
        assert set(hint.streams) <= names
        assert {gone.stream for gone in hint.gone} <= set(hint.streams), "what is gone is asked for, to make sure"


@hooked
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html>", b"\xff", b"[" * 60_000, b'{"user_id": {}}'])
def test_a_notice_that_is_not_as_documented_is_told_to_an_operator(provider, body):
    with pytest.raises(ContractBroken):
        provider.webhook.hints(body)


@hooked
def test_a_notice_is_answered_with_a_success_and_never_with_410(provider):
    assert provider.webhook.ack_status in range(200, 300)


@hooked
def test_the_vendor_s_proof_question_is_answered_only_with_our_token(provider):
    webhook, asked = provider.webhook, deliveries(provider).get("handshake")
    if webhook.handshake is None:
        return
    answer = webhook.handshake(asked["query"], asked["token"])
    assert answer.status == 200
    assert json.loads(answer.body) == asked["answer"]
    for query, token in ((asked["query"], "another"), (asked["query"], ""), ({}, asked["token"]), ({}, "")):
        assert webhook.handshake(query, token) is None
    blank = dict.fromkeys(asked["query"], "")
    assert webhook.handshake(blank, "") is None
    assert webhook.handshake(dict.fromkeys(asked["query"], "ü"), asked["token"]) is None


@hooked
def test_subscriptions_are_ordered_listed_renewed_and_ended(provider):
    if (ordering := provider.webhook.subscribing) is None:
        return
    assert len(set(ordering.topics)) == len(ordering.topics)
    callback = "https://vagus.example/hooks/x"
    orders = [ordering.create(topic, callback, "a token") for topic in ordering.topics]
    assert len({json.dumps(dict(order.json or order.form), sort_keys=True) for order in orders}) == len(ordering.topics)
    listed = ordering.read(json.dumps(deliveries(provider)["subscriptions"]).encode())
    assert {one.topic for one in listed} <= set(ordering.topics)
    assert all(one.expires_at is None or one.expires_at.utcoffset() is not None for one in listed)
    assert ordering.read(json.dumps(deliveries(provider)["subscriptions"][0]).encode()) == listed[:1]
    for request in (ordering.listed, *orders, ordering.renew("a/../b"), ordering.cancel("a/../b")):
        assert request.url.startswith(("/", "https://"))
        assert "/../" not in request.url
    assert "a secret" in ordering.credentials("an id", "a secret").values()
    for nonsense in (b"", b"{}", b"[{}]", b"<html>"):
        with pytest.raises(ContractBroken):
            ordering.read(nonsense)
