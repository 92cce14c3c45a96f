import pytest
import tests.browser.test_connect_in_chromium as T
from tests.browser.test_connect_in_chromium import *
globals().update({k:v for k,v in vars(T).items() if not k.startswith('test_') and not k.startswith('__')})
from tests.browser.test_connect_in_chromium import sim, chromium, connect, own_page, slept, states, open_page
from tests.ingest.web.test_connect_pages import fetched
from datetime import date

OUT = "/tmp/h/shots_pages"


def shoot(chromium, stage, sitter, path, name):
    for width in (390, 1280):
        for scheme in ("light", "dark"):
            page = open_page(chromium, stage, sitter, width, scheme)
            page.goto(stage.url + path)
            page.wait_for_timeout(150)
            page.screenshot(path=f"{OUT}/{name}-{width}-{scheme}.png", full_page=True)
            page.context.close()


def test_shots(stage, chromium, sim):
    import os

    os.makedirs(OUT, exist_ok=True)
    fresh = stage.sitter("new@example.org")
    shoot(chromium, stage, fresh, "/today", "today-empty")
    shoot(chromium, stage, fresh, "/connections", "connections-empty")
    sitter = stage.sitter(given=nights(TODAY))
    shoot(chromium, stage, sitter, "/connect", "connect")
    key = connect(own_page(chromium, stage, sitter), stage)
    shoot(chromium, stage, sitter, f"/connections/{key}?still=true", "progress-start")
    slept(sitter)
    fetched(key, days=64)
    with transaction() as session:
        account = session.scalars(select(VendorAccount).where(VendorAccount.person == sitter.id)).first()
        who = VendorAccount(person=sitter.id, vendor="whoop", created_at=NOON)
        session.add(who)
        session.flush()
        session.add(Connection(vendor_account=who.id, kind="file", state_since=NOON, created_at=NOON))
        session.execute(update(StreamState).where(StreamState.stream == "oura.workout").values(state="forbidden"))
    shoot(chromium, stage, sitter, f"/connections/{key}", "progress-mid")
    shoot(chromium, stage, sitter, "/connections?asked=true", "connections")
    shoot(chromium, stage, sitter, "/today", "today")
    states(key)["slow"]()
    shoot(chromium, stage, sitter, f"/connections/{key}", "progress-slow")
    states(key)["done"]()
    shoot(chromium, stage, sitter, f"/connections/{key}?still=true", "progress-done")
    shoot(chromium, stage, sitter, f"/connections/{key}/disconnect", "disconnect")
    states(key)["lost"]()
    shoot(chromium, stage, sitter, "/connections", "connections-lost")
    shoot(chromium, stage, sitter, f"/connections/{key}", "progress-lost")
    shoot(chromium, stage, sitter, "/today", "today-lost")
    shoot(chromium, stage, sitter, "/connect/oura/return?error=access_denied&state=none", "told")
