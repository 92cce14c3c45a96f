"""Pushes in a real browser: the switch, the real worker with what was really encrypted, and the page in every state.

Debian's headless chromium reaches no push service. So the browser's keys are the sink's, what arrives there is
decrypted, and its plain text is handed to the real worker as the push service would.
"""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from ingest import push
from ingest.db import transaction
from ingest.models import Channel, Delivery, Person
from ingest.web import render
from tests.browser.test_pages_in_chromium import faults
from tests.ground import wait_for
from tests.ingest.web.web_stage import Sitter, Stage, reread_settings
from tests.workers.sync_stage import send_due
from workers.pushbox import Pushbox, open_pushbox

pytestmark = pytest.mark.browser
# A subscription as the browser would give it, kept for as long as the page's storage lives.
SUBSCRIBING = """
const given = %s;
const held = () => localStorage.getItem('subscribed');
const subscription = {
  endpoint: given.endpoint,
  options: { applicationServerKey: null },
  toJSON: () => given,
  unsubscribe: async () => { localStorage.removeItem('subscribed'); return true; },
};
PushManager.prototype.getSubscription = async () => (held() ? subscription : null);
PushManager.prototype.subscribe = async (options) => {
  localStorage.setItem('subscribed', JSON.stringify(options));
  return subscription;
};
"""
PERMISSION = "Object.defineProperty(Notification, 'permission', { get: () => '%s' });"
COUNTED = "Notification.requestPermission = async () => { window.asked = (window.asked || 0) + 1; return '%s'; };"
COUNTED_WHEN_SHOWN = """() => {
  const show = ServiceWorkerRegistration.prototype.showNotification.bind(registration);
  self.shown = 0;
  registration.showNotification = async (...given) => { await show(...given); self.shown += 1; };
}"""
IPHONE = "delete window.PushManager; delete window.Notification; navigator.standalone = false;"
STATES = {
    "ask": PERMISSION % "default",
    "denied": PERMISSION % "denied",
    "install": IPHONE,
    "unsupported": "delete window.PushManager;",
    "insecure": "Object.defineProperty(window, 'isSecureContext', { get: () => false });",
}


@pytest.fixture
def box(stage: Stage, monkeypatch) -> Iterator[Pushbox]:
    with open_pushbox() as made:
        monkeypatch.setenv("VAGUS_DEMO", "true")
        monkeypatch.setenv("VAGUS_PUSH_SINK", made.origin)
        reread_settings()
        yield made


def open_page(chromium: Browser, stage: Stage, sitter: Sitter, *scripts: str, width=390, scheme="light") -> Page:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.set_default_timeout(30_000)
    context.grant_permissions(["notifications"], origin=stage.url)
    context.add_cookies([{"name": "vagus_session", "value": sitter.cookie, "url": stage.url}])
    for script in scripts:
        context.add_init_script(script)
    return context.new_page()


def go(page: Page, stage: Stage, path="/channels") -> str:
    """Open the page and wait until the card knows its state."""
    page.goto(stage.url + path)
    page.wait_for_selector("#push[data-shown]", state="attached")
    return page.locator("#push").get_attribute("data-shown")


def turn_on(page: Page, stage: Stage) -> None:
    assert go(page, stage) == "ask"
    page.get_by_role("switch").check()
    page.wait_for_url("**/channels?saved=true")
    page.wait_for_selector("#push[data-shown=on]")


def subscribing(box: Pushbox) -> str:
    return SUBSCRIBING % json.dumps(box.browser(push.server_key()).subscription())


def channels() -> list[str]:
    with transaction() as session:
        return list(session.scalars(select(Channel.address).where(Channel.kind == "push").order_by(Channel.id)))


