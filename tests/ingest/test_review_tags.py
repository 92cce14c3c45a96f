from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from ingest import db, clock as c
from ingest.models import Tag
from ingest.saving import GRANT_RANK, Source, save
from ingest.sync import source_of
from providers import shapes
from tests.ingest.following_stage import connected, NIGHTS


def put(staged, tags, as_of):
    with db.transaction() as session:
        return save(session, source_of(session, staged.connection, staged.person, NIGHTS, as_of), tags)


def tag(record, day, last=None, name="rest_mode"):
    return shapes.Tag(day, name, "oura", link=(NIGHTS.name, record), last_day=last)


def stand():
    with db.transaction() as session:
        return sorted((t.link_record, t.day, t.last_day) for t in session.scalars(select(Tag)))


def test_two_rest_modes_asked_again_stay(database):
    s = connected()
    now = c.now()
    d1, d2 = date(2026, 3, 1), date(2026, 3, 20)
    both = [tag("a", d1, d1 + timedelta(3)), tag("b", d2, d2)]
    put(s, both, now)
    assert stand() == [("a", d1, d1 + timedelta(3)), ("b", d2, d2)]
    saved = put(s, both, now + timedelta(hours=1))
    assert stand() == [("a", d1, d1 + timedelta(3)), ("b", d2, d2)]
    assert saved.written == 0


def test_one_that_goes_on_beside_another(database):
    s = connected()
    now = c.now()
    d1, d2 = date(2026, 3, 1), date(2026, 3, 20)
    put(s, [tag("a", d1, d1 + timedelta(3)), tag("b", d2, d2)], now)
    put(s, [tag("a", d1, d1 + timedelta(3)), tag("b", d2, d2 + timedelta(1))], now + timedelta(hours=1))
    assert stand() == [("a", d1, d1 + timedelta(3)), ("b", d2, d2 + timedelta(1))]


def test_two_that_move_one_after_the_other(database):
    s = connected()
    now = c.now()
    d = [date(2026, 3, 1) + timedelta(i) for i in range(4)]
    put(s, [tag("a", d[0]), tag("b", d[1])], now)
    put(s, [tag("a", d[1]), tag("b", d[2])], now + timedelta(hours=1))
    assert stand() == [("a", d[1], None), ("b", d[2], None)]
    put(s, [tag("a", d[2]), tag("b", d[1])], now + timedelta(hours=2))
    assert stand() == [("a", d[2], None), ("b", d[1], None)]
