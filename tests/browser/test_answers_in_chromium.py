"""Check-in, the quiet question and the tests of a minute in a real browser: by keyboard, by finger, readable by all.

The browser's clock is set for the tests, so a minute of pressing takes no minute here.
"""

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from ingest import push, questions, store
from ingest.db import transaction
from ingest.models import Channel, CheckIn, Delivery, DriveTest, Question, Tag
from tests.browser.test_pages_in_chromium import faults, press_to
from tests.ground import wait_for
from tests.ingest.questions_stage import TODAY, asked, leaning
from tests.ingest.web.web_stage import Sitter, Stage

pytestmark = pytest.mark.browser
LOOKS = ((320, "dark"), (390, "light"))
SECOND = 1000


def open_page(chromium: Browser, stage: Stage, sitter: Sitter | None, width=390, scheme="light", **options) -> Page:
    viewport = {"width": width, "height": 844}
    context = chromium.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=True, **options)
    context.set_default_timeout(30_000)
    if sitter:
        context.add_cookies([{"name": "vagus_session", "value": sitter.cookie, "url": stage.url}])
    return context.new_page()


def asked_person(stage: Stage) -> tuple[Sitter, int]:
    sitter = stage.sitter()
    with transaction() as session:
        store.save_readiness(session, sitter.id, leaning(), "balanced")
        return sitter, asked(session, sitter.id).id


def own_tags() -> set[str]:
    with transaction() as session:
        return set(session.scalars(select(Tag.name).where(Tag.present)))


def kept() -> list[DriveTest]:
    with transaction() as session:
        return list(session.scalars(select(DriveTest).order_by(DriveTest.id)))


def test_every_page_is_accessible_on_the_smallest_phone_and_in_the_dark(stage: Stage, chromium):
    sitter, question = asked_person(stage)
    sitter.client.post("/check-in", data={"day": TODAY, "feeling": "heavy", "signs": ["grip"], "drinks": 2, "rpe": 10})
    for value in (250, 255, 260, 255, 330):
        sitter.client.post("/drive-tests/reaction", data={"times": ",".join([str(value)] * 9)})
    for width, scheme in LOOKS:
        page = open_page(chromium, stage, sitter, width, scheme)
        sitter.client.post(f"/questions/{question}", data={"said": "undo"})
        for path in ("/check-in?saved=true", "/drive-tests/reaction?done=true&too_soon=1", "/drive-tests/tapping"):
            page.goto(stage.url + path)
            assert faults(page) == [], (path, width)
        for path in (f"/questions/{question}", "/today", f"/q/{questions.token(question)}"):
            page.goto(stage.url + path)
            assert faults(page) == [], (path, width)
        page.goto(f"{stage.url}/questions/{question}")
        page.get_by_role("button", name="Drinks").click()
        page.wait_for_selector("text=Which nights had drinks?")
        assert faults(page) == [], ("answered", width)


def test_a_check_in_is_done_by_keyboard(stage: Stage, chromium):
    page = open_page(chromium, stage, stage.sitter())
    page.goto(f"{stage.url}/check-in")
    press_to(page, "Great")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    press_to(page, "Grip or bar control off")
    assert page.evaluate("getComputedStyle(document.activeElement.nextElementSibling).outlineWidth") == "3px"
    page.keyboard.press("Space")
    press_to(page, "Save")
    page.keyboard.press("Enter")
    page.wait_for_url("**saved=true")
    with transaction() as session:
        assert session.scalars(select(CheckIn.answers)).one() == {"feeling": "heavy", "signs": ["grip"]}


def test_every_button_of_a_check_in_is_big_enough_for_a_thumb(stage: Stage, chromium):
    page = open_page(chromium, stage, stage.sitter(), 320)
    page.goto(f"{stage.url}/check-in")
    sizes = page.evaluate(
        "[...document.querySelectorAll('.check-in label, .check-in button')].map(each => each.getBoundingClientRect())"
        ".map(({width, height}) => [width, height])"
    )
    assert len(sizes) > 25
    assert all(width >= 36 and height >= 44 for width, height in sizes)


def test_a_question_on_today_is_answered_by_one_key_and_taken_back_by_another(stage: Stage, chromium):
    sitter, question = asked_person(stage)
    page = open_page(chromium, stage, sitter)
    page.goto(f"{stage.url}/today")
    press_to(page, "Unwell")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/questions/{question}")
    assert own_tags() == {"ill"}
    press_to(page, "Undo")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Unusual nights lately?")
    assert own_tags() == set()


def start(page: Page, stage: Stage, kind: str) -> None:
    """Open a test with the browser's clock in our hands, and begin it by keyboard."""
    page.clock.install()
    page.goto(f"{stage.url}/drive-tests/{kind}")
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    press_to(page, "Start")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.pad") == "", "the pad has the focus"


def test_reactions_are_measured_by_keyboard_and_too_soon_is_told(stage: Stage, chromium):
    page = open_page(chromium, stage, stage.sitter(), reduced_motion="reduce")
    page.add_init_script("Math.random = () => 0.25;")  # four seconds before each mark
    start(page, stage, "reaction")
    page.keyboard.press("Space")
    assert page.locator("[data-said]").inner_text() == "Too soon"
    page.clock.run_for(1200)
    for _ in range(13):  # so many marks find room in a minute
        page.clock.run_for(4016)
        assert page.locator("[data-pad].marked").count() == 1
        page.clock.run_for(240)
        page.keyboard.press("Space")
    page.clock.run_for(10 * SECOND)
    page.wait_for_url("**done=true**")
    (test,) = kept()
    assert 220 <= test.value <= 300
    assert test.trials == 13
    assert "Too soon: 1." in page.locator("main").inner_text()


