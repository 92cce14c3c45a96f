"""What a life came to, by names that are equal in any database; and how two lives differ.

Left out, by name: ids; `as_of`, `computed_at`, `created_at`, `opened_at`, `closed_at`, `not_before`, `sent_at`, `at` of
`rejected`: when something was asked, computed or said. So are the states of leases, cursors and runs.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import text

from ingest import db
from tests.soak.post import Mail

ACCOUNT = "concat(p.address, ' ', va.vendor, ' ', va.external_id)"
OF_SERIES = (
    "JOIN series s ON s.id = t.series JOIN person p ON p.id = s.person "
    "LEFT JOIN vendor_account va ON va.id = s.vendor_account"
)
OF_ACCOUNT = "JOIN vendor_account va ON va.id = t.vendor_account JOIN person p ON p.id = va.person"
OF_PERSON = "JOIN person p ON p.id = t.person"
SERIES = f"concat_ws(' ', {ACCOUNT}, s.device, s.measure, s.definition, s.context)"
# A part each, so that of two nights that differ one sees where.
PARTS = "(SELECT string_agg(concat(key, ' ', left(md5(value::text), 6)), ' ') FROM jsonb_each(t.assessment))"
DELIVERED = f"FROM delivery t {OF_PERSON} JOIN channel c ON c.id = t.channel"

TABLES: Mapping[str, str] = {
    "day_value": f"SELECT {SERIES}, ROW(t.record, t.value, t.starts_at, t.ends_at, t.day, t.utc_offset_minutes, "
    "t.flags, t.link_stream, t.link_record, t.state, t.source_rank, t.content, t.gone)::text "
    f"FROM day_value t {OF_SERIES}",
    "episode": f"SELECT {ACCOUNT}, ROW(t.stream, t.record, t.kind, t.starts_at, t.ends_at, t.day, "
    "t.utc_offset_minutes, t.main, t.edited, t.state, t.source_rank, t.content, md5(t.detail::text))::text "
    f"FROM episode t {OF_ACCOUNT}",
    "tag": f"SELECT p.address, ROW(t.day, t.last_day, t.name, t.source, t.present, t.link_stream, t.link_record, "
    f"t.content)::text FROM tag t {OF_PERSON}",
    "tombstone": f"SELECT {ACCOUNT}, ROW(t.stream, t.record)::text FROM tombstone t {OF_ACCOUNT}",
    "block": f"SELECT {SERIES}, ROW(t.day, t.count, md5(array_send(t.at) || array_send(t.value)))::text "
    f"FROM block t {OF_SERIES}",
    "readiness": "SELECT p.address, ROW(t.day, t.score, t.state, t.alert, t.algorithm_version, t.policy, "
    f"{PARTS})::text FROM readiness t {OF_PERSON}",
    "rejected": f"SELECT {ACCOUNT}, ROW(t.stream, t.fingerprint, t.field, t.record, t.reason)::text FROM rejected t "
    f"JOIN connection k ON k.id = t.connection JOIN vendor_account va ON va.id = k.vendor_account "
    "JOIN person p ON p.id = va.person",
    "alert": "SELECT p.address, ROW(t.kind, t.first_day, t.last_day, t.state, t.told, t.threshold)::text "
    f"FROM alert t {OF_PERSON}",
    "delivery": "SELECT p.address, ROW(c.kind, c.address, t.kind, a.first_day, t.status, t.error)::text "
    f"{DELIVERED} JOIN alert a ON a.id = t.subject WHERE t.kind = 'strained'",
    "connection": f"SELECT concat(p.address, ' ', va.vendor), t.state FROM connection t {OF_ACCOUNT}",
}
DUE = f"SELECT c.address, replace(t.key, ':', '.') || '.' || c.id, t.status {DELIVERED}"
SHOWN = 5


@dataclass
class Found:
    """The rows of a life by table, what was to be told, what came, and when something was killed."""

    rows: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    due: dict[tuple[str, str], str] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)


def read() -> Found:
    """Everything that a life came to, from its database."""
    found = Found()
    with db.transaction() as session:
        for name, query in TABLES.items():
            found.rows[name] = Counter((row[0], row[1]) for row in session.execute(text(query)))
        found.due = {(row[0], row[1]): row[2] for row in session.execute(text(DUE))}
    return found


def differences(calm: Found, storm: Found) -> dict[str, list[str]]:
    """By table, the rows that only one of the lives has."""
    said: dict[str, list[str]] = {}
    for name in TABLES:
        missing, extra = calm.rows[name] - storm.rows[name], storm.rows[name] - calm.rows[name]
        lines = [f"only calm:  {' '.join(row)}" for row in sorted(missing)]
        lines += [f"only storm: {' '.join(row)}" for row in sorted(extra)]
        said[name] = sorted(lines, key=lambda line: line.partition(":")[2].strip())
    return said
