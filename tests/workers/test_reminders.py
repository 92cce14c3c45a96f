"""One reminder, one all-clear, other signs once: what is told beside the alert, and never while snoozed."""

import re
from datetime import date

import pytest
from sqlalchemy import select, update

from ingest import snoozes
from ingest.db import transaction
from ingest.grants.replay import DISCARDED
from ingest.models import Alert, Channel, Delivery
from tests.workers.hygiene_stage import arrive, breathe, judge, live_on, owner, plain, send, told
from tests.workers.peers import STRAINED, USUAL, mailed, story

TODAY = date(2026, 3, 1)


@pytest.fixture
def relay(database, home, monkeypatch, clock):
    clock("2026-03-01T09:00")
    with mailed(monkeypatch) as relay:
        yield relay


def alerted(clock, **person):
    made = owner(**person)
    judge(made, clock)
    send(clock)
    assert told("strained") == ["sent"]
    return made


def snooze(person, span):
    with transaction() as session:
        snoozes.begin(session, person, span)


def test_strain_that_still_holds_a_week_later_is_reminded_of_once(relay, clock):
    mira = alerted(clock)
    live_on(mira, clock, [STRAINED] * 6)
    assert told("reminder") == []
    live_on(mira, clock, [STRAINED] * 4)
    assert told("reminder") == ["sent"]
    text = plain(relay.mails[-1])
    assert relay.mails[-1]["Subject"] == "Strain is still there"
    assert relay.mails[-1]["References"] == relay.mails[0]["References"]
    assert "How you feel counts more" in text
    assert re.search(r"/u/\S+/pause", text)
    assert "Sleeping heart rate" in text
    assert all(len(line) <= 72 for line in text.splitlines() if "https://" not in line)
    assert len(relay.mails) == 2


def test_a_reminder_goes_where_strain_goes_and_not_where_it_was_turned_off(relay, clock):
    mira = alerted(clock)
    live_on(mira, clock, [STRAINED] * 6)
    with transaction() as session:
        session.execute(update(Channel).values(wants=["brief", "recovered"]))
    live_on(mira, clock, [STRAINED] * 3)
    assert told("reminder") == []


def test_a_reminder_that_waits_is_called_off_where_strain_is_not_wanted_any_more(relay, clock):
    mira = alerted(clock)
    live_on(mira, clock, [STRAINED] * 6)
    clock("2026-03-08T09:00")
    arrive(date(2026, 3, 8), *STRAINED)
    judge(mira, clock)
    assert told("reminder") == ["waiting"]
    with transaction() as session:
        session.execute(update(Channel).values(wants=["brief"]))
    send(clock)
    assert told("reminder") == ["cancelled"]


def test_a_reminder_that_an_operator_discarded_is_not_written_anew(relay, clock):
    mira = alerted(clock)
    live_on(mira, clock, [STRAINED] * 8)
    assert told("reminder") == ["sent"]
    with transaction() as session:
        session.execute(update(Delivery).where(Delivery.kind == "reminder").values(status="cancelled", error=DISCARDED))
    live_on(mira, clock, [STRAINED] * 2)
    assert told("reminder") == ["cancelled"]


def test_an_all_clear_comes_once_and_only_to_those_who_want_it(relay, clock):
    mira = alerted(clock, wants=("strained", "recovered"))
    live_on(mira, clock, [USUAL] * 9)
    assert told("recovered") == ["sent"]
    assert relay.mails[-1]["Subject"] == "Back to usual"
    assert "nights of strain" in plain(relay.mails[-1])


def test_without_asking_nobody_hears_that_it_has_passed(relay, clock):
    mira = alerted(clock)
    live_on(mira, clock, [USUAL] * 9)
    assert told() == [("strained", "sent")]


def test_an_alert_that_was_not_told_has_no_all_clear(relay, clock):
    mira = owner(wants=("recovered",))
    judge(mira, clock)
    live_on(mira, clock, [USUAL] * 9)
    assert told() == []


@pytest.mark.parametrize(("wants", "sent"), [(("strained", "other_signs"), ["sent"]), (("strained",), [])])
def test_other_signs_are_told_once_to_those_who_want_it(relay, clock, wants, sent):
    mira = owner(wants=wants, nights=[*story(77, 0), STRAINED])
    breathe(mira)
    judge(mira, clock)
    send(clock)
    judge(mira, clock)
    send(clock)
    assert told("other_signs") == sent
    assert told("strained") == []
    if sent:
        text = plain(relay.mails[0])
        assert relay.mails[0]["Subject"] == "Other signs in your nights"
        assert "Rest first" in text.replace("\n", " ")


