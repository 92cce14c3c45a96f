"""Pages of operators in a real browser: readable by everybody, no wider than a phone, not blocked by our own policy."""

import pytest

from ingest.db import transaction
from tests.browser.test_pages_in_chromium import faults
from tests.ingest.ops.ops_stage import bury, operator, seed
from tests.ingest.web.web_stage import Stage

pytestmark = pytest.mark.browser


def test_operators_pages_are_accessible_on_a_phone_at_night_and_on_a_desk(stage: Stage, chromium):
    with transaction() as session:
        rows, cookie = seed(session), operator(session)
        bury(session, rows)
    paths = ("/ops?still=true", f"/ops/connections/{rows.connection}", "/ops/buried", "/ops/actions/replay?kind=window")
    for width, scheme in ((390, "dark"), (1280, "light")):
        context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
        context.add_cookies([{"name": "vagus_ops", "value": cookie, "url": stage.url}])
        page = context.new_page()
        for path in paths:
            page.goto(stage.url + path)
            assert faults(page) == [], (path, width)
    context = chromium.new_context()
    context.add_cookies([{"name": "vagus_ops", "value": cookie, "url": stage.url}])
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    for path in paths:
        page.goto(stage.url + path)
    assert said == []