def hand_over(page: Page, plain: str) -> None:
    """Give the worker a push, as the browser does when its push service delivers one, and wait until it is shown.

    Who asks Chromium for its notifications while one is being shown may make it forget that one: 8 of 240 were lost
    on a busy machine. So the worker counts what it has shown, and is asked before the browser is.
    """
    active = "navigator.serviceWorker.ready.then(each => each.active.state === 'activated' && !each.installing)"
    wait_for(lambda: page.evaluate(active))  # what is handed to a worker that is being replaced is lost
    cdp = page.context.new_cdp_session(page)
    registrations = []
    cdp.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    cdp.send("ServiceWorker.enable")
    origin = page.evaluate("location.origin")
    wait_for(lambda: page.evaluate("1") and [each for each in registrations if each["scopeURL"] == f"{origin}/"])
    wait_for(lambda: page.evaluate("1") and page.context.service_workers)
    (own,) = {each["registrationId"] for each in registrations if each["scopeURL"] == f"{origin}/"}
    (worker,) = page.context.service_workers
    worker.evaluate(COUNTED_WHEN_SHOWN)
    told = {"origin": origin, "registrationId": own, "data": plain}
    cdp.send("ServiceWorker.deliverPushMessage", told)
    wait_for(lambda: worker.evaluate("self.shown"))


def notifications(page: Page) -> list[dict]:
    """What stands on the lock screen."""
    return page.evaluate(
        "navigator.serviceWorker.ready.then(each => each.getNotifications()).then(shown => shown.map("
        "({title, body, tag, lang, data}) => ({title, body, tag, lang, data})))"
    )


def test_a_message_goes_from_the_switch_to_the_lock_screen_and_comes_back_as_shown(stage: Stage, box, chromium):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box))
    said = []
    page.on("console", lambda message: said.append(message.text))
    turn_on(page, stage)
    options = json.loads(page.evaluate("localStorage.getItem('subscribed')"))
    assert options == {"userVisibleOnly": True, "applicationServerKey": push.server_key()}
    page.get_by_role("button", name="Test Chrome on Linux").click()
    page.wait_for_url("**/channels?tested=true")
    send_due()
    (taken,) = box.taken
    hand_over(page, taken.plain.decode())
    (shown,) = notifications(page)
    with transaction() as session:
        delivery = session.scalars(select(Delivery)).one()
    assert shown == {
        "title": "Vagus",
        "body": "This is a test. Messages reach you here.",
        "tag": delivery.thread,
        "lang": "en",
        "data": {"url": f"{stage.url}/channels", "receipt": push.receipt_token(delivery.id)},
    }
    wait_for(lambda: noted("shown_at"))
    assert not noted("opened_at")
    (worker,) = page.context.service_workers
    worker.evaluate(
        "self.registration.getNotifications().then(([shown]) => "
        "{ self.dispatchEvent(new NotificationEvent('notificationclick', {notification: shown})); })"
    )
    wait_for(lambda: noted("opened_at"))
    assert notifications(page) == []
    assert "Last message opened" in page.goto(f"{stage.url}/channels").text()
    assert said == [], "our own policy lets all of it pass"


def noted(column: str) -> bool:
    with transaction() as session:
        return session.scalars(select(getattr(Delivery, column))).one() is not None


def test_a_newer_message_of_a_thread_replaces_the_one_that_stands(stage: Stage, box, chromium):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box))
    turn_on(page, stage)
    for body in ("first", "second"):
        told = {"title": "Vagus", "body": body, "navigate": f"{stage.url}/today", "tag": "alert-1"}
        hand_over(page, json.dumps({"web_push": 8030, "notification": told}))
        assert [each["body"] for each in notifications(page)] == [body]


@pytest.mark.parametrize("plain", ["no JSON", "{}", '{"notification": {}}', '{"notification": {"body": "x"}}'])
def test_a_push_that_cannot_be_read_shows_something_all_the_same(stage: Stage, box, chromium, plain):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box))
    turn_on(page, stage)
    hand_over(page, plain)
    assert [(each["title"], each["body"]) for each in notifications(page)] == [("Vagus", "Something changed in Vagus.")]


def test_nothing_asks_for_the_permission_but_the_click_on_the_switch(stage: Stage, box, chromium):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box), PERMISSION % "default", COUNTED % "default")
    assert go(page, stage) == "ask"
    assert page.evaluate("window.asked") is None
    page.get_by_role("switch").click()
    page.wait_for_selector("#push input:not(:checked):enabled")
    assert page.evaluate("window.asked") == 1
    assert channels() == []


def test_turning_it_off_here_forgets_the_browser_on_both_sides(stage: Stage, box, chromium):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box))
    turn_on(page, stage)
    assert len(channels()) == 1
    page.get_by_role("switch").uncheck()
    page.wait_for_url("**/channels?saved=true")
    page.wait_for_selector("#push[data-shown=ask]")
    assert channels() == []
    assert page.evaluate("localStorage.getItem('subscribed')") is None


