"""A file in: whole or not at all, once however often, and only behind an open fence."""

import io
import json
import zipfile
import zlib
from datetime import date

import pytest
from sqlalchemy import func, select, text, update

from ingest import accounts, db, imports, people, runs
from ingest.models import (
    Connection,
    DayValue,
    Episode,
    Fence,
    Person,
    Raw,
    Rejected,
    Run,
    RunFile,
    ScoreRequest,
    Series,
    Tag,
    VendorAccount,
)
from ingest.saving import Erased
from ingest.vault import vault
from providers.errors import FileRefused

HEADER = (
    "Cycle start time,Cycle end time,Cycle timezone,Heart rate variability (ms),Resting heart rate (bpm),"
    "Sleep onset,Wake onset"
)
FIRST = "2026-02-27 23:00:00,2026-02-28 23:00:00,UTC+01:00,62,51,2026-02-27 23:00:00,2026-02-28 07:00:00"
SECOND = "2026-02-28 23:00:00,2026-03-01 23:10:00,UTC+01:00,58,53,2026-02-28 23:00:00,2026-03-01 07:00:00"
BROKEN = "2026-02-26 23:00:00,2026-02-27 23:00:00,UTC+01:00,60,52,2026-02-27 07:00:00,2026-02-26 23:00:00"
ADA = "ada@example.org"


@pytest.fixture(autouse=True)
def _a_morning_in_march(clock, database) -> None:
    clock("2026-03-02T06:00")


def csv(*rows: str) -> io.BytesIO:
    return io.BytesIO("\n".join((HEADER, *rows, "")).encode())


def bring(*rows: str, address: str = ADA) -> imports.Imported:
    return imports.import_file(address, "whoop", "cycles.csv", csv(*rows))


def count(table: type) -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def everything() -> dict[str, list]:
    """Every stored row that data makes, without the ids and times that differ by nature."""
    queries = {
        "day_value": "SELECT measure, record, value, starts_at, ends_at, day, state, gone, d.as_of FROM day_value d"
        " JOIN series s ON s.id = d.series ORDER BY 1, 2",
        "episode": "SELECT stream, record, day, starts_at, ends_at, state, detail, as_of FROM episode ORDER BY 1, 2",
        "tag": "SELECT day, name, source, present FROM tag ORDER BY 1, 2, 3",
    }
    with db.transaction() as session:
        return {name: [tuple(row) for row in session.execute(text(query))] for name, query in queries.items()}


def test_a_file_becomes_nights_and_one_score_request() -> None:
    done = bring(SECOND, FIRST)
    assert (done.nights, done.first_day, done.last_day) == (2, date(2026, 2, 28), date(2026, 3, 1))
    assert done.saved.new == done.saved.day_values + done.saved.episodes
    assert (count(ScoreRequest), count(Raw), count(Run)) == (1, 1, 1)
    json.dumps(done.summary())


def test_the_same_file_again_changes_nothing() -> None:
    bring(SECOND, FIRST)
    before = everything()
    with db.transaction() as session:
        session.execute(text("DELETE FROM score_request"))
        written = session.execute(text("SELECT xmin::text FROM day_value ORDER BY series, record")).all()
    again = bring(SECOND, FIRST)
    assert (again.saved.new, again.saved.revised, again.saved.written) == (0, 0, 0)
    assert everything() == before
    assert (count(Raw), count(ScoreRequest)) == (1, 0)
    with db.transaction() as session:
        assert session.execute(text("SELECT xmin::text FROM day_value ORDER BY series, record")).all() == written


def test_a_newer_export_adds_and_revises_and_an_older_one_then_takes_nothing_back() -> None:
    bring(FIRST)
    newer = bring(SECOND, FIRST.replace(",62,", ",64,"))
    assert (newer.saved.new > 0, newer.saved.revised) == (True, 1)
    stands = everything()
    assert bring(FIRST).saved.revised == 0
    assert everything() == stands


def test_what_is_absent_from_a_newer_export_stays() -> None:
    bring(SECOND, FIRST)
    bring(SECOND)
    assert count(Episode) == 2


