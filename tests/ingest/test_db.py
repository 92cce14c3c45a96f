"""What every transaction can rely on, whatever the server is set to."""

from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy import text

from ingest import db
from ingest.web import ops_look
from tests.ground import clear_caches

WITH = "options=-c%20timezone%3DEurope/Berlin%20-c%20statement_timeout%3D77s"


def test_instants_come_in_utc_from_a_server_of_another_zone_and_a_url_s_own_options_stand(database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"{database}{'&' if '?' in database else '?'}{WITH}")
    clear_caches()
    with db.transaction() as session:
        at, patience = session.execute(
            text("SELECT timestamptz '2026-11-22T06:00Z', current_setting('statement_timeout')")
        ).one()
    assert (at.hour, at.utcoffset(), patience) == (6, timedelta(0), "77s")


def test_an_instant_of_any_zone_is_shown_in_utc():
    berlin = timezone(timedelta(hours=1))
    now = datetime(2026, 11, 22, 6, 14, tzinfo=UTC)
    assert ops_look.at(datetime(2026, 11, 22, 7, 0, tzinfo=berlin), now) == "06:00"
    assert ops_look.at(datetime(2026, 11, 22, 0, 30, tzinfo=berlin), now) == "21 Nov, 23:30"
