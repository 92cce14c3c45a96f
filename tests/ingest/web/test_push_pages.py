"""The page of channels, subscribing a browser, receipts without a session, and what the worker is made of."""

import json
import re

import pytest
from sqlalchemy import select, update

from ingest import push
from ingest.db import transaction
from ingest.models import Channel, Delivery
from ingest.web.push_pages import name_of
from tests.ingest.web.web_stage import Stage, reread_settings
from workers.kinds import KINDS
from workers.pushbox import open_pushbox

PIXEL = (
    "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Mobile Safari/537.36"
)


@pytest.fixture
def box(stage, monkeypatch):
    with open_pushbox() as made:
        monkeypatch.setenv("VAGUS_DEMO", "true")
        monkeypatch.setenv("VAGUS_PUSH_SINK", made.origin)
        reread_settings()
        yield made


def subscribe(sitter, browser, **more):
    return sitter.client.post("/push/subscribe", json=browser.subscription() | more, headers={"user-agent": PIXEL})


def channels_of(sitter, kind="push"):
    with transaction() as session:
        own = select(Channel).where(Channel.person == sitter.id, Channel.kind == kind).order_by(Channel.id)
        return session.scalars(own).all()


def deliveries_of(sitter):
    with transaction() as session:
        return session.scalars(select(Delivery).where(Delivery.person == sitter.id).order_by(Delivery.id)).all()


def test_a_browser_subscribes_and_stands_on_the_page_by_a_name_and_never_by_its_endpoint(stage: Stage, box):
    sitter = stage.sitter()
    browser = box.browser(push.server_key())
    assert subscribe(sitter, browser).status_code == 204
    page = sitter.client.get("/channels").text
    assert "Chrome on Android" in page
    assert browser.endpoint not in page
    state = sitter.client.get("/push/state").json()
    assert state == {"key": push.server_key(), "held": {push.endpoint_hash(browser.endpoint): "on"}}


def test_an_endpoint_inside_our_network_is_refused_with_a_sentence(stage: Stage, box):
    sitter = stage.sitter()
    given = box.browser(push.server_key()).subscription()
    for endpoint in ("https://127.0.0.1/1", "https://localhost:6379/", "http://169.254.169.254/latest", "file:///etc"):
        answer = sitter.client.post("/push/subscribe", json=given | {"endpoint": endpoint})
        assert answer.status_code == 422, endpoint
        assert answer.json()["error"]
    assert channels_of(sitter) == []


def test_a_browser_that_was_removed_hears_that_and_is_not_added_again(stage: Stage, box):
    sitter = stage.sitter()
    browser = box.browser(push.server_key())
    subscribe(sitter, browser)
    (channel,) = channels_of(sitter)
    assert sitter.client.post(f"/channels/{channel.id}/remove").status_code == 303
    again = subscribe(sitter, browser, quiet=True, replaces=push.endpoint_hash(browser.endpoint))
    assert (again.status_code, channels_of(sitter)) == (409, [])


def test_a_browser_turned_off_is_forgotten(stage: Stage, box):
    sitter = stage.sitter()
    browser = box.browser(push.server_key())
    subscribe(sitter, browser)
    assert sitter.client.post("/push/unsubscribe", json={"endpoint": browser.endpoint}).status_code == 204
    assert channels_of(sitter) == []