def test_a_browser_whose_subscription_changed_renews_it_when_a_page_is_opened(stage: Stage, box, chromium):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box))
    turn_on(page, stage)
    (before,) = channels()
    page.add_init_script(subscribing(box))
    assert go(page, stage) == "on"
    (after,) = channels()
    assert after != before


def test_a_browser_that_was_removed_elsewhere_stays_removed(stage: Stage, box, chromium):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box))
    turn_on(page, stage)
    page.get_by_role("button", name="Remove Chrome on Linux").click()
    page.wait_for_url("**/channels?saved=true")
    assert go(page, stage) == "ask"
    assert channels() == []


def test_a_browser_that_its_push_service_gave_up_says_so_and_is_turned_on_again_by_one_click(
    stage: Stage, box, chromium
):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box))
    turn_on(page, stage)
    page.get_by_role("button", name="Test Chrome on Linux").click()
    page.wait_for_url("**/channels?tested=true")
    box.answer = 410
    send_due()
    assert go(page, stage) == "lost"
    assert page.get_by_text("This device stopped receiving.").is_visible()
    page.get_by_role("switch").check()
    page.wait_for_selector("#push[data-shown=on]")
    with transaction() as session:
        assert session.scalars(select(Channel.state).where(Channel.kind == "push")).all() == ["on"]


def test_what_went_wrong_is_said_and_nothing_is_left_behind(stage: Stage, chromium):
    away = SUBSCRIBING % json.dumps({"endpoint": "https://127.0.0.1/1", "keys": {"p256dh": "x", "auth": "x"}})
    page = open_page(chromium, stage, stage.sitter(), away)
    assert go(page, stage) == "ask"
    page.get_by_role("switch").click()
    page.get_by_text("This browser sent keys").wait_for()
    assert page.evaluate("localStorage.getItem('subscribed')") is None
    assert not page.get_by_role("switch").is_checked()


def primed(page: Page) -> None:
    """Let the page carry the card as other pages do: hidden where there is nothing to ask, with `Not now`."""
    spoken = {"person": Person(language="en"), **render._languages("channels.html", "en")}
    card = render._templates().get_template("push_card.html").render(spoken, prime=True)

    def answer(route):
        given = route.fetch()
        own = re.sub(
            r'<section class="card stack" id="push".*?</section>', lambda _: card, given.text(), flags=re.DOTALL
        )
        route.fulfill(response=given, body=own)

    page.route("**/channels", answer)


def test_not_now_hides_the_offer_for_thirty_days(stage: Stage, box, chromium):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box), COUNTED % "granted")
    primed(page)
    go(page, stage)
    page.get_by_role("button", name="Not now").click()
    assert page.locator("#push").is_hidden()
    for days, hidden in ((0, True), (29, True), (31, False)):
        page.evaluate(f"localStorage.setItem('vagus-push-later', Date.now() - {days} * 86400000)")
        go(page, stage)
        assert page.locator("#push").is_hidden() == hidden, days
    assert page.evaluate("window.asked") is None
    assert faults(page) == []


def test_an_offer_that_is_taken_is_thanked_for_in_place_and_not_made_again(stage: Stage, box, chromium):
    page = open_page(chromium, stage, stage.sitter(), subscribing(box))
    primed(page)
    go(page, stage)
    page.get_by_role("switch").check()
    page.get_by_text("we will also tell you on this device").wait_for()
    assert len(channels()) == 1
    assert go(page, stage) == "on"
    assert page.locator("#push").is_hidden()


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_the_page_is_accessible_and_says_what_to_do(stage: Stage, chromium, state):
    scheme = ("light", "dark")[list(STATES).index(state) % 2]  # by turns: no state has a colour of its own
    page = open_page(chromium, stage, stage.sitter(), STATES[state], width=320, scheme=scheme)
    assert go(page, stage) == state
    parts = page.locator("#push [data-state]").all()
    shown = [part for part in parts if part.is_visible()]
    assert shown == [part for part in parts if state in part.get_attribute("data-state").split()]
    assert shown
    assert faults(page) == []
