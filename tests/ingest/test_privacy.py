import io
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import delete, func, inspect, select, table, update

from ingest import check_ins, db, drive_tests, imports, people, privacy, questions
from ingest.models import Alert, Channel, Delivery, Erasure, Person, WebSession
from ingest.saving import Erased
from ingest.store import tag_days

CSV = (
    "Cycle start time,Cycle end time,Cycle timezone,Heart rate variability (ms),Sleep onset,Wake onset\n"
    "2026-02-27 23:00:00,2026-02-28 23:00:00,UTC+01:00,{hrv},2026-02-27 23:00:00,2026-02-28 07:00:00\n"
    "2026-02-26 23:00:00,2026-02-27 23:00:00,UTC+01:00,-1,2026-02-26 23:00:00,2026-02-27 07:00:00\n"
)
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
KEPT = {"erasure", "alembic_version", "heartbeat", "vendor_app"}


@pytest.fixture
def person(database, clock) -> int:
    clock(NOW)
    for address, hrv in (("ada@example.org", 62), ("eve@example.org", 58)):
        done = imports.import_file(address, "whoop", "cycles.csv", io.BytesIO(CSV.format(hrv=hrv).encode()))
        with db.transaction() as session:
            tag_days(session, done.person, [date(2026, 2, 28)], "alcohol")
            check_ins.save(session, done.person, date(2026, 3, 2), check_ins.Answers(rpe=7))
            questions.ask(session, done.person, date(2026, 2, 27), date(2026, 2, 28))
            drive_tests.save(session, done.person, "reaction", drive_tests.Result(250, 10, 9))
            session.add(WebSession(token_hash=address, person=done.person, created_at=NOW, expires_at=NOW))
            session.add(
                Alert(
                    person=done.person,
                    kind="strained",
                    first_day=NOW,
                    last_day=NOW,
                    state="open",
                    told=True,
                    threshold=1,
                    opened_at=NOW,
                )
            )
    with db.transaction() as session:
        return people.get(session, "ada@example.org").id


def rows() -> dict[str, int]:
    with db.transaction() as session:
        names = inspect(db.engine()).get_table_names()
        counted = {name: select(func.count()).select_from(table(name)) for name in names if name not in KEPT}
        return {name: session.scalar(query) for name, query in counted.items()}


def test_nothing_of_an_erased_person_remains_and_all_of_the_other_does(person: int) -> None:
    before = rows()
    counts = privacy.erase(person)
    assert rows() == {name: count // 2 for name, count in before.items()}
    assert (counts["day_values"], counts["set_aside"], counts["tags"], counts["alerts"]) == (1, 1, 1, 1)
    assert (counts["check_ins"], counts["questions"], counts["drive_tests"]) == (1, 1, 1)
    with db.transaction() as session:
        assert people.find(session, "ada@example.org") is None
        assert session.scalars(select(Erasure.counts)).one() == counts


def test_a_confirmed_address_is_kept_for_one_last_mail_and_no_longer(person: int, clock) -> None:
    with db.transaction() as session:
        people.confirm(session, person)
    privacy.erase(person)
    with db.transaction() as session:
        assert session.execute(select(Delivery.kind, Delivery.status)).all() == [("erased", "waiting")]
        assert privacy.finish_erasures(session) == 0
        session.execute(update(Delivery).values(status="sent"))
        assert privacy.finish_erasures(session) == 1
        assert session.scalars(select(Person.address)).all() == ["eve@example.org"]


def test_a_receipt_that_cannot_be_sent_keeps_the_address_for_a_day_at_most(person: int, clock) -> None:
    with db.transaction() as session:
        people.confirm(session, person)
    privacy.erase(person)
    clock("2026-03-03T07:00")
    with db.transaction() as session:
        assert privacy.finish_erasures(session) == 1


def test_while_the_receipt_waits_nothing_that_was_said_is_left(person: int) -> None:
    with db.transaction() as session:
        people.confirm(session, person)
    privacy.erase(person)
    left = {name: count for name, count in rows().items() if name in {"check_in", "question", "drive_test", "tag"}}
    assert left == {"check_in": 1, "question": 1, "drive_test": 1, "tag": 1}, "the other person's"


def test_while_the_receipt_waits_nothing_can_be_added(person: int) -> None:
    with db.transaction() as session:
        people.confirm(session, person)
    privacy.erase(person)
    with db.transaction() as session, pytest.raises(Erased):
        imports.accept_upload(session, person, "whoop", "x.csv", io.BytesIO(CSV.encode()))


def test_an_address_whose_mail_is_off_goes_at_once(person: int) -> None:
    with db.transaction() as session:
        people.confirm(session, person)
        session.execute(update(Channel).values(state="off"))
    privacy.erase(person)
    with db.transaction() as session:
        assert session.execute(delete(Delivery)).rowcount == 0
        assert people.find(session, "eve@example.org") is not None
        assert len(session.scalars(select(Person)).all()) == 1
