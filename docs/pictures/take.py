"""`make shots`: play the demo and take the README's pictures of it in Debian's chromium."""

from base64 import b64encode
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import select

from ingest import clock, db
from ingest.models import Connection
from ingest.ops import asking, holds, operators
from ingest.ops.act import By, perform
from ingest.settings import settings
from workers import demo, demo_story
from workers.terminal import Steps

FOLDER = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SCHEMES = ("light", "dark")
OPERATOR = "dana@example.org"
HELD, AGAIN = "the disk is nearly full", "sleep times were read wrongly"


def picture(browser: Browser, entrance: str, scheme: str) -> None:
    """Open *today*, and the page on which the ring's past came in, as the made-up person would on a phone."""
    context = browser.new_context(viewport=PHONE, color_scheme=scheme, device_scale_factor=2)
    page = context.new_page()
    page.goto(entrance)
    page.screenshot(path=FOLDER / f"today-{scheme}.png")
    page.goto(page.url.replace("/today", "/connections"))
    page.get_by_role("link", name="Past nights").click()
    page.get_by_role("heading", name="nights read").wait_for()
    page.get_by_role("switch").wait_for()  # comes after the page, once the server said what this browser is to it
    page.screenshot(path=FOLDER / f"connected-{scheme}.png")
    context.close()


def mail(browser: Browser) -> None:
    """The one mail as a reader's program shows it, whole."""
    (file,) = (settings().home / "mailbox").glob("*.eml")
    message = message_from_bytes(file.read_bytes(), policy=default)
    html = message.get_body(("html",)).get_content()
    chart = next(part for part in message.walk() if part.get_content_type() == "image/png")
    inline = f"data:image/png;base64,{b64encode(chart.get_content()).decode()}"
    page = browser.new_page(viewport=PHONE, device_scale_factor=2)
    page.set_content(html.replace("cid:chart", inline))
    page.screenshot(path=FOLDER / "mail.png", full_page=True)
    page.close()


def trouble() -> None:
    """Let the board have something to show: an operator holds a queue, and asks for the past months again."""
    today = clock.now().date()
    with db.transaction() as session:
        operators.add(session, OPERATOR, "operate")
        months = asking.resync(
            connection=session.scalars(select(Connection.id)).one(), since=today - timedelta(days=150), until=today
        )
        for act, reason in ((holds.pause_queue(queue="backfill"), HELD), (months, AGAIN)):
            perform(session, act, By(OPERATOR, reason), confirmed=act.word)


def board(browser: Browser, scheme: str) -> None:
    """The operators' board as one sees it who signs in by a link from the terminal."""
    context = browser.new_context(viewport=DESK, color_scheme=scheme, device_scale_factor=1.5)
    page = context.new_page()
    with db.transaction() as session:
        link = operators.one_time_link(session, OPERATOR)
    page.goto(link)
    page.get_by_role("button", name="Sign in here").click()
    page.get_by_role("heading", name="Yours to fix").wait_for()
    page.screenshot(path=FOLDER / f"board-{scheme}.png", full_page=True)
    context.close()


def main() -> None:
    """Take *today* and the connected ring in light and in dark, the mail, and the operators' board."""
    steps = Steps()
    with demo.servers(steps) as state:
        demo_story.play(steps, state.address)
        entrance, _ = demo.pages(state)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for scheme in SCHEMES:
                picture(browser, entrance, scheme)
            mail(browser)
            trouble()
            for scheme in SCHEMES:
                board(browser, scheme)
            browser.close()


if __name__ == "__main__":
    main()
