"""The morning brief: at the person's own time, once a day, with last night or saying that it is not here."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update

from ingest import snoozes
from ingest.db import transaction
from ingest.models import Channel, DayValue, Delivery, Person, Readiness, Series
from scoring.words import LANGUAGES
from tests.workers.hygiene_stage import arrive, judge, moment, owner, plain, send, told
from tests.workers.peers import STRAINED, USUAL, mailed, story
from workers import brief_letter, notes, upkeep
from workers.kinds import KINDS

WANTS = ("strained", "brief")
YESTERDAY, TODAY = date(2026, 3, 2), date(2026, 3, 3)
QUIET_NIGHTS = story(78, 0)  # they end at six: a brief is welcome at 6:20
FORBIDDEN = re.compile(
    r"fever|infection|overtrain|diagnos|abnormal|warning|danger|injur|Fieber|Infekt|Übertrain|Diagnos|Gefahr|krank|%",
    re.IGNORECASE,
)


@pytest.fixture
def relay(database, home, monkeypatch, clock):
    clock(f"{YESTERDAY}T05:00")
    with mailed(monkeypatch) as relay:
        yield relay


def awake(clock, **person):
    """Somebody whose nights came until yesterday, on the morning after."""
    made = owner(**{"wants": WANTS, "nights": QUIET_NIGHTS} | person)
    judge(made, clock)
    with transaction() as session:
        session.execute(delete(Delivery))
    clock(f"{TODAY}T04:00")
    return made


def last_night(person, clock, at, night=USUAL):
    clock(at)
    arrive(TODAY, *night)
    return judge(person, clock)


def phone(person, wants=("brief",)):
    """A browser of this person; what goes there is not sent here."""
    row = {"settings": {"key": "k", "label": "Phone"}, "wants": list(wants), "created_at": moment("2026-01-01T00:00")}
    with transaction() as session:
        session.add(Channel(person=person, kind="push", address="https://push.example.net/1", **row))


def rows():
    with transaction() as session:
        return session.scalars(select(Delivery).order_by(Delivery.id)).all()


def test_a_night_that_came_early_waits_for_twenty_minutes_after_usual_waking(relay, clock):
    mira = awake(clock)
    last_night(mira, clock, f"{TODAY}T05:30")
    (row,) = rows()
    assert (row.kind, row.key, row.status) == ("brief", "brief:2026-03-03", "held")
    assert row.not_before.replace(second=0, microsecond=0) == moment("2026-03-03T06:20")
    send(clock, f"{TODAY}T06:21")
    assert told() == [("brief", "sent")]


def test_a_night_that_came_late_is_told_at_once_and_a_day_has_one_brief(relay, clock):
    mira = awake(clock)
    assert last_night(mira, clock, f"{TODAY}T08:00")
    send(clock)
    judge(mira, clock, f"{TODAY}T09:00")
    send(clock)
    assert told() == [("brief", "sent")]
    assert len(relay.mails) == 1


def test_mail_and_phone_each_get_one(relay, clock):
    mira = awake(clock)
    phone(mira)
    last_night(mira, clock, f"{TODAY}T08:00")
    judge(mira, clock, f"{TODAY}T09:00")
    assert [(row.kind, row.key) for row in rows()] == [("brief", "brief:2026-03-03")] * 2
    assert len({row.channel for row in rows()}) == 2


def test_quiet_hours_outlast_an_early_waking(relay, clock):
    mira = awake(clock, quiet=(22 * 60, 7 * 60))
    last_night(mira, clock, f"{TODAY}T06:05")
    send(clock, f"{TODAY}T06:30")
    assert relay.mails == []
    send(clock, f"{TODAY}T07:01")
    assert told() == [("brief", "sent")]


def test_it_says_state_score_signals_what_moved_and_what_today_could_be(relay, clock):
    mira = awake(clock)
    last_night(mira, clock, f"{TODAY}T08:00", (46.0, 55.0))
    send(clock)
    (mail,) = relay.mails
    text = plain(mail)
    assert mail["Subject"] == "This morning: as usual"
    assert re.search(r"Readiness \d+ of 100", text)
    assert re.search(r"Overnight HRV +46 ms +usual \d+–\d+ +below usual", text)
    assert re.search(r"Sleeping heart rate +55 bpm +usual \d+–\d+ +above usual", text)
    assert re.search(r"fell by \d+ points since\s+yesterday, mostly by HRV", text)
    assert "One night alone decides nothing." in text.replace("\n", " ")
    assert "Today: Do what you had planned." in text
    assert "https://vagus.example.net/check-in" in text
    assert "How you feel counts more" in text
    assert all(len(line) <= 72 for line in text.splitlines() if "https://" not in line)


def test_it_says_what_is_missing_of_last_night(relay, clock):
    mira = awake(clock)
    clock(f"{TODAY}T08:00")
    arrive(TODAY, *USUAL)
    with transaction() as session:
        session.execute(update(DayValue).where(DayValue.day == TODAY, DayValue.value == USUAL[1]).values(gone=True))
    judge(mira, clock)
    send(clock)
    assert "Not here from last night: Sleeping heart rate." in plain(relay.mails[0]).replace("\n", " ")


def test_it_names_its_doubt(relay, clock):
    mira = awake(clock, nights=QUIET_NIGHTS[-26:])
    last_night(mira, clock, f"{TODAY}T08:00")
    send(clock)
    text = plain(relay.mails[0]).replace("\n", " ")
    assert "We are not sure, and this may change. Your usual range rests on" in text


def test_nobody_gets_one_who_did_not_ask(relay, clock):
    mira = awake(clock, wants=("strained",))
    last_night(mira, clock, f"{TODAY}T08:00")
    clock(f"{TODAY}T11:01")
    assert upkeep.say_nights_are_missing() is False
    assert told() == []


def test_at_eleven_it_says_that_last_night_is_not_here_and_no_mail_comes_twice(relay, clock):
    mira = awake(clock)
    clock(f"{TODAY}T10:59")
    assert upkeep.say_nights_are_missing() is False
    clock(f"{TODAY}T11:00")
    assert upkeep.say_nights_are_missing() is True
    assert upkeep.say_nights_are_missing() is False
    send(clock)
    (mail,) = relay.mails
    assert mail["Subject"] == "Last night isn't here yet"
    assert "Yesterday: as usual." in plain(mail)
    last_night(mira, clock, f"{TODAY}T13:00")
    send(clock)
    assert told() == [("brief_missing", "sent")]
    assert len(relay.mails) == 1


def test_a_phone_that_did_not_open_it_gets_the_late_night_in_its_place(relay, clock):
    mira = awake(clock, channel=False)
    phone(mira)
    clock(f"{TODAY}T11:00")
    upkeep.say_nights_are_missing()
    with transaction() as session:
        session.execute(update(Delivery).values(status="sent", sent_at=moment("2026-03-03T11:00")))
    last_night(mira, clock, f"{TODAY}T13:00")
    first, late = rows()
    assert (late.kind, late.status, late.thread) == ("brief", "waiting", first.thread)
    judge(mira, clock, f"{TODAY}T14:00")
    assert len(rows()) == 2


def test_a_phone_that_opened_it_is_left_alone(relay, clock):
    mira = awake(clock, channel=False)
    phone(mira)
    clock(f"{TODAY}T11:00")
    upkeep.say_nights_are_missing()
    opened = {"status": "sent", "sent_at": moment("2026-03-03T11:00"), "opened_at": moment("2026-03-03T11:01")}
    with transaction() as session:
        session.execute(update(Delivery).values(opened))
    last_night(mira, clock, f"{TODAY}T13:00")
    assert told() == [("brief_missing", "sent")]


def test_a_night_that_comes_while_the_other_message_waits_is_the_brief_after_all(relay, clock):
    mira = awake(clock)
    clock(f"{TODAY}T11:00")
    upkeep.say_nights_are_missing()
    last_night(mira, clock, f"{TODAY}T11:02")
    send(clock)
    assert told() == [("brief", "sent")]
    assert relay.mails[0]["Subject"] == "This morning: as usual"


def test_in_the_afternoon_there_is_no_brief(relay, clock):
    mira = awake(clock)
    last_night(mira, clock, f"{TODAY}T13:00")
    clock(f"{TODAY}T13:30")
    assert upkeep.say_nights_are_missing() is False
    assert told() == []


def test_who_sleeps_until_half_past_ten_hears_of_a_missing_night_two_hours_after_their_brief_was_welcome(relay, clock):
    awake(clock)
    with transaction() as session:
        session.execute(update(DayValue).values(ends_at=DayValue.ends_at + timedelta(hours=4, minutes=30)))
    for at, said in (("11:00", False), ("12:49", False), ("12:51", True)):
        clock(f"{TODAY}T{at}")
        assert upkeep.say_nights_are_missing() is said


def test_an_hour_too_late_nothing_is_said_of_it_any_more(relay, clock):
    awake(clock)
    clock(f"{TODAY}T12:05")
    assert upkeep.say_nights_are_missing() is False


def test_after_three_mornings_without_a_night_nothing_is_said_of_it(relay, clock):
    awake(clock)
    for day, said in (("2026-03-05", True), ("2026-03-06", False)):
        clock(f"{day}T11:00")
        assert upkeep.say_nights_are_missing() is said


def test_who_has_steps_and_no_nights_is_not_told_that_one_is_missing(relay, clock):
    awake(clock)
    with transaction() as session:
        for night, day in (("heart_rate_variability_rmssd", "active_energy"), ("resting_heart_rate", "step_count")):
            session.execute(update(Series).where(Series.measure == night).values(measure=day))
    clock(f"{TODAY}T11:00")
    assert upkeep.say_nights_are_missing() is False


def test_a_brief_of_nights_that_are_not_judged_any_more_is_a_sentence_and_a_link(relay, clock):
    mira = awake(clock)
    last_night(mira, clock, f"{TODAY}T05:30")
    with transaction() as session:
        session.execute(delete(Readiness))
    send(clock, f"{TODAY}T06:21")
    assert told() == [("brief", "sent")]
    assert relay.mails[0]["Subject"] == "Your morning brief"


def test_on_the_day_of_an_alert_there_is_no_brief(relay, clock):
    mira = awake(clock, nights=[*story(72, 0), *[STRAINED] * 4])
    last_night(mira, clock, f"{TODAY}T08:00", STRAINED)
    send(clock)
    judge(mira, clock, f"{TODAY}T08:30")
    send(clock)
    assert told() == [("strained", "sent")]


def test_a_brief_that_waits_gives_way_to_an_alert(relay, clock):
    mira = awake(clock)
    last_night(mira, clock, f"{TODAY}T05:30")
    with transaction() as session:
        channel = session.scalars(select(Channel.id)).one()
        alert = {"kind": "strained", "key": "strained:1", "thread": "alert-1", "subject": 1, "status": "sent"}
        times = {"not_before": moment("2026-03-03T06:00"), "created_at": moment("2026-03-03T06:00")}
        sent = Delivery(person=mira, channel=channel, sent_at=moment("2026-03-03T06:10"), **alert, **times)
        session.add(sent)
    send(clock, f"{TODAY}T06:21")
    assert told("brief") == ["cancelled"]


def test_a_snooze_keeps_briefs_away_also_one_that_waits(relay, clock):
    mira = awake(clock)
    last_night(mira, clock, f"{TODAY}T05:30")
    with transaction() as session:
        snoozes.begin(session, mira, "1")
    send(clock, f"{TODAY}T06:21")
    assert told() == [("brief", "cancelled")]
    judge(mira, clock, f"{TODAY}T07:00")
    clock(f"{TODAY}T11:01")
    assert upkeep.say_nights_are_missing() is False
    assert told() == [("brief", "cancelled")]


def test_an_address_nobody_confirmed_gets_neither_state_nor_number(relay, clock):
    mira = awake(clock, confirmed=False)
    last_night(mira, clock, f"{TODAY}T08:00")
    send(clock)
    text = re.sub(r"https?://\S+", "", plain(relay.mails[0]))
    assert relay.mails[0]["Subject"] == "Your morning brief"
    assert not re.search(r"\d|usual", text)


def test_it_is_written_in_the_language_of_its_person(relay, clock):
    mira = awake(clock, language="de")
    last_night(mira, clock, f"{TODAY}T08:00")
    send(clock)
    (mail,) = relay.mails
    assert mail["Subject"] == "Heute Morgen: wie üblich"
    assert "Schlafpuls" in plain(mail)
    assert not re.search(r"\b(usual|Today|Yesterday|night)\b", plain(mail))


def test_morning_is_where_the_person_is(relay, clock):
    mira = awake(clock, zone="Pacific/Auckland")  # eleven in the evening of the day before, in UTC
    with transaction() as session:
        earlier = DayValue.ends_at - timedelta(hours=13)
        session.execute(update(DayValue).values(utc_offset_minutes=13 * 60, ends_at=earlier))
    clock("2026-03-02T21:59")
    assert upkeep.say_nights_are_missing() is False
    clock("2026-03-02T22:00")
    assert upkeep.say_nights_are_missing() is True
    assert rows()[0].key == "brief:2026-03-03"
    assert mira


def test_lock_screens_of_briefs_carry_no_number_and_no_state():
    for kind in ("brief", "brief_missing", "reminder", "recovered", "other_signs"):
        for text in KINDS[kind].lock_screen.values():
            assert not re.search(r"\d|strain|usual|sign|Belast|üblich|Anzeichen", text)


@pytest.mark.parametrize("catalogues", [(notes.EN, notes.DE), (brief_letter.EN, brief_letter.DE)])
def test_both_languages_say_the_same_things_and_no_medical_word(catalogues):
    english, german = catalogues
    assert english.keys() == german.keys()
    assert len(LANGUAGES) == len(catalogues)
    for key, sentence in english.items():
        places = [set(re.findall(r"{\w+}", each)) for each in (sentence, german[key])]
        assert places[0] == places[1], key
        assert not FORBIDDEN.search(sentence + german[key]), key
        for each in (sentence, german[key]):
            assert all(len(part.split()) <= 20 for part in re.split(r"[.!?:]", each)), key


def test_the_brief_of_somebody_who_left_is_nobodys(relay, clock):
    mira = awake(clock)
    last_night(mira, clock, f"{TODAY}T05:30")
    with transaction() as session:
        session.execute(update(Person).values(state="erasing"))
    send(clock, f"{TODAY}T06:21")
    assert told() == [("brief", "cancelled")]
    with transaction() as session:
        assert session.scalars(select(Readiness.day)).all()
