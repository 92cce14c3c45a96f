"""What operators read in a terminal, a sentence and a scrape: whole, of every app, and without anybody's address."""

import pytest
from rich.console import Console
from rich.table import Table

from ingest.grants.replay import Buried
from ingest.models import VendorApp
from ingest.ops import metrics
from ingest.ops.why import why
from tests.ingest.ops.morning_stage import HOUR, MINUTE, NOW, app, beats, broker, grant, stage, streams
from workers import vendor_commands

__all__ = ["broker", "stage"]


def printed(table: Table) -> str:
    screen = Console(width=200, highlight=False, color_system=None)
    with screen.capture() as shown:
        screen.print(table)
    return shown.get()


@pytest.mark.parametrize("reason", ["KeyError at score.py:1 in judge [ab12cd34]", "550 [/b] is no mailbox"])
def test_a_reason_with_brackets_is_printed_as_it_is(reason):
    assert reason in printed(vendor_commands.buried_table([Buried("score", 7, "person 7", reason, NOW, 7)]))


def test_connections_of_an_app_that_was_replaced_are_counted_too(stage):
    grant(stage, app(stage))
    stage.add(VendorApp(vendor="oura", client_id="newer", created_at=NOW))
    stage.commit()
    (line,) = [line for line in printed(vendor_commands.vendors_table()).splitlines() if line.startswith("oura")]
    assert line.split() == ["oura", "newer", "1", "active"]


def test_a_pause_that_is_over_is_not_shown_as_one(stage):
    assert vendor_commands._gate(app(stage, paused_until=NOW - MINUTE)) == ""
    assert vendor_commands._gate(app(stage, "whoop", paused_until=NOW + HOUR)).startswith("until ")


def test_a_sentence_quotes_a_vendor_without_the_address_that_it_names(stage):
    beats(stage)
    one = grant(stage, app(stage))
    fails = {"failing_since": NOW - HOUR, "fail_count": 2, "next_at": NOW + HOUR}
    streams(stage, one, **fails, last_error="no account mira@example.org there")
    assert '("no account …@… there")' in why(stage, one.id, NOW).sentence


def test_bugs_are_counted_from_nought_so_that_a_rule_sees_the_first_one_rise(broker):
    (errors,) = [family for family in metrics._counted() if family.name == "vagus_errors"]
    assert [(sample.labels, sample.value) for sample in errors.samples] == [({"error": "bug"}, 0)]