@pytest.mark.parametrize("path", ["/push/subscribe", "/push/unsubscribe", "/push/shown", "/push/opened"])
def test_no_other_site_subscribes_a_browser_or_says_what_was_seen(stage: Stage, path):
    sitter = stage.sitter()
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert sitter.client.post(path, json={}, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/push/subscribe", "/push/unsubscribe", "/channels/1/test", "/channels/1/remove"])
def test_who_is_not_signed_in_changes_no_channel(stage: Stage, path):
    answer = stage.client().post(path, json={})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert stage.client().get("/push/state").status_code == 303


def test_the_channels_of_others_can_neither_be_tested_nor_removed(stage: Stage, box):
    own, other = stage.sitter(), stage.sitter("other@example.org")
    subscribe(own, box.browser(push.server_key()))
    (channel,) = channels_of(own)
    for path in ("test", "remove"):
        assert other.client.post(f"/channels/{channel.id}/{path}").status_code == 404
    for number in ("0", "-1", str(2**70)):
        assert own.client.post(f"/channels/{number}/test").status_code == 404
    assert len(channels_of(own)) == 1
    assert deliveries_of(own) == []


def test_mail_stays_listed(stage: Stage):
    sitter = stage.sitter()
    (mail,) = channels_of(sitter, "mail")
    assert sitter.client.post(f"/channels/{mail.id}/remove").status_code == 404


def test_a_test_message_goes_to_one_channel_and_the_second_within_a_minute_is_refused(stage: Stage, box):
    sitter = stage.sitter()
    subscribe(sitter, box.browser(push.server_key()))
    (mail,), (phone,) = channels_of(sitter, "mail"), channels_of(sitter)
    for channel in (mail, phone):
        answer = sitter.client.post(f"/channels/{channel.id}/test")
        assert (answer.status_code, answer.headers["location"]) == (303, "/channels?tested=true")
    again = sitter.client.post(f"/channels/{phone.id}/test")
    assert again.status_code == 422
    assert "One test a minute is enough" in again.text
    assert [(each.channel, each.kind, each.status) for each in deliveries_of(sitter)] == [
        (mail.id, "test", "waiting"),
        (phone.id, "test", "waiting"),
    ]


@pytest.mark.parametrize(
    ("became", "said"),
    [
        ({"status": "sent"}, "Last message sent 22 Nov"),
        ({"status": "sent", "shown_at": "2026-11-22T05:49Z"}, "Last message shown 22 Nov"),
        (
            {"status": "sent", "shown_at": "2026-11-22T05:49Z", "opened_at": "2026-11-22T05:50Z"},
            "Last message opened 22 Nov",
        ),
        ({"status": "failed", "error": "the mail server refuses"}, "05:48: the mail server refuses"),
        ({"status": "waiting", "error": "no mail server set"}, "A message waits since 22 Nov, 05:48: no mail server"),
    ],
)
def test_the_page_says_what_became_of_the_last_message(stage: Stage, became, said):
    sitter = stage.sitter()
    (mail,) = channels_of(sitter, "mail")
    sitter.client.post(f"/channels/{mail.id}/test")
    with transaction() as session:
        session.execute(update(Delivery).values(became))
    assert said in re.sub(r"</?span[^>]*>", "", sitter.client.get("/channels").text)


def test_a_receipt_needs_no_session_and_a_forged_one_does_nothing(stage: Stage):
    sitter = stage.sitter()
    (mail,) = channels_of(sitter, "mail")
    sitter.client.post(f"/channels/{mail.id}/test")
    (delivery,) = deliveries_of(sitter)
    stranger, token = stage.client(), push.receipt_token(delivery.id)
    assert stranger.post("/push/shown", json={"receipt": token[:-1] + "!"}).status_code == 404
    assert stranger.post("/push/opened", json={"receipt": "x" * 65}).status_code == 422
    assert deliveries_of(sitter)[0].shown_at is None
    assert stranger.post("/push/shown", json={"receipt": token}).status_code == 204
    assert deliveries_of(sitter)[0].shown_at is not None
    assert deliveries_of(sitter)[0].opened_at is None
    assert stranger.post("/push/opened", json={"receipt": token}).status_code == 204
    assert deliveries_of(sitter)[0].opened_at is not None


def test_worker_and_script_are_asked_for_again_each_time_and_the_worker_rules_over_every_page(stage: Stage):
    worker, script = stage.client().get("/sw.js"), stage.client().get("/push.js")
    assert worker.headers["service-worker-allowed"] == "/"
    for answer in (worker, script):
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "no-cache"
        assert "connect-src 'self'" in answer.headers["content-security-policy"]
    assert script.text.count("requestPermission") == 1, "only a click asks"
    assert "requestPermission" not in worker.text


def test_the_policy_lets_our_own_scripts_run_and_nothing_else(stage: Stage):
    policy = stage.client().get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for part in ("script-src", "worker-src", "connect-src", "manifest-src"):
        assert f"{part} 'self';" in policy
    for page in ("/channels", "/today"):
        assert not re.search(r"<script(?![^>]* src=)|\son[a-z]+=", stage.sitter().client.get(page).text)


def test_the_manifest_makes_an_app_of_the_pages_and_its_icons_are_there(stage: Stage):
    answer = stage.client().get("/manifest.webmanifest")
    assert answer.headers["content-type"].startswith("application/manifest+json")
    content = json.loads(answer.text)
    assert (content["display"], content["start_url"], content["scope"], content["id"]) == (
        "standalone",
        "/today",
        "/",
        "/",
    )
    sizes = {icon["sizes"]: icon["src"] for icon in content["icons"]}
    assert set(sizes) == {"192x192", "512x512"}
    for address in (*sizes.values(), "/static/apple-touch-icon.png"):
        assert stage.client().get(address).content[:4] == b"\x89PNG"


def test_the_page_says_why_before_anything_is_asked_and_shows_the_very_words_of_the_lock_screen(stage: Stage):
    page = stage.sitter().client.get("/channels").text
    assert KINDS["strained"].lock_screen["en"] in page
    assert page.index("about twice a year") < page.index('role="switch"')
    assert "<noscript>" in page


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (PIXEL, "Chrome on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) Version/26.1 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/26.1 Safari/605.1.15", "Safari on Mac"),
        ("curl/8", "Browser"),
        ("", "Browser"),
    ],
)
def test_a_browser_is_called_what_its_person_calls_it(agent, name):
    assert name_of(agent) == name


@pytest.fixture
def demo(home, monkeypatch):
    """The demo's own pages, and what its phone showed."""
    monkeypatch.setenv("VAGUS_DEMO", "true")
    (home / "pushbox").mkdir()
    for number, body in ((1, "the first"), (2, "the second")):
        told = {"title": "Vagus", "body": body, "navigate": "https://vagus.example.net/today", "tag": "alert-1"}
        (home / "pushbox" / f"{number:06d}.json").write_text(json.dumps({"notification": told}))


def test_the_demo_shows_what_the_made_up_phone_showed_beside_the_mail(demo, stage: Stage):
    page = stage.client().get("/demo/mail").text
    assert page.index("the second") < page.index("the first")
