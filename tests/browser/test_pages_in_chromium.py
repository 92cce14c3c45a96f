"""The pages in a real browser: readable by everybody, by keyboard alone, on the smallest phone, in light and dark."""

import json
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from ingest import clock
from ingest.db import transaction
from ingest.models import Run
from tests.ingest.web.web_stage import TODAY, Sitter, Stage, mailed_digits, nights

pytestmark = pytest.mark.browser
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],  # what is well is not described: nobody reads it
}
LOOKS = ((320, "light"), (1280, "dark"))  # the narrow layout and the wide one, each in one of the two palettes
COLOURED = {"as usual", "leaning", "strained", "other signs", "easing", "waiting"}  # a design for each colour
STORIES = {
    "learning": {"count": 9},
    "early days": {"count": 30},
    "as usual": {},
    "leaning": {"strained": 5, "seed": 11},
    "strained": {"strained": 10},
    "other signs": {"strained": 5, "ill": True},
    "easing": {"strained": 12, "eased": 3},
    "waiting": {"missing": (0,)},
    "silent": {"missing": (0, 1, 2)},
    "too few": {"missing": tuple(range(2, 16))},
}


def open_page(chromium: Browser, stage: Stage, sitter: Sitter | None, width: int, scheme: str) -> Page:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    context.set_default_timeout(30_000)
    if sitter:
        context.add_cookies([{"name": "vagus_session", "value": sitter.cookie, "url": stage.url}])
    return context.new_page()


def turn(page: Page, width: int, scheme: str) -> Page:
    """Give the page the other look; what is opened next is laid out for it, without another browser's start."""
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    return page


def faults(page: Page) -> list[str]:
    """What axe finds on the page, and a page that is wider than its window."""
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.evaluate(AXE)
    found = page.evaluate(f"axe.run(document, {json.dumps(RULES)}).then(result => result.violations)")
    told = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [*told, *([f"{wide} wide in {window}"] if wide > window else [])]


def every_path(sitter: Sitter) -> list[str]:
    """The pages of a person, an import at work, done, and refused among them."""
    runs = [
        Run(state="running", done=400_000, total=900_000, summary={"file": "my_whoop_data.zip"}),
        Run(
            state="partial",
            done=9,
            total=9,
            rejected=3,
            summary={"nights": 9, "first_day": "2026-11-01", "last_day": "2026-11-09"},
        ),
        Run(state="cancelled", error="photos.zip: no such table in it"),
    ]
    with transaction() as session:
        for run in runs:
            run.person, run.kind, run.created_at = sitter.id, "import", clock.now()
            session.add(run)
        session.flush()
        imports = [f"/import/{run.id}?still=true" for run in runs]
    alert = f"/alerts/{sitter.alert}"
    return ["/today", "/history?span=1y", "/import", *imports, "/channels?saved=true", "/data", alert, "/nope"]


def test_every_page_is_accessible(stage: Stage, chromium):
    sitter = stage.sitter(given=nights(strained=10), told=True)
    sitter.client.post("/tags", data={"cause": "ill", "first": "2026-11-16", "last": "2026-11-18"})
    paths = every_path(sitter)
    page, stranger = (open_page(chromium, stage, who, *LOOKS[0]) for who in (sitter, None))
    for width, scheme in LOOKS:
        turn(page, width, scheme)
        for path in paths:
            page.goto(stage.url + path)
            assert faults(page) == [], (path, width)
        turn(stranger, width, scheme)
        for path in ("/", "/sign-in", "/sign-in/code", "/sign-in/code?digits=482913", "/sign-in/once/1.x"):
            stranger.goto(stage.url + path)
            assert faults(stranger) == [], (path, width)


@pytest.mark.parametrize("story", STORIES)
def test_every_design_of_today_is_accessible(stage: Stage, chromium, story):
    """Each colour of a state is looked at in both palettes; the other designs where they have the least room."""
    sitter = stage.sitter(given=nights(**STORIES[story]))
    page = open_page(chromium, stage, sitter, *LOOKS[0])
    for width, scheme in LOOKS if story in COLOURED else LOOKS[:1]:
        turn(page, width, scheme).goto(f"{stage.url}/today")
        assert faults(page) == [], (width, scheme)


def test_planted_faults_are_found(stage: Stage, chromium):
    page = open_page(chromium, stage, None, 320, "light")
    page.goto(f"{stage.url}/sign-in")
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', "
        '\'<button></button><img src="data:,"><p style="color:#bbb">pale</p><p style="width:600px">wide</p>\')'
    )
    found = " ".join(faults(page))
    for fault in ("button-name", "image-alt", "color-contrast", "wide in"):
        assert fault in found


def test_a_person_can_do_everything_by_keyboard(stage: Stage, chromium):
    page = open_page(chromium, stage, None, 390, "light")
    page.goto(stage.url)
    press_to(page, "I have a file")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    press_to(page, "Your e-mail")
    page.keyboard.type("keys@example.org")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code")
    press_to(page, "Six digits")
    page.keyboard.type(mailed_digits("keys@example.org"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/import")
    assert page.locator("h1").inner_text() == "Bring your nights"


def test_the_first_tab_stop_skips_to_the_page(stage: Stage, chromium):
    page = open_page(chromium, stage, stage.sitter(given=nights()), 390, "light")
    page.goto(f"{stage.url}/today")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the page"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_a_cause_is_noted_and_taken_back_by_keyboard(stage: Stage, chromium):
    sitter = stage.sitter(given=nights(strained=10))
    page = open_page(chromium, stage, sitter, 390, "dark")
    page.goto(f"{stage.url}/today")
    press_to(page, "Drinks")
    page.keyboard.press("Space")
    page.wait_for_url("**noted=alcohol**")
    assert "won't count towards strain" in page.locator("[role=status]").last.inner_text()
    press_to(page, "Undo")
    page.keyboard.press("Enter")
    page.wait_for_url("**/today#explain")
    assert page.get_by_text("Noted for").count() == 0


def test_nothing_is_blocked_by_our_own_policy(stage: Stage, chromium):
    sitter = stage.sitter(given=nights(TODAY, strained=10), told=True)
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    context.add_cookies([{"name": "vagus_session", "value": sitter.cookie, "url": stage.url}])
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    for path in every_path(sitter)[:-1]:
        page.goto(stage.url + path)
    assert said == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(250, 249, 246)"


def press_to(page: Page, name: str) -> None:
    """Tab forward until the thing with this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(e => (e.labels?.[0]?.innerText ?? '') + '|' + (e.innerText ?? ''))(document.activeElement)"
        )
        if name in focused:
            return
    pytest.fail(f"{name} cannot be reached by Tab")
