"""From a delivery to a mail: asked again, sent, marked; and what the mail says."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ingest import channels, privacy, settings, signin, store, vault
from ingest import clock as the_clock
from ingest.db import transaction
from ingest.models import Alert, Channel, Delivery, Person, ScoreRequest, SignInCode
from ingest.ops import queues, telling
from tests.workers.peers import live_nights, mailed, make_person, make_told, story
from tests.workers.sync_stage import send_due
from workers import codes, leases, letters, messages, outcomes, score

FORBIDDEN = re.compile(
    r"fever|infection|arrhythmia|overtrain|diagnos|abnormal|safe to train|injur|neural fatigue|disease|patient|treat"
    r"|monitor|risk|%",
    re.IGNORECASE,
)


@pytest.fixture
def relay(home, monkeypatch):
    with mailed(monkeypatch) as relay:
        yield relay


def score_and_send(person, clock, *, at="2026-03-01T09:02"):
    clock(at)
    with transaction() as session:
        ((key, token),) = leases.claim(session, score.SCORES)
    outcomes.run(score.SCORES, key, token, lambda *given: score.score_person(*given) and None)
    return send_due()


def alerted(clock, **person):
    clock("2026-03-01T09:00")
    with transaction() as session:
        owner = make_person(session, **person)
        live_nights(session, owner, the_clock.now().date(), story())
        store.request_score(session, owner, "test")
    return owner


def only(table):
    with transaction() as session:
        return session.scalars(select(table)).one()


def change(table, **values):
    with transaction() as session:
        session.execute(update(table).values(**values))


def test_strain_reaches_the_person_as_one_complete_mail(database, relay, clock):
    score_and_send(alerted(clock), clock)
    (mail,) = relay.mails
    text = mail.get_body(("plain",)).get_content()
    page = mail.get_body(("html",)).get_content()
    assert mail["Subject"] == "Strain has lasted several nights"
    for said in (text, page):
        assert re.search(r"On \d of your last\s+\d\s+nights", said), "for how many nights"
        assert "Overnight HRV" in said
        assert "Sleeping heart rate" in said
        assert re.search(r"usual \d+–\d+", said), "against what"
        assert re.search(r"may\s+be", said), "what it may be"
        assert re.search(r"can\s+look\s+the\s+same", said), "what else looks the same"
        assert "What to do next" in said
        assert "How you feel counts more" in said
        assert "Not a medical device" in said
        assert "https://vagus.example.net/alerts/" in said
    (image,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert image.get_content()[:4] == b"\x89PNG"
    assert "cid:chart" in page
    assert all(len(line) <= 72 for line in text.splitlines() if "https://" not in line)


def test_the_page_of_a_mail_fetches_nothing_and_brings_its_own_light_background(database, relay, clock):
    score_and_send(alerted(clock), clock)
    page = relay.mails[0].get_body(("html",)).get_content()
    assert not re.search(r"<img[^>]+src=\"(?!cid:)|<script|<link|@import|url\(", page)
    assert 'name="color-scheme" content="light only"' in page
    assert 'bgcolor="#ffffff"' in page
    assert "max-width:600px" in page


def test_no_mail_uses_a_medical_word_or_a_percentage(database, relay, clock):
    score_and_send(alerted(clock), clock)
    letter = letters.sign_in("123456")
    told = relay.mails[0]
    for said in (told.get_body(("plain",)).get_content(), told.get_body(("html",)).get_content(), letter.text):
        visible = re.sub(r"<style.*?</style>|<[^>]*>|https?://\S+", " ", said, flags=re.DOTALL)
        assert not FORBIDDEN.search(visible.replace("Not a medical device", ""))


def test_an_address_nobody_confirmed_gets_a_sentence_and_a_link_and_no_number(database, relay, clock):
    score_and_send(alerted(clock, confirmed=False), clock)
    (mail,) = relay.mails
    text = mail.get_body(("plain",)).get_content()
    assert letters.EN["quiet.seen"] in text
    assert not re.search(r"\d", re.sub(r"https?://\S+", "", text))
    assert not [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert "strain" not in mail["Subject"].lower()


def test_who_reads_german_is_judged_and_written_to_in_german(database, relay, clock):
    owner = alerted(clock)
    change(Person, language="de")
    score_and_send(owner, clock)
    (mail,) = relay.mails
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert mail["Subject"] == "Belastung seit mehreren Nächten"
    assert re.search(r"In \d deiner letzten \d Nächte deuteten HRV und Schlafpuls zusammen auf Belastung hin", text)
    assert re.search(r"Schlafpuls \d+ bpm üblich \d+–\d+ höher als üblich", text)
    assert "Wie du dich fühlst, zählt mehr" in text


def test_another_language_says_the_same_nights_anew_and_sends_nothing(database, relay, clock):
    owner = alerted(clock)
    score_and_send(owner, clock)
    with transaction() as session:
        (before,) = store.readiness(session, owner)[-1:]
        session.get_one(Person, owner).language = "de"
        store.request_score(session, owner, "language")
    score_and_send(owner, clock, at="2026-03-01T10:00")
    with transaction() as session:
        (after,) = store.readiness(session, owner)[-1:]
    assert (after.state, after.score, after.alert) == (before.state, before.score, before.alert)
    assert before.explanation.startswith("On ")
    assert after.explanation.startswith("In ")
    assert (only(Alert).state, only(Delivery).status, len(relay.mails)) == ("open", "sent", 1)


def test_what_was_sent_is_marked_and_never_sent_again(database, relay, clock):
    owner = alerted(clock)
    score_and_send(owner, clock)
    delivery, alert = only(Delivery), only(Alert)
    assert (delivery.status, delivery.lease_token, alert.told) == ("sent", None, True)
    with transaction() as session:
        store.request_score(session, owner, "again")
    score_and_send(owner, clock, at="2026-03-02T09:00")
    clock("2026-03-02T12:00")
    assert send_due() == 0
    assert len(relay.mails) == 1


@pytest.mark.parametrize(
    "case",
    [
        (Alert, {"state": "withdrawn"}, "does not hold"),
        (Alert, {"state": "closed"}, "does not hold"),
        (Channel, {"state": "off"}, "turned off"),
        (Channel, {"wants": []}, "turned off"),
        (Person, {"state": "erasing"}, "leaving"),
    ],
)
def test_what_is_no_longer_wanted_is_cancelled_and_says_why(database, relay, clock, case):
    table, values, reason = case
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_told(session, "mira@example.org")
    change(table, **values)
    send_due()
    delivery = only(Delivery)
    assert relay.mails == []
    assert delivery.status == "cancelled"
    assert reason in delivery.error


def test_a_cancelled_delivery_comes_back_with_its_alert(database, relay, clock):
    owner = alerted(clock)
    clock("2026-03-01T09:01")
    with transaction() as session:
        ((key, token),) = leases.claim(session, score.SCORES)
        leases.begin(score.SCORES, key, token)
    score.score_person(key, token)
    change(Alert, state="withdrawn")
    send_due()
    assert (only(Delivery).status, only(Alert).told) == ("cancelled", False)
    with transaction() as session:
        store.request_score(session, owner, "again")
    score_and_send(owner, clock, at="2026-03-01T10:00")
    assert (only(Delivery).status, only(Alert).told, len(relay.mails)) == ("sent", True, 1)


def test_quiet_hours_are_kept_also_when_the_mail_was_late(database, relay, clock):
    clock("2026-03-01T21:00")
    with transaction() as session:
        make_told(session, "mira@example.org", quiet=(22 * 60, 7 * 60))
    clock("2026-03-01T23:00")
    send_due()
    delivery = only(Delivery)
    assert (delivery.status, delivery.attempts, relay.mails) == ("held", 0, [])
    clock("2026-03-02T07:01")
    send_due()
    assert (only(Delivery).status, len(relay.mails)) == ("sent", 1)


def test_a_mail_for_the_morning_that_is_refused_then_is_not_late_since_the_evening(database, relay, clock):
    clock("2026-03-01T22:30")
    with transaction() as session:
        make_told(session, "mira@example.org", quiet=(22 * 60, 7 * 60))
    send_due()
    assert waits_since() is None
    relay.answers["RCPT"] = "450 4.2.0 greylisted"
    for minute in ("07:01", "07:02", "07:06"):
        clock(f"2026-03-02T{minute}")
        assert send_due() == 1
        assert f"{waits_since():%d %H:%M}" == "02 07:01"
    relay.answers.clear()
    clock("2026-03-02T07:30")
    send_due()
    assert (only(Delivery).status, only(Delivery).failing_since, waits_since()) == ("sent", None, None)


def waits_since():
    """Since when operators are told that a mail is tried in vain: on the board, and as a queue's age."""
    with transaction() as session:
        (mail,) = telling.told(session, the_clock.now()).channels
        notify = next(each for each in queues.queues(session, the_clock.now()) if each.queue == "notify")
    if mail.retrying:
        assert notify.oldest_with_retries == mail.retrying_since
    return mail.retrying_since


