"""The whole way in a real browser on the whole stack: a newcomer connects a ring, watches, reads today, is told."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ingest.settings import settings
from tests.ground import clear_caches
from workers import demo, demo_story
from workers.supervision.home import empty
from workers.terminal import Steps

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = {"width": 390, "height": 844}
expect.set_options(timeout=30_000)  # a whole stack works beside, and other tests


@pytest.fixture(scope="module")
def entrance() -> Iterator[str]:
    """The demo's servers with its person, her ring and her phone, before she connects; where she signs in."""
    folder, kept = Path(tempfile.mkdtemp(prefix="vagus-newcomer-")), dict(os.environ)
    os.environ |= {"VAGUS_HOME": str(folder), "VAGUS_PORT": "0", "NO_COLOR": "1"}
    clear_caches()
    try:
        with demo.servers(Steps()) as state:
            _, token = demo_story.prepare(state.address)
            yield f"{state.address}/demo/{token}"
    finally:
        clear_caches()
        os.environ.clear()
        os.environ.update(kept)
        clear_caches()
        empty(folder / "demo")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def page(chromium, entrance: str) -> Iterator[Page]:
    context = chromium.new_context(viewport=PHONE)
    context.set_default_timeout(30_000)
    opened = context.new_page()
    opened.goto(entrance)
    yield opened
    context.close()


def press_to(page: Page, name: str) -> None:
    """Go to a button or link of this name by Tab alone, and press Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent + (document.activeElement.value || '')")
        if name in focused:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"{name} cannot be reached by keyboard")


def test_a_newcomer_connects_with_the_keyboard_alone_and_watches_the_past_come_in(page: Page, entrance: str) -> None:
    page.goto(entrance.replace("/demo/", "/connect?from="))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    press_to(page, "Connect")
    page.wait_for_url("**/oura/oauth/authorize**")
    press_to(page, "Allow")
    page.wait_for_url("**/connections/*")
    expect(page.get_by_role("heading", name="nights read")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("Your usual range")).to_be_visible()
    assert re.search(r"11\d nights read", page.inner_text("main")), "120 nights, of which some were not worn"


def test_last_night_comes_by_the_vendor_s_notice_and_today_says_what_is_so(page: Page) -> None:
    demo_story.open_phone()
    pushes = settings().home / "pushbox"
    demo_story.wait_until_told(json.loads((settings().home / "demo.json").read_text())["person"])
    assert len(list(pushes.glob("0*.json"))) == len(list((settings().home / "mailbox").glob("*.eml"))) == 1
    page.goto(page.url.partition("/connections")[0] + "/today")
    expect(page.get_by_role("heading", name="Strain")).to_be_visible()
    page.get_by_role("link", name="Why we wrote to you").click()
    page.wait_for_url("**/alerts/*")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_what_the_phone_shows_was_encrypted_for_it_and_says_nothing_of_health(page: Page) -> None:
    (shown,) = [json.loads(file.read_text()) for file in (settings().home / "pushbox").glob("0*.json")]
    notification = shown["notification"]
    said = f"{notification['title']} {notification['body']}"
    assert shown["web_push"] == 8030
    assert not any(character.isdigit() for character in said)
    assert not any(word in said.lower() for word in ("strain", "hrv", "heart"))
    page.goto(notification["navigate"])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert "Strained" in page.inner_text("main")
