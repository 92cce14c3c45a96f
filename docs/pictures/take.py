"""`make shots`: play the demo and take the README's pictures of it in Debian's chromium."""

from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from workers import demo
from workers.terminal import Steps

FOLDER = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
PHONE = {"width": 390, "height": 844}


def picture(browser: Browser, entrance: str, address: str, name: str, scheme: str) -> None:
    """Open a page as the made-up person would on a phone, and keep what the screen shows."""
    context = browser.new_context(viewport=PHONE, color_scheme=scheme, device_scale_factor=2)
    page = context.new_page()
    page.goto(entrance)
    page.goto(address or entrance)
    page.screenshot(path=FOLDER / f"{name}-{scheme}.png")
    context.close()


def main() -> None:
    """Take *today* and the mail, in light and in dark."""
    steps = Steps()
    with demo.servers(steps) as state:
        demo.play(steps)
        entrance, mailbox = demo.pages(state)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for scheme in ("light", "dark"):
                picture(browser, entrance, "", "today", scheme)
                picture(browser, entrance, f"{mailbox}/1", "mail", scheme)
            browser.close()


if __name__ == "__main__":
    main()