def test_a_broken_row_is_set_aside_and_the_rest_is_there() -> None:
    done = bring(SECOND, BROKEN, FIRST)
    assert (done.nights, done.saved.rejected, [reject.line for reject in done.rejects]) == (2, 1, [3])
    with db.transaction() as session:
        assert session.scalars(select(Run.state)).one() == "partial"
        (row,) = runs.rejects(session, done.person, done.run)
        assert row.line == 3


def test_a_row_mended_in_a_newer_export_is_no_longer_listed_as_set_aside() -> None:
    bring(SECOND, FIRST.replace(",62,", ",-5,"))
    assert count(Rejected) == 1
    bring(SECOND.replace("23:10:00", "23:20:00"), FIRST)
    assert count(Rejected) == 0


@pytest.mark.parametrize("body", [b"", b"\x00\x01\x02" * 99, b"a,b,c\n1,2,3\n", HEADER.encode() + b"\n"])
def test_of_a_refused_file_nothing_is_stored_not_even_the_person(body: bytes) -> None:
    with pytest.raises(FileRefused) as refused:
        imports.import_file(ADA, "whoop", "x.csv", io.BytesIO(body))
    assert "\n" not in str(refused.value)
    assert [count(table) for table in (Person, Run, Raw, Series, Rejected)] == [0, 0, 0, 0, 0]


def test_an_unknown_vendor_is_refused_with_those_there_are() -> None:
    with pytest.raises(FileRefused, match="whoop"):
        imports.import_file(ADA, "casio", "x.csv", csv(FIRST))


def test_the_file_itself_is_kept_sealed_and_opens_again() -> None:
    bring(FIRST)
    with db.transaction() as session:
        raw = session.scalars(select(Raw)).one()
    packed = vault().open(raw.body, f"raw|{raw.connection}|{raw.content}")
    assert zlib.decompress(packed) == csv(FIRST).getvalue()


def test_two_people_who_bring_the_same_file_have_two_histories() -> None:
    bring(FIRST)
    bring(FIRST, address="eve@example.org")
    assert (count(Person), count(VendorAccount), count(Raw)) == (2, 2, 2)


def test_a_file_goes_to_the_account_no_grant_has_named() -> None:
    with db.transaction() as session:
        person = people.ensure(session, ADA)
        for external_id in ("111", None):
            new = VendorAccount(
                person=person.id, vendor="whoop", external_id=external_id, created_at=imports.clock.now()
            )
            session.add(new)
    bring(FIRST)
    with db.transaction() as session:
        used = session.scalars(select(VendorAccount.external_id).join(Connection)).all()
    assert used == [None]


def two_accounts() -> None:
    with db.transaction() as session:
        person = people.ensure(session, ADA)
        for external_id in ("111", "222"):
            session.add(
                VendorAccount(person=person.id, vendor="whoop", external_id=external_id, created_at=imports.clock.now())
            )


def test_with_several_named_accounts_it_asks() -> None:
    two_accounts()
    with pytest.raises(FileRefused, match="has 2 accounts at whoop"):
        bring(FIRST)
    assert count(DayValue) == 0


def test_an_upload_that_could_be_of_two_accounts_ends_with_that_and_is_not_tried_again() -> None:
    two_accounts()
    person, run_id = upload(csv(FIRST))
    leased(run_id)
    imports.run_import(run_id, "t1")
    with db.transaction() as session:
        run = runs.run_of(session, person, run_id)
        assert (run.state, run.due_at) == ("cancelled", None)
        assert "disconnect all but the file's own" in run.error
    assert count(DayValue) == 0


def test_an_import_for_an_erased_connection_says_so_and_stores_nothing() -> None:
    bring(FIRST)
    with db.transaction() as session:
        session.execute(update(Fence).values(state="erased"))
    with pytest.raises(Erased, match="erased: nothing was stored"):
        bring(SECOND)
    assert count(Episode) == 1


def upload(body: io.BytesIO, name: str = "my nights.csv") -> tuple[int, int]:
    with db.transaction() as session:
        person = people.ensure(session, ADA).id
        return person, imports.accept_upload(session, person, "whoop", name, body)


def leased(run_id: int, token: str = "t1") -> None:
    with db.transaction() as session:
        session.execute(update(Run).where(Run.id == run_id).values(state="running", lease_token=token))