def test_other_signs_of_the_past_are_not_told(relay, clock):
    mira = owner(wants=("other_signs",), nights=[*story(77, 0), STRAINED])
    breathe(mira)
    judge(mira, clock, "2026-03-04T09:00")
    assert told() == []


def test_strain_that_begins_in_a_snooze_is_told_once_when_it_ends_and_still_holds(relay, clock):
    mira = owner()
    snooze(mira, "3")
    judge(mira, clock)
    live_on(mira, clock, [STRAINED] * 2)
    assert (relay.mails, told()) == ([], [("strained", "held")])
    live_on(mira, clock, [STRAINED] * 3)
    assert told() == [("strained", "sent")]
    assert len(relay.mails) == 1


def test_strain_that_passed_in_a_snooze_is_never_told(relay, clock):
    mira = owner()
    snooze(mira, "7")
    judge(mira, clock)
    live_on(mira, clock, [USUAL] * 8)
    assert (relay.mails, told()) == ([], [("strained", "cancelled")])


def test_strain_that_begins_weeks_after_one_that_passed_in_the_same_snooze_is_told_when_it_ends(relay, clock):
    mira = owner()
    snooze(mira, "always")
    judge(mira, clock)
    live_on(mira, clock, [USUAL] * 25 + [STRAINED] * 8)
    with transaction() as session:
        snoozes.end(session, mira)
    send(clock)
    assert told("strained") == ["cancelled", "sent"]
    assert len(relay.mails) == 1


def test_an_all_clear_that_a_snooze_held_for_weeks_is_no_news_any_more(relay, clock):
    mira = alerted(clock, wants=("strained", "recovered"))
    snooze(mira, "always")
    live_on(mira, clock, [USUAL] * 45)
    assert told("recovered") == ["held"]
    with transaction() as session:
        snoozes.end(session, mira)
    send(clock)
    assert told("recovered") == ["cancelled"]


def test_a_message_that_waits_already_keeps_a_snooze_that_comes_later(relay, clock):
    mira = owner(quiet=(8 * 60, 10 * 60))
    judge(mira, clock)
    snooze(mira, "1")
    send(clock, "2026-03-01T10:01")
    with transaction() as session:
        delivery = session.scalars(select(Delivery)).one()
    assert (delivery.status, delivery.not_before.date()) == ("held", date(2026, 3, 2))
    assert relay.mails == []


def test_until_i_say_lasts_until_they_say(relay, clock):
    mira = owner()
    snooze(mira, "always")
    judge(mira, clock)
    live_on(mira, clock, [STRAINED] * 2)
    with transaction() as session:
        snoozes.end(session, mira)
    send(clock)
    assert told() == [("strained", "sent")]


def test_no_reminder_is_written_in_a_snooze(relay, clock):
    mira = alerted(clock)
    live_on(mira, clock, [STRAINED] * 6)
    snooze(mira, "3")
    live_on(mira, clock, [STRAINED] * 2)
    assert told("reminder") == []
    live_on(mira, clock, [STRAINED] * 2)
    assert told("reminder") == ["sent"]


def test_an_address_nobody_confirmed_gets_no_number_of_these_either(relay, clock):
    mira = alerted(clock, confirmed=False)
    live_on(mira, clock, [STRAINED] * 8)
    text = plain(relay.mails[-1]).replace("https://vagus.example.net", "")
    assert told("reminder") == ["sent"]
    assert "strain" not in relay.mails[-1]["Subject"].lower()
    assert not [line for line in text.splitlines() if any(sign.isdigit() for sign in line) and "/u/" not in line]


def test_the_alert_that_was_told_stays_told_through_all_of_this(relay, clock):
    mira = alerted(clock, wants=("strained", "recovered"))
    live_on(mira, clock, [STRAINED] * 8 + [USUAL] * 8)
    with transaction() as session:
        alerts = session.scalars(select(Alert)).all()
    assert [(alert.state, alert.told) for alert in alerts] == [("closed", True)]
    assert told() == [("strained", "sent"), ("reminder", "sent"), ("recovered", "sent")]
