"""The page that says which device counts, and the choice of another."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import insert, select

from ingest import clock
from ingest.db import transaction
from ingest.models import Connection, DayValue, ScoreRequest, Series, SeriesChoice, VendorAccount
from tests.ingest.web.web_stage import TODAY, Sitter, Stage, nights
from tests.workers.peers import night_row

PAGE = "/connections/devices"
NIGHTLY = {
    "heart_rate_variability_rmssd": 60,
    "resting_heart_rate": 52,
    "respiratory_rate": 14,
    "total_sleep_time": 430,
}


def wear(sitter: Sitter, vendor: str, count: int, *, back: int = 0, more: tuple[str, ...] = ()) -> int:
    """Nights of a device until `back` days ago, and a connection; its account."""
    with transaction() as session:
        account = VendorAccount(person=sitter.id, vendor=vendor, external_id=f"{vendor}-{sitter.id}")
        account.created_at = clock.now()
        session.add(account)
        session.flush()
        session.add(
            Connection(
                vendor_account=account.id, kind="grant", state="active", state_since=clock.now(), created_at=clock.now()
            )
        )
        for measure in (*NIGHTLY, *more):
            series = Series(person=sitter.id, vendor_account=account.id, measure=measure, definition="x")
            series.context, series.created_at = "sleep", clock.now()
            session.add(series)
            session.flush()
            days = (TODAY - timedelta(days=back + each) for each in range(count))
            session.execute(insert(DayValue), [night_row(series.id, day, NIGHTLY.get(measure, 5)) for day in days])
        return account.id


def text(sitter: Sitter, path: str = PAGE) -> str:
    answer = sitter.client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", answer.text, flags=re.DOTALL)))


def checked(sitter: Sitter) -> str:
    return re.search(r'value="(\d+)" checked', sitter.client.get(PAGE).text)[1]


@pytest.fixture
def both(stage: Stage) -> tuple[Sitter, int, int]:
    """Somebody with 120 nights of a ring and 6 of a strap, which alone tells the strain of a day."""
    mira = stage.sitter()
    return mira, wear(mira, "oura", 120, more=("step_count",)), wear(mira, "whoop", 6, more=("vendor_strain",))


def test_without_a_second_device_there_is_nothing_to_choose(stage: Stage):
    mira = stage.sitter()
    assert "No nights yet." in text(mira)
    wear(mira, "oura", 12)
    page = text(mira)
    assert "One device: nothing to choose. All your nights are read from Oura: 12 nights so far." in page
    assert "Save" not in page


def test_the_page_says_which_device_each_signal_is_read_from_since_when_and_why(both):
    page = text(both[0])
    assert "Your nights are read from Oura Since Sun 26 Jul. It began first: 120 nights." in page
    assert "Overnight HRV Oura 22 Nov Sleeping heart rate Oura 22 Nov" in page
    assert "Strain of the day WHOOP Oura has none" in page
    assert "Steps Oura only it has this" in page


def test_the_page_says_what_a_choice_means_before_it_is_made(both, stage: Stage):
    assert "WHOOP Your usual range begins anew: 6 of 21 nights so far." in text(both[0])
    ben = stage.sitter("ben@example.org")
    wear(ben, "oura", 120)
    wear(ben, "whoop", 118)
    assert "WHOOP Your usual range is then its own: 118 nights of it are here." in text(ben)


def test_a_choice_is_kept_said_judged_anew_and_can_be_taken_back(both):
    mira, _, strap = both
    assert checked(mira) == "0"
    answer = mira.client.post(PAGE, data={"account": strap})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?saved=true")
    assert checked(mira) == str(strap)
    page = text(mira, f"{PAGE}?saved=true")
    assert "Saved. Your nights are being judged anew; nothing is sent about the past." in page
    assert "Your nights are read from WHOOP Since Tue 17 Nov. You chose it." in page
    with transaction() as session:
        assert session.scalars(select(ScoreRequest.reason)).all() == ["device chosen"]
    mira.client.post(PAGE, data={"account": 0})
    assert checked(mira) == "0"
    with transaction() as session:
        assert session.scalars(select(SeriesChoice)).all() == []


def test_a_chosen_device_that_fell_silent_is_named_with_the_one_that_is_read_instead(stage: Stage):
    mira = stage.sitter()
    wear(mira, "oura", 100)
    strap = wear(mira, "whoop", 60, back=9)
    mira.client.post(PAGE, data={"account": strap})
    page = text(mira)
    assert "You chose WHOOP, which is silent since 13 Nov; until it speaks again it is this one." in page
    assert "WHOOP Silent since 13 Nov. It counts again from its next night on." in page
    assert checked(mira) == str(strap)


def test_nobody_sees_or_chooses_the_device_of_somebody_else(both, stage: Stage):
    eve = stage.sitter("eve@example.org")
    assert "WHOOP" not in text(eve)
    assert eve.client.post(PAGE, data={"account": both[2]}).status_code == 404
    assert eve.client.post(PAGE, data={"account": 2**70}).status_code == 404
    assert eve.client.post(PAGE, data={"account": "ring"}).status_code == 422
    assert stage.client().get(PAGE).status_code == 303
    with transaction() as session:
        assert session.scalars(select(SeriesChoice)).all() == []


def test_another_site_cannot_choose(both):
    mira, _, strap = both
    foreign = {"sec-fetch-site": "cross-site"}
    assert mira.client.post(PAGE, data={"account": strap}, headers=foreign).status_code == 403
    assert checked(mira) == "0"


def test_connections_lead_there_only_where_there_are_two_devices(both, stage: Stage):
    assert "Which device counts" in text(both[0], "/connections")
    ben = stage.sitter("ben@example.org")
    wear(ben, "oura", 3)
    assert "Which device counts" not in text(ben, "/connections")


def test_today_names_the_device_that_was_read_where_there_are_two(both, stage: Stage):
    mira = both[0]
    stage.judge(mira, [replace(night, hrv_series="oura/1//hrv", resting_series="oura/1//rate") for night in nights()])
    assert "Read from Oura. Which device counts" in text(mira, "/today")