def test_an_address_that_is_refused_for_good_turns_its_channel_off_and_says_so(database, relay, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_told(session, "mira@example.org")
    relay.answers["RCPT"] = "550 5.1.1 no such user"
    send_due()
    channel = only(Channel)
    assert only(Delivery).status == "failed"
    assert channel.state == "off"
    assert "5.1.1" in channel.reason


def test_a_mail_refused_for_now_waits_longer_each_time_and_fails_at_the_fifth(database, relay, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_told(session, "mira@example.org")
    relay.answers["RCPT"] = "450 4.2.0 greylisted"
    waits = []
    for _ in range(4):
        send_due()
        delivery = only(Delivery)
        assert delivery.status == "waiting"
        waits.append(round((delivery.not_before - the_clock.now()).total_seconds(), -1))
        clock(delivery.not_before + timedelta(seconds=1))
    send_due()
    assert waits == [30, 150, 750, 3750]
    assert (only(Delivery).status, only(Channel).state) == ("failed", "on")


def test_without_a_mail_server_a_delivery_waits_and_loses_no_try(database, relay, clock, monkeypatch):
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_told(session, "mira@example.org")
    url = settings.settings().smtp_url.get_secret_value()
    monkeypatch.delenv("VAGUS_SMTP_URL")
    settings.settings.cache_clear()
    for minute in range(7):
        clock(f"2026-03-01T09:{2 * minute + 1:02d}")
        assert send_due() == 1
    delivery = only(Delivery)
    assert (delivery.status, delivery.attempts) == ("waiting", 0)
    assert delivery.error == "no mail server set: VAGUS_SMTP_URL"
    monkeypatch.setenv("VAGUS_SMTP_URL", url)
    settings.settings.cache_clear()
    clock("2026-03-01T09:30")
    send_due()
    assert only(Delivery).status == "sent"


def test_who_lost_the_lease_while_sending_marks_nothing(database, relay, clock, monkeypatch):
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_told(session, "mira@example.org")
    ready = messages._ready

    def robbed(*given):
        change(Delivery, lease_token="another")
        return ready(*given)

    monkeypatch.setattr(messages, "_ready", robbed)
    send_due()
    assert (only(Delivery).status, only(Alert).told) == ("waiting", False)


def test_the_footer_of_a_mail_names_its_channel_and_no_other(database, relay, clock):
    score_and_send(alerted(clock), clock)
    token = re.search(r"/u/(\S+?)>", relay.mails[0]["List-Unsubscribe"])[1]
    channel = only(Channel)
    assert channels.channel_of(token) == channel.id
    number, _, signature = token.partition(".")
    for forged in (
        f"{int(number) + 1}.{signature}",
        number,
        "",
        f"{number}.",
        "²." + signature,
        "9" * 30 + "." + signature,
    ):
        assert channels.channel_of(forged) is None


def test_a_sign_in_code_is_mailed_once_and_then_forgotten(database, relay, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        signin.ask(session, "mira@example.org", "nonce", "127.0.0.1")
    with transaction() as session:
        digits = vault.vault().open(only(SignInCode).code, signin.place(only(SignInCode).id)).decode()
        ((key, token),) = leases.claim(session, codes.CODES)
    outcomes.run(codes.CODES, key, token, codes.mail_code)
    outcomes.run(codes.CODES, key, token, codes.mail_code)
    (mail,) = relay.mails
    row = only(SignInCode)
    assert mail["Subject"] == "Your Vagus code"
    assert digits in mail.get_body(("plain",)).get_content()
    assert digits in mail.get_body(("html",)).get_content()
    assert (row.code, row.sent_at is not None) == (None, True)


def test_a_sign_in_code_that_could_not_be_mailed_is_tried_again_within_seconds_while_it_lives(database, relay, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        signin.ask(session, "mira@example.org", "nonce", "127.0.0.1")
    relay.answers["RCPT"] = "450 4.2.0 later"

    def attempt(at):
        clock(at)
        with transaction() as session:
            claimed = leases.claim(session, codes.CODES)
        for key, token in claimed:
            outcomes.run(codes.CODES, key, token, codes.mail_code)
        return len(claimed)

    assert attempt("2026-03-01T09:00:01") == 1
    assert attempt("2026-03-01T09:00:05") == 0
    assert attempt("2026-03-01T09:00:20") == 1
    relay.answers.clear()
    assert attempt("2026-03-01T09:00:40") == 1
    assert len(relay.mails) == 1
    assert attempt("2026-03-01T09:20") == 0


def test_an_expired_code_is_not_mailed(database, relay, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        signin.ask(session, "mira@example.org", "nonce", "127.0.0.1")
    with transaction() as session:
        ((key, token),) = leases.claim(session, codes.CODES)
    clock("2026-03-01T09:11")
    outcomes.run(codes.CODES, key, token, codes.mail_code)
    assert (relay.mails, only(SignInCode).code) == ([], None)


def test_nothing_is_left_to_score_after_it_was_scored(database, relay, clock):
    score_and_send(alerted(clock), clock)
    with transaction() as session:
        assert session.scalars(select(ScoreRequest)).all() == []


def test_a_sent_delivery_never_waits_again_whatever_becomes_of_its_alert(database, relay, clock):
    owner = alerted(clock)
    score_and_send(owner, clock)
    change(Alert, state="withdrawn", told=False)
    with transaction() as session:
        store.request_score(session, owner, "again")
    score_and_send(owner, clock, at="2026-03-01T11:00")
    assert (only(Alert).state, only(Delivery).status, len(relay.mails)) == ("open", "sent", 1)


def test_who_is_erased_gets_one_last_mail_and_then_even_the_address_is_gone(database, relay, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        person = make_person(session)
        live_nights(session, person, the_clock.now().date(), story())
    privacy.erase(person)
    assert send_due() == 1
    (mail,) = relay.mails
    text = mail.get_body(("plain",)).get_content()
    assert "everything that Vagus stored about you was erased" in text
    assert re.search(r"Nightly values +156", text)
    assert mail["List-Unsubscribe"] is None
    with transaction() as session:
        assert session.scalars(select(Person)).all() == []
    assert send_due() == 0


def test_the_receipt_of_an_erasure_names_the_day_where_the_person_is(database, relay, clock):
    clock("2026-03-01T12:00")  # an hour after midnight in Auckland
    with transaction() as session:
        person = make_person(session, zone="Pacific/Auckland")
    privacy.erase(person)
    assert send_due() == 1
    assert "On 2 Mar 2026 " in " ".join(relay.mails[0].get_body(("plain",)).get_content().split())


def test_the_receipt_alone_has_those_who_left_looked_for(database, relay, clock, monkeypatch):
    looked = []
    monkeypatch.setattr(privacy, "finish_erasures", looked.append)
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_told(session, "mira@example.org")
    send_due()
    assert (only(Delivery).status, looked) == ("sent", [])


def test_a_message_on_its_way_to_somebody_being_erased_is_not_sent(database, relay, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_told(session, "mira@example.org")
        session.execute(update(Person).values(state="erasing"))
    send_due()
    assert relay.mails == []


def test_every_place_that_a_mail_links_to_is_on_its_page(database, relay, clock):
    person = alerted(clock)
    score_and_send(person, clock)
    (mail,) = relay.mails
    anchors = set(re.findall(r"/alerts/\d+#([a-z-]+)", mail.get_body(("plain",)).get_content()))
    page = (Path(letters.__file__).parents[1] / "ingest/web/templates/alert.html").read_text()
    assert anchors
    assert all(f'id="{anchor}"' in page for anchor in anchors)
