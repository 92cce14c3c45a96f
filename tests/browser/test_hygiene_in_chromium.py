"""What a person sets about messages, in a real browser: readable, by keyboard, on the smallest phone."""

import pytest
from sqlalchemy import select

from ingest import channels
from ingest.db import transaction
from ingest.models import Alert, Channel, Person
from tests.browser.test_pages_in_chromium import LOOKS, faults, open_page
from tests.ingest.web.stored_nights import keep
from tests.ingest.web.web_stage import TODAY, Stage, nights

pytestmark = pytest.mark.browser


def told(stage: Stage):
    given = nights(strained=10)
    sitter = stage.sitter(given=given, told=True)
    keep(sitter, given)
    with transaction() as session:
        session.scalars(select(Alert)).one().last_day = TODAY
        sitter.channel = channels.unsubscribe_token(session.scalars(select(Channel.id)).one())
    return sitter


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_pages_about_messages_have_no_fault_that_axe_finds_and_fit_the_window(chromium, stage, width, scheme):
    sitter = told(stage)
    page = open_page(chromium, stage, sitter, width, scheme)
    paths = ["/today", f"/alerts/{sitter.alert}", "/channels/expected", f"/u/{sitter.channel}/pause"]
    for path in paths:
        page.goto(stage.url + path)
        assert faults(page) == [], path


def test_a_verdict_and_a_snooze_can_be_given_by_keyboard_alone(chromium, stage):
    sitter = told(stage)
    page = open_page(chromium, stage, sitter, 390, "light")
    page.goto(f"{stage.url}/alerts/{sitter.alert}")
    for name in ("Not useful", "3 days"):
        page.get_by_role("button", name=name).focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
    page.get_by_text("You called it not useful.").wait_for()
    page.get_by_role("button", name="Write to me again").wait_for()
    with transaction() as session:
        assert session.scalars(select(Alert.verdict)).one() == "not_useful"
        assert session.get_one(Person, sitter.id).snoozed_until is not None
