"""One person's nights become readiness, alerts and deliveries, in one transaction that others can interrupt."""

from datetime import date

import pytest
from sqlalchemy import func, select, update

from ingest import clock as the_clock
from ingest import store
from ingest.db import transaction
from ingest.grants.replay import DISCARDED
from ingest.models import Alert, Channel, Delivery, Person, Readiness, ScoreRequest
from ingest.runs import LeaseLost
from tests.workers.hygiene_stage import arrive
from tests.workers.peers import STRAINED, live_nights, make_person, story
from workers import leases, score
from workers.score import SCORES

TODAY = date(2026, 3, 1)


@pytest.fixture
def mira(database, home, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        person = make_person(session)
        live_nights(session, person, TODAY, story())
        store.request_score(session, person, "test")
    clock("2026-03-01T09:01")
    return person


def take(person):
    with transaction() as session:
        ((key, token),) = leases.claim(session, SCORES)
    assert key == person
    assert leases.begin(SCORES, key, token) == 1
    return token


def count(table, *conditions):
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions))


def test_strain_that_holds_now_makes_one_alert_and_one_delivery_that_waits(mira):
    assert score.score_person(mira, take(mira)) is True
    with transaction() as session:
        alert = session.scalars(select(Alert)).one()
        delivery = session.scalars(select(Delivery)).one()
    assert (alert.state, alert.told, alert.last_day) == ("open", False, TODAY)
    assert (delivery.status, delivery.key, delivery.thread) == ("waiting", f"strained:{alert.id}", f"alert-{alert.id}")
    assert count(Readiness) == 78
    assert count(ScoreRequest) == 0


def test_scoring_again_without_news_writes_no_readiness_row_and_no_second_delivery(mira, clock):
    score.score_person(mira, take(mira))
    with transaction() as session:
        computed = session.scalars(select(Readiness.computed_at)).all()
        store.request_score(session, mira, "again")
    clock("2026-03-01T10:00")
    assert score.score_person(mira, take(mira)) is False
    with transaction() as session:
        assert session.scalars(select(Readiness.computed_at)).all() == computed
    assert count(Delivery) == 1


def test_a_request_that_grew_meanwhile_stays_due(mira, monkeypatch):
    token = take(mira)
    read = score.histories_of

    def with_news(*given):
        with transaction() as other:
            store.request_score(other, mira, "news")
        return read(*given)

    monkeypatch.setattr(score, "histories_of", with_news)
    score.score_person(mira, token)
    with transaction() as session:
        request = session.get_one(ScoreRequest, mira)
    assert (request.version, request.lease_token) == (2, None)


def test_who_lost_the_lease_writes_nothing(mira):
    token = take(mira)
    with transaction() as session:
        session.execute(update(ScoreRequest).values(lease_token="another"))
    with pytest.raises(LeaseLost):
        score.score_person(mira, token)
    assert count(Readiness) == count(Alert) == 0


def test_a_lease_lost_while_scoring_rolls_everything_back(mira, monkeypatch):
    token = take(mira)
    judge = score._judge

    def robbed(*given):
        with transaction() as other:
            other.execute(update(ScoreRequest).values(lease_token="another"))
        return judge(*given)

    monkeypatch.setattr(score, "_judge", robbed)
    with pytest.raises(LeaseLost):
        score.score_person(mira, token)
    assert count(Readiness) == count(Alert) == count(Delivery) == 0


def test_somebody_who_is_leaving_is_not_judged_and_the_request_goes(mira):
    token = take(mira)
    with transaction() as session:
        session.execute(update(Person).values(state="erasing"))
    assert score.score_person(mira, token) is False
    assert count(Readiness) == count(ScoreRequest) == 0


def test_history_never_alerts(mira, clock):
    clock("2026-03-04T09:00")
    score.score_person(mira, take(mira))
    assert count(Readiness, Readiness.state == "strained") > 0
    assert count(Alert) == 0