def test_an_upload_waits_sealed_and_is_gone_when_its_run_ends() -> None:
    person, run_id = upload(csv(SECOND, BROKEN, FIRST))
    with db.transaction() as session:
        assert b"Cycle start" not in session.get_one(RunFile, run_id).body
    leased(run_id)
    imports.run_import(run_id, "t1")
    with db.transaction() as session:
        run = runs.run_of(session, person, run_id)
        assert (run.state, run.rejected, run.summary["nights"], run.due_at) == ("partial", 1, 2, None)
        assert run.done == run.total
        assert [row.id for row in runs.latest(session, person)] == [run_id]
    assert (count(RunFile), count(ScoreRequest)) == (0, 1)


def test_an_upload_that_is_refused_ends_its_run_with_the_reason() -> None:
    person, run_id = upload(io.BytesIO(b"not,a,header\n"))
    leased(run_id)
    imports.run_import(run_id, "t1")
    with db.transaction() as session:
        run = runs.run_of(session, person, run_id)
        assert run.state == "cancelled"
        assert "physiological_cycles.csv" in run.error
    assert (count(RunFile), count(ScoreRequest)) == (0, 0)


def test_a_worker_that_lost_its_lease_stores_nothing() -> None:
    _, run_id = upload(csv(FIRST))
    leased(run_id, token="another")
    with pytest.raises(runs.LeaseLost):
        imports.run_import(run_id, "t1")
    assert count(Episode) == 0


def test_a_lease_lost_while_reading_rolls_back(monkeypatch) -> None:
    _, run_id = upload(csv(FIRST))
    leased(run_id)
    whole = imports.read_file

    def taken_over_meanwhile(*args):
        reading = whole(*args)
        leased(run_id, token="another")
        return reading

    monkeypatch.setattr(imports, "read_file", taken_over_meanwhile)
    with pytest.raises(runs.LeaseLost):
        imports.run_import(run_id, "t1")
    assert count(Episode) == 0


def test_progress_is_written_while_a_run_works() -> None:
    _, run_id = upload(csv(FIRST))
    leased(run_id)
    progress = runs.Progress(run_id, "t1", 1000)
    progress(400)
    progress(500)
    with db.transaction() as session:
        assert (session.get_one(Run, run_id).done, session.get_one(Run, run_id).total) == (400, 1000)


def test_how_far_a_zip_is_read_is_told_in_bytes_of_the_zip() -> None:
    archive, heard = io.BytesIO(), []
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("physiological_cycles.csv", csv(*[FIRST] * 500).getvalue())
    imports.import_file(ADA, "whoop", "my_whoop_data.zip", archive, heard.append)
    assert 0 < max(heard) <= len(archive.getvalue())


def test_an_upload_over_the_limit_is_refused_at_the_door(monkeypatch) -> None:
    monkeypatch.setattr(imports, "LARGEST_UPLOAD", 1024)
    with pytest.raises(FileRefused, match="which no export is"):
        upload(io.BytesIO(b"x" * 2000))
    assert count(Run) == 0


def test_one_person_s_run_is_nobody_else_s() -> None:
    _, run_id = upload(csv(FIRST))
    with db.transaction() as session:
        other = people.ensure(session, "eve@example.org").id
        assert runs.run_of(session, other, run_id) is None
        assert runs.rejects(session, other, run_id) == []


def test_nobody_adds_to_somebody_being_erased() -> None:
    with db.transaction() as session:
        person = people.ensure(session, ADA)
        person.state = "erasing"
        session.flush()
        with pytest.raises(Erased):
            accounts.lock_active(session, person.id)


def test_a_journal_moves_with_the_night_it_speaks_of() -> None:
    journal = io.BytesIO(
        b"Cycle start time,Cycle end time,Cycle timezone,Question text,Answered yes,Notes\n"
        b"2026-02-27 23:00:00,2026-02-28 23:00:00,UTC+01:00,Have any alcoholic drinks?,true,\n"
    )
    imports.import_file(ADA, "whoop", "journal_entries.csv", journal)
    bring(FIRST)
    with db.transaction() as session:
        assert session.execute(select(Tag.day, Tag.name)).all() == [(date(2026, 2, 28), "alcohol")]
