"""Connecting in a real browser, under our own policy: two clicks, across sites, readable by everybody on the way."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from playwright.sync_api import Page
from sqlalchemy import select, update

from ingest import accounts
from ingest.db import transaction
from ingest.grants import oauth
from ingest.models import BackfillWindow, Connection, StreamState, VendorAccount, VendorApp
from ingest.saving import save
from ingest.source import GRANT_RANK, Source
from ingest.web import connect_pages
from providers import measures
from providers.measures import Definition
from providers.shapes import Episode, Points
from tests.browser.test_pages_in_chromium import LOOKS, faults, open_page, press_to
from tests.ground import wait_for
from tests.ingest.web.web_stage import NOON, TODAY, Sitter, Stage, nights
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated, simulated

pytestmark = pytest.mark.browser
SHOWN_ON_TODAY = {"asked", "lost"}  # states of a connection in which *today* and the list differ


@pytest.fixture
def sim(stage: Stage) -> Iterator[Simulated]:
    """The simulator set up as Oura, under another name of this machine: to a browser, another site."""
    with simulated(hooks=False) as running:
        running.add_person("mira", nights=30, last_day=TODAY)
        running.add_app(f"{stage.url}/connect/oura/return")
        with transaction() as session:
            secret = oauth.seal_secret("oura", CLIENT_ID, CLIENT_SECRET)
            app = VendorApp(vendor="oura", client_id=CLIENT_ID, client_secret=secret, created_at=NOON)
            app.origin = running.origin.replace("127.0.0.1", "localhost")
            session.add(app)
        yield running


def own_page(chromium, stage: Stage, sitter: Sitter, width: int = 390) -> Page:
    """A browser of the person that holds our policy."""
    context = chromium.new_context(viewport={"width": width, "height": 844})
    context.set_default_timeout(30_000)
    context.add_cookies([{"name": "vagus_session", "value": sitter.cookie, "url": stage.url, "sameSite": "Lax"}])
    return context.new_page()


def slept(sitter: Sitter) -> None:
    """Last night from within: eight hours, heart rate and HRV every five minutes, one hour missing."""
    ended = NOON - timedelta(minutes=20)
    began = ended - timedelta(hours=8)
    at = np.arange(int(began.timestamp()), int(ended.timestamp()), 300, dtype=np.int64)
    kept = np.r_[0:40, 52 : len(at)]
    wave = np.sin(np.arange(len(at)) / 7) + np.linspace(1, -1, len(at))
    with transaction() as session:
        account = session.scalars(select(VendorAccount).where(VendorAccount.person == sitter.id)).first()
        connection = accounts.file_connection(session, account)
        definitions = [
            Definition(measures.HRV_RMSSD, "within", "sleep"),
            Definition(measures.HEART_RATE, "within", "sleep"),
        ]
        source = Source(sitter.id, account.id, connection, "oura.sleep", GRANT_RANK, NOON, "1")
        values = (60 - 12 * wave, 52 + 4 * wave)
        save(
            session,
            source,
            [
                Episode("oura.sleep", "last", "sleep", began, ended, TODAY, 0),
                *(
                    Points(definition, at[kept], value[kept].astype(np.float32))
                    for definition, value in zip(definitions, values, strict=True)
                ),
            ],
        )
        session.execute(Connection.__table__.delete().where(Connection.id == connection))


def connect(page: Page, stage: Stage) -> int:
    page.goto(f"{stage.url}/connect")
    page.get_by_role("button", name="Connect Oura").click()
    page.wait_for_url("**/oauth/authorize**")
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url("**/connections/*")
    return int(page.url.split("?")[0].rsplit("/", 1)[1])


def test_a_browser_goes_to_the_vendor_and_comes_back_connected(stage: Stage, chromium, sim):
    sitter = stage.sitter(given=nights())
    page, said = own_page(chromium, stage, sitter), []
    page.on("console", lambda message: said.append(message.text) if stage.url in message.location["url"] else None)
    connect(page, stage)
    assert page.locator("h1").inner_text() == "Oura is connected"
    assert page.get_by_role("progressbar").count() == 1
    assert said == []


def test_a_policy_that_names_the_vendor_nowhere_would_stop_the_browser(stage: Stage, chromium, sim, monkeypatch):
    monkeypatch.setattr(connect_pages, "leading_to", lambda response, _apps: response)
    page, said = own_page(chromium, stage, stage.sitter()), []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{stage.url}/connect")
    page.get_by_role("button", name="Connect Oura").click(no_wait_after=True)
    wait_for(lambda: page.evaluate("1") and any("form-action" in line for line in said))
    assert page.url == f"{stage.url}/connect"


def test_a_person_connects_by_keyboard_alone(stage: Stage, chromium, sim):
    page = own_page(chromium, stage, stage.sitter())
    page.goto(f"{stage.url}/connect")
    press_to(page, "Connect")
    page.keyboard.press("Enter")
    page.wait_for_url("**/oauth/authorize**")
    page.get_by_role("button", name="Allow").press("Enter")
    page.wait_for_url("**/connections/*")


def states(key: int) -> dict[str, object]:
    """Ways to change the rows of a connection, by what its pages then have to show."""

    def windows(**columns: object) -> None:
        with transaction() as session:
            session.execute(update(BackfillWindow).where(BackfillWindow.connection == key).values(columns))

    def connection(**columns: object) -> None:
        with transaction() as session:
            session.execute(update(Connection).where(Connection.id == key).values(columns))

    def streams(**columns: object) -> None:
        with transaction() as session:
            session.execute(update(StreamState).where(StreamState.connection == key).values(columns))

    return {
        "asked": lambda: None,
        "slow": lambda: windows(due_at=NOON + timedelta(minutes=24)),
        "not shared": lambda: streams(state="forbidden"),
        "done": lambda: windows(state="done"),
        "lost": lambda: connection(state="reconnect", state_since=NOON - timedelta(days=2)),
        "needs you": lambda: connection(state="needs_you", state_reason="Oura shares no data of this account"),
        "ended": lambda: connection(state="disconnected"),
    }


def test_every_page_of_a_connection_is_accessible_in_each_of_its_states(stage: Stage, chromium, sim):
    sitter = stage.sitter(given=nights(TODAY, strained=10))
    key = connect(own_page(chromium, stage, sitter), stage)
    slept(sitter)
    pages = [(width, open_page(chromium, stage, sitter, width, scheme)) for width, scheme in LOOKS]
    for number, (name, change) in enumerate(states(key).items()):
        change()
        for width, page in (pages[number % len(pages)],):  # by turns
            more = ("/today", "/connect") if name in SHOWN_ON_TODAY else ()
            for path in (f"/connections/{key}?still=true", "/connections?asked=true", *more):
                page.goto(stage.url + path)
                assert faults(page) == [], (name, path, width)
    for width, page in pages:
        page.goto(f"{stage.url}/connect/oura/return?error=access_denied&state=none")
        assert faults(page) == [], width


def test_the_page_before_the_end_is_accessible_and_keeps_the_nights_unless_told_otherwise(stage, chromium, sim):
    sitter = stage.sitter()
    key = connect(own_page(chromium, stage, sitter), stage)
    page = open_page(chromium, stage, sitter, 320, "dark")
    page.goto(f"{stage.url}/connections/{key}/disconnect")
    assert faults(page) == []
    assert page.get_by_role("radio", name="Keep them").is_checked()
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_text("Oura is disconnected.").wait_for()
    assert faults(page) == []
