"""Moments that meet: an erasure and a mail, two imports, a tick and an import, a relay that comes back days later."""

import io
import threading
import time
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from ingest import clock as the_clock
from ingest import imports, people, privacy, settings, signin, store
from ingest.db import transaction
from ingest.models import Alert, Channel, DayValue, Delivery, Erasure, Person, ScoreRequest, SignInCode
from ingest.vault import vault
from ingest.web.today import told_days
from tests.workers.peers import live_nights, make_person, open_relay, story
from tests.workers.sync_stage import send_due
from workers import leases, outcomes, score, upkeep

HEADER = "Cycle start time,Cycle end time,Cycle timezone,Heart rate variability (ms),Sleep onset,Wake onset"
ADA = "ada@example.org"


@pytest.fixture
def relay(database, home, monkeypatch):
    with open_relay() as (relay, url):
        monkeypatch.setenv("VAGUS_SMTP_URL", url)
        settings.settings.cache_clear()
        yield relay


def bring(count: int, newest: datetime = datetime(2026, 2, 1, 23)) -> int:  # noqa: DTZ001  (a file's local times)
    rows = [HEADER]
    for back in range(count):
        start = newest - timedelta(days=back)
        woke = start + timedelta(hours=8)
        rows.append(f"{start},{start + timedelta(days=1)},UTC+01:00,{50 + back % 17},{start},{woke}")
    return imports.import_file(ADA, "whoop", "c.csv", io.BytesIO("\n".join(rows).encode())).person


def confirmed(count: int = 40) -> int:
    person = bring(count)
    with transaction() as session:
        people.confirm(session, person)
    return person


def strained(**person: object) -> int:
    with transaction() as session:
        owner = make_person(session, **person)
        live_nights(session, owner, the_clock.now().date(), story())
        store.request_score(session, owner, "test")
    return owner


def score_all() -> None:
    with transaction() as session:
        claimed = leases.claim(session, score.SCORES)
    for key, token in claimed:
        outcomes.run(score.SCORES, key, token, lambda *given: score.score_person(*given) and None)


def test_the_receipt_of_one_person_leaves_another_s_alert_untold(relay, clock) -> None:
    clock("2026-03-01T09:00")
    victim = strained(address="victim@example.org", channel=False)
    clock("2026-03-01T09:01")
    score_all()
    with transaction() as session:
        leaver = make_person(session, "leaver@example.org")
    privacy.erase(leaver)
    send_due()
    with transaction() as session:
        assert session.scalars(select(Erasure.id)).one() == session.scalars(select(Alert.id)).one()
        assert not session.scalars(select(Alert.told)).one()
        now = the_clock.now()
        channel = Channel(person=victim, kind="mail", address="victim@example.org", created_at=now, confirmed_at=now)
        session.add(channel)
        store.request_score(session, victim, "test")
    clock("2026-03-01T09:10")
    score_all()
    send_due()
    assert [mail["To"] for mail in relay.mails] == ["leaver@example.org", "victim@example.org"]


def test_a_relay_that_comes_back_after_days_sends_nothing_about_the_past(database, home, clock, monkeypatch) -> None:
    clock("2026-03-01T09:00")
    strained()
    for day in range(1, 11):
        clock(f"2026-03-{day:02d}T09:01")
        score_all()
        send_due()
        upkeep.notice_silence()
    with transaction() as session:
        assert session.execute(select(Alert.state, Alert.told)).all() == [("open", False)]
    with open_relay() as (relay, url):
        monkeypatch.setenv("VAGUS_SMTP_URL", url)
        settings.settings.cache_clear()
        clock("2026-03-10T09:30")
        send_due()
    assert relay.mails == []


def test_mail_that_was_off_for_a_night_is_not_forgotten(relay, clock) -> None:
    clock("2026-03-01T09:00")
    owner = strained(quiet=(480, 600))
    clock("2026-03-01T09:01")
    score_all()
    with transaction() as session:
        assert session.scalars(select(Delivery.status)).one() == "held"
        session.execute(update(Channel).values(state="off"))
    clock("2026-03-01T10:01")
    send_due()
    with transaction() as session:
        session.execute(update(Channel).values(state="on"))
        store.request_score(session, owner, "test")
    clock("2026-03-01T11:00")
    score_all()
    send_due()
    assert len(relay.mails) == 1


