"""What stands beside a job that was given up is done to that job and to no other."""

import html
import re

from ingest.db import transaction
from ingest.models import StreamState
from ingest.ops.graves import fingerprint
from tests.ingest.ops.ops_stage import bury, operator, seed
from tests.ingest.web.web_stage import Stage, stage

__all__ = ["stage"]

REASON = "no list under 'data'"


def test_the_link_beside_a_stream_leaves_the_other_streams_of_its_connection_alone(stage: Stage):
    with transaction() as session:
        rows = seed(session)
        bury(session, rows)
        pulse = session.get_one(StreamState, (rows.connection, "oura.heartrate"))
        pulse.state, pulse.last_error = "buried", REASON
        cookie = operator(session)
    client = stage.client()
    client.cookies.set("vagus_ops", cookie, domain="127.0.0.1")
    page = client.get(f"/ops/buried?kind=stream&fingerprint={fingerprint('stream', 'oura.sleep', REASON)}").text
    for act in ("replay", "discard"):
        (link,) = re.findall(rf'href="(/ops/actions/{act}\?[^"]*job=[^"]*)"', page)
        assert f"{act.capitalize()} 1 stream of 1 person." in client.get(html.unescape(link)).text