def test_a_finger_taps_and_a_key_held_down_is_one_tap(stage: Stage, chromium):
    page = open_page(chromium, stage, stage.sitter(), has_touch=True)
    start(page, stage, "tapping")
    page.keyboard.down("Space")
    page.keyboard.down("Space")
    page.keyboard.up("Space")
    pad = page.locator("[data-pad]")
    for _ in range(45):
        page.clock.run_for(500)
        pad.dispatch_event("pointerdown")
    assert page.locator("[data-left]").inner_text() == "8 s left"
    page.clock.run_for(10 * SECOND)
    page.wait_for_url("**done=true")
    (test,) = kept()
    assert (test.trials, test.value) == (45, 1.5)


def test_stopping_keeps_nothing_and_leads_back_to_the_start(stage: Stage, chromium):
    page = open_page(chromium, stage, stage.sitter())
    start(page, stage, "tapping")
    for _ in range(46):
        page.locator("[data-pad]").dispatch_event("pointerdown")
        page.clock.run_for(500)
    press_to(page, "Stop, and keep nothing")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.start") == ""
    page.clock.run_for(60 * SECOND)
    assert "Your rate" not in page.goto(f"{stage.url}/drive-tests/tapping").text()
    assert kept() == []


def test_nothing_moves_or_flashes_while_a_test_runs(stage: Stage, chromium):
    page = open_page(chromium, stage, stage.sitter())
    start(page, stage, "reaction")
    moving = "document.getAnimations().length + [...document.querySelectorAll('*')].filter(each => "
    moving += "parseFloat(getComputedStyle(each).transitionDuration) > 0).length"
    assert page.evaluate(moving) == 0


WORKER = """
async ({ payload, action }) => {
  const data = { json: () => payload };
  const shown = [];
  ServiceWorkerRegistration.prototype.showNotification = async (title, options) => shown.push({ title, ...options });
  await show(data);
  const [first] = shown;
  const opened = [];
  self.clients.openWindow = async (url) => opened.push(url);
  const notification = { ...first, close() {} };
  await tapped({ notification, action });
  return { actions: first.actions, last: shown.at(-1), opened };
}
"""


def in_worker(page: Page, stage: Stage, payload: dict, action: str) -> dict:
    """Show a push in the real worker and press one of its buttons."""
    page.goto(f"{stage.url}/channels")
    page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)")
    wait_for(lambda: page.evaluate("navigator.serviceWorker.ready.then(each => each.active.state === 'activated')"))
    wait_for(lambda: page.evaluate("1") and page.context.service_workers)
    return page.context.service_workers[0].evaluate(WORKER, {"payload": {"notification": payload}, "action": action})


def pushed(person: int, question: int) -> dict:
    """What the browser is sent about this question."""
    with transaction() as session:
        channel = session.scalars(select(Channel.id).where(Channel.person == person)).one()
        at = session.get_one(Question, question).asked_at
        told = Delivery(person=person, channel=channel, kind="question", subject=question, key="question:1")
        told.thread, told.not_before, told.created_at, told.status = f"question-{question}", at, at, "sent"
        session.add(told)
        session.flush()
        receipt = push.receipt_token(told.id)
    return {
        "title": "Vagus",
        "body": "Anything unusual about your nights lately?",
        "navigate": f"/questions/{question}",
        "tag": f"question-{question}",
        "lang": "de",
        "data": {"receipt": receipt},
    }


def test_a_button_on_a_push_answers_without_opening_a_page(stage: Stage, chromium):
    sitter, question = asked_person(stage)
    page = open_page(chromium, stage, sitter)
    seen = in_worker(page, stage, pushed(sitter.id, question), "ill")
    assert [each["action"] for each in seen["actions"]][:2] == ["none", "alcohol"]
    assert seen["actions"][0]["title"] == "Nichts Ungewöhnliches"
    assert seen["last"]["body"].startswith("Notiert, danke.")
    assert not any(each.isdigit() for each in seen["last"]["body"])
    assert seen["opened"] == []
    assert own_tags() == {"ill"}


def test_a_button_that_comes_too_late_opens_the_page_that_says_so(stage: Stage, chromium):
    sitter, question = asked_person(stage)
    payload = pushed(sitter.id, question)
    with transaction() as session:
        store.save_readiness(session, sitter.id, leaning(state="normal"), "balanced")
    seen = in_worker(open_page(chromium, stage, sitter), stage, payload, "ill")
    assert seen["opened"] == [f"{stage.url}/questions/{question}"]
    assert own_tags() == set()


def test_the_brief_on_a_phone_leads_to_the_check_in_by_a_button(stage: Stage, chromium):
    payload = {"title": "Vagus", "body": "Good morning.", "navigate": "/today", "tag": f"brief-{TODAY}", "lang": "en"}
    seen = in_worker(open_page(chromium, stage, stage.sitter()), stage, payload, "check-in")
    assert seen["actions"] == [{"action": "check-in", "title": "Check in"}]
    assert seen["opened"] == [f"{stage.url}/check-in"]