def test_a_person_without_a_channel_is_told_when_one_is_added_and_strain_still_holds(mira, clock):
    with transaction() as session:
        channel = session.scalars(select(Channel)).one()
        channel.state = "off"
    score.score_person(mira, take(mira))
    assert (count(Alert, ~Alert.told), count(Delivery)) == (1, 0)
    with transaction() as session:
        session.execute(update(Channel).values(state="on"))
        store.request_score(session, mira, "channel")
    clock("2026-03-01T12:00")
    assert score.score_person(mira, take(mira)) is True
    assert (count(Alert), count(Delivery)) == (1, 1)


def test_moving_the_slider_opens_as_told_what_only_the_slider_shows(database, home, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        person = make_person(session)
        session.execute(update(Person).values(sensitivity="calm"))
        usual = story(78, 0)
        mild = usual[:70] + [(hrv * 0.94, rate + 0.84) for hrv, rate in usual[70:]]
        live_nights(session, person, TODAY, mild)
        store.request_score(session, person, "test")
    clock("2026-03-01T09:01")
    score.score_person(person, take(person))
    assert count(Alert) == 0
    with transaction() as session:
        session.execute(update(Person).values(sensitivity="early"))
        store.request_score(session, person, "slider")
    clock("2026-03-01T09:02")
    assert score.score_person(person, take(person)) is False
    assert (count(Alert, Alert.told, Alert.state == "open"), count(Delivery)) == (1, 0)


def test_quiet_hours_hold_a_delivery_until_they_end_where_the_person_is(database, home, clock):
    clock("2026-03-01T21:30")  # 22:30 in Berlin
    with transaction() as session:
        person = make_person(session, quiet=(22 * 60, 7 * 60), zone="Europe/Berlin")
        live_nights(session, person, TODAY, story())
        store.request_score(session, person, "test")
    clock("2026-03-01T21:31")
    score.score_person(person, take(person))
    with transaction() as session:
        delivery = session.scalars(select(Delivery)).one()
    assert (delivery.status, delivery.not_before.isoformat(timespec="seconds")) == ("held", "2026-03-02T06:00:00+00:00")


def test_a_second_alert_within_a_week_is_held_back_with_its_reason_and_not_told_later(mira, clock):
    score.score_person(mira, take(mira))
    with transaction() as session:
        first = session.scalars(select(Alert)).one()
        first.first_day = first.last_day = date(2026, 1, 1)  # so that the run is another's
        first.state, first.told = "closed", True
        delivery = session.scalars(select(Delivery)).one()
        delivery.status, delivery.sent_at = "sent", the_clock.now()
        store.request_score(session, mira, "test")
    clock("2026-03-01T10:00")
    assert score.score_person(mira, take(mira)) is False
    with transaction() as session:
        second = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
        store.request_score(session, mira, "test")
    assert (second.status, second.error[:9]) == ("cancelled", "held back")
    clock("2026-03-01T11:00")
    assert score.score_person(mira, take(mira)) is False
    assert count(Delivery) == 2


def test_an_alert_whose_message_goes_out_while_nights_are_judged_stays_told(mira, clock, monkeypatch):
    score.score_person(mira, take(mira))
    decide = score.alerts.decide

    def while_it_is_sent(*given):
        with transaction() as other:
            other.execute(update(Alert).values(told=True))
        return decide(*given)

    monkeypatch.setattr(score.alerts, "decide", while_it_is_sent)
    clock("2026-03-02T09:00")
    arrive(date(2026, 3, 2), *STRAINED)
    with transaction() as session:
        store.request_score(session, mira, "test")
    clock("2026-03-02T09:01")
    score.score_person(mira, take(mira))
    with transaction() as session:
        alert = session.scalars(select(Alert)).one()
    assert (alert.last_day, alert.told) == (date(2026, 3, 2), True)


def test_a_message_that_an_operator_discarded_is_not_decided_on_anew(mira, clock):
    score.score_person(mira, take(mira))
    with transaction() as session:
        delivery = session.scalars(select(Delivery)).one()
        delivery.status, delivery.error = "cancelled", DISCARDED
        store.request_score(session, mira, "test")
    clock("2026-03-01T10:00")
    assert score.score_person(mira, take(mira)) is False
    assert count(Delivery) == 1
