"""The history page in a real browser: readable by everybody, a night chosen by pointer and by keyboard alone."""

import pytest

from providers.simulator.people import Story
from providers.simulator.people import nights as simulated
from providers.simulator.whoop_export import export_zip
from tests.browser.test_pages_in_chromium import faults, open_page, press_to
from tests.ingest.web.test_history_pages import bring
from tests.ingest.web.web_stage import TODAY, Stage

pytestmark = pytest.mark.browser
NIGHT = "2026-11-10"


def test_a_night_is_chosen_noted_and_compared_by_everybody(stage: Stage, chromium):
    sitter = stage.sitter()
    bring(sitter, export_zip(simulated(Story.OVERREACHING, TODAY, 120, 3)), "export.zip")
    for width, scheme in ((320, "light"), (1280, "dark")):
        page = open_page(chromium, stage, sitter, width, scheme)
        for path in ("/history?span=5w&vendor=on", f"/history?span=3m&night={NIGHT}"):
            page.goto(stage.url + path)
            assert faults(page) == [], (path, width)
    page.goto(f"{stage.url}/history?span=5w")
    picture = page.locator(".long .pickable svg").first.bounding_box()
    place = (6 + (1060 - 50) * (22.5 / 35)) / 1060  # the middle of the twenty-third of 35 nights: 10 Nov
    page.mouse.click(picture["x"] + picture["width"] * place, picture["y"] + picture["height"] / 2)
    page.wait_for_url(f"**/history?span=5w&night={NIGHT}#night")
    assert page.locator("#night-title").inner_text() == "Night: Tue 10 Nov"
    page.goto(f"{stage.url}/history?span=5w")
    press_to(page, "← 21 Nov")
    page.keyboard.press("Enter")
    page.wait_for_url("**night=2026-11-21#night")
    press_to(page, "What to note")
    page.keyboard.type("Hot")
    press_to(page, "Add")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove Hot night").wait_for()
    with page.expect_download() as file:
        page.get_by_role("link", name="Download").click()
    assert file.value.suggested_filename == "vagus-nights-2026-11-22.csv"