def test_a_mail_that_goes_out_while_somebody_is_erased_takes_no_receipt_along(relay, clock, monkeypatch) -> None:
    clock("2026-03-01T09:00")
    person = confirmed()
    others = []

    def finish() -> None:
        with transaction() as session:
            privacy.finish_erasures(session)

    close, delete = privacy._close, privacy._delete_data

    def closed(person_id: int) -> None:
        close(person_id)
        finish()

    def deleted(session, person_id: int) -> None:
        others.append(threading.Thread(target=finish))
        others[0].start()
        time.sleep(0.3)
        delete(session, person_id)

    monkeypatch.setattr(privacy, "_close", closed)
    monkeypatch.setattr(privacy, "_delete_data", deleted)
    counts = privacy.erase(person)
    others[0].join()
    assert counts["day_values"] == 40
    with transaction() as session:
        assert session.scalars(select(Delivery.kind)).all() == ["erased"]


def test_whoever_comes_back_while_their_receipt_waits_is_told_so(database, clock) -> None:
    clock("2026-03-01T09:00")
    privacy.erase(confirmed())
    with pytest.raises(people.BeingErased, match="is being erased: come back"):
        bring(3)
    with transaction() as session:
        signin.ask(session, ADA, "nonce", "127.0.0.1")
        session.flush()
        code = session.scalars(select(SignInCode)).one()
        digits = vault().open(code.code, signin.place(code.id)).decode()
        refused = signin.enter(session, "nonce", digits)
        assert isinstance(refused, signin.Refused)
        assert "is being erased" in refused.sentence


def test_two_imports_for_one_person_at_once_both_arrive(database, clock) -> None:
    clock("2026-03-01T09:00")
    bring(5)
    failed: list[Exception] = []

    def again(count: int) -> None:
        for _ in range(12):
            try:
                bring(count)
            except Exception as error:  # noqa: BLE001  (whatever it is, it must not be)
                failed.append(error)

    threads = [threading.Thread(target=again, args=(count,)) for count in (6, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(DayValue)) == 7


def test_a_tick_that_meets_an_import_waits_for_nobody(database, clock, monkeypatch) -> None:
    clock("2026-02-02T09:00")
    bring(40)
    clock("2026-02-02T09:01")
    score_all()
    clock("2026-02-03T06:00")
    failed: list[Exception] = []
    ticks: list[threading.Thread] = []
    request = imports.request_score

    def tick() -> None:
        try:
            upkeep.notice_silence()
        except Exception as error:  # noqa: BLE001  (whatever it is, it must not be)
            failed.append(error)

    def meeting(*given) -> None:
        ticks.append(threading.Thread(target=tick))
        ticks[0].start()
        time.sleep(0.3)
        request(*given)

    monkeypatch.setattr(imports, "request_score", meeting)
    bring(41, datetime(2026, 2, 2, 23))  # noqa: DTZ001  (a file's local times)
    ticks[0].join()
    assert failed == []


def test_a_request_that_comes_while_the_last_try_fails_has_tries_of_its_own(database, clock) -> None:
    clock("2026-03-01T09:00")
    strained()
    clock("2026-03-01T09:01")
    with transaction() as session:
        session.execute(update(ScoreRequest).values(attempts=4))
        ((key, token),) = leases.claim(session, score.SCORES)

    def mended_meanwhile(person: int, _: str) -> None:
        with transaction() as session:
            store.request_score(session, person, "an import that mends it")
        raise ZeroDivisionError

    outcomes.run(score.SCORES, key, token, mended_meanwhile)
    with transaction() as session:
        assert session.execute(select(ScoreRequest.buried_at, ScoreRequest.attempts)).one() == (None, 0)


def test_a_clock_that_is_set_back_frees_what_was_leased_in_the_future(database, clock) -> None:
    clock("2027-03-01T09:00")
    person = strained()
    clock("2027-03-01T09:01")
    with transaction() as session:
        assert leases.claim(session, score.SCORES)
    clock("2026-03-01T09:00")
    with transaction() as session:
        store.request_score(session, person, "test")
    clock("2026-03-01T12:00")
    with transaction() as session:
        assert leases.claim(session, score.SCORES)


def test_the_day_we_wrote_is_the_one_where_the_person_is(database, clock) -> None:
    clock("2026-03-01T21:30")
    with transaction() as session:
        person = make_person(session, zone=None)
        live_nights(session, person, date(2026, 3, 2), story())
        session.execute(update(DayValue).values(utc_offset_minutes=600))
        now = the_clock.now()
        channel = session.scalars(select(Channel.id)).one()
        session.add(
            Delivery(
                person=person,
                channel=channel,
                kind="strained",
                key="k",
                thread="t",
                status="sent",
                not_before=now,
                created_at=now,
                sent_at=now,
            )
        )
    with transaction() as session:
        assert told_days(session, session.get_one(Person, person)) == {date(2026, 3, 2)}
