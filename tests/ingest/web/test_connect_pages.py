"""Connecting a wearable through the pages: there and back, what is refused, how it stands, and the end of it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
import structlog
from sqlalchemy import delete, func, select, update

from ingest import clock as the_clock
from ingest.db import transaction
from ingest.grants import connections, following, oauth
from ingest.models import (
    BackfillWindow,
    Connection,
    Credential,
    DayValue,
    Episode,
    HintReceived,
    OAuthState,
    ScoreRequest,
    Series,
    StreamState,
    VendorAccount,
    VendorApp,
)
from tests.ingest.web.web_stage import NOON, TODAY, Sitter, Stage, nights
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated, simulated


@pytest.fixture
def sim(stage: Stage) -> Iterator[Simulated]:
    """The simulator with one person, set up here as Oura."""
    with simulated(hooks=False) as running:
        running.add_person("mira", nights=30, last_day=TODAY)
        running.add_app(f"{stage.url}/connect/oura/return")
        with transaction() as session:
            secret = oauth.seal_secret("oura", CLIENT_ID, CLIENT_SECRET)
            app = VendorApp(vendor="oura", client_id=CLIENT_ID, client_secret=secret, created_at=NOON)
            app.origin = running.origin
            session.add(app)
        yield running


def text(answer) -> str:
    page = re.sub(r"<svg.*?</svg>|<script.*?</script>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(page))


def there(sitter: Sitter) -> str:
    """Click Connect; the address of the vendor's page."""
    answer = sitter.client.post("/connect/oura")
    assert answer.status_code == 303
    return answer.headers["location"]


def back(sim: Simulated, url: str, **choice) -> str:
    """Click at the vendor; the path this browser comes back to."""
    place = urlsplit(sim.consent(url, **choice))
    return f"{place.path}?{place.query}"


def connect(sitter: Sitter, sim: Simulated, **choice) -> int:
    answer = sitter.client.get(back(sim, there(sitter), **choice))
    assert answer.status_code == 303, text(answer)
    return int(answer.headers["location"].removeprefix("/connections/"))


def rows(table) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_two_clicks_connect_and_lead_to_the_progress(stage: Stage, sim):
    sitter = stage.sitter()
    page = sitter.client.get("/connect")
    assert "What do you wear to bed?" in text(page)
    assert "Oura will ask you to share sleep," in text(page)
    key = connect(sitter, sim)
    progress = text(sitter.client.get(f"/connections/{key}"))
    assert "Oura is connected" in progress
    assert "You can close this page" in progress
    with transaction() as session:
        assert session.scalar(select(Credential.connection)) == key
        assert following.filling(session, sitter.id)


def test_the_list_says_why_a_vendor_cannot_be_connected_and_offers_a_file(stage: Stage):
    page = text(stage.sitter().client.get("/connect"))
    assert "Cannot be connected here: whoever runs this service has not set it up yet." in page
    assert "Bring a file" in page


def test_a_vendor_that_is_not_set_up_or_unknown_leads_nowhere(stage: Stage):
    client = stage.sitter().client
    assert "not set up here yet" in text(client.post("/connect/oura"))
    assert client.post("/connect/nobody").status_code == 404
    assert client.get("/connect/nobody/return?code=c&state=s").status_code == 404


def test_forms_of_these_pages_alone_may_lead_to_the_vendor(stage: Stage, sim):
    sitter = stage.sitter()
    key = connect(sitter, sim)
    for path in ("/connect", "/connections", f"/connections/{key}"):
        policy = sitter.client.get(path).headers["content-security-policy"]
        assert f"form-action 'self' {sim.origin.removesuffix('/oura')};" in policy
    assert "form-action 'self';" in sitter.client.get("/today").headers["content-security-policy"]


def test_the_real_vendors_own_hosts_are_named_where_no_simulator_stands_in(stage: Stage, sim):
    with transaction() as session:
        session.scalars(select(VendorApp)).one().origin = None
    policy = stage.sitter().client.get("/connect").headers["content-security-policy"]
    assert "form-action 'self' https://*.ouraring.com https://cloud.ouraring.com;" in policy


def test_saying_no_at_the_vendor_connects_nothing_and_offers_another_try(stage: Stage, sim):
    sitter = stage.sitter()
    answer = sitter.client.get(back(sim, there(sitter), allow=False))
    assert answer.status_code == 409
    assert "Oura says that access was not granted: nothing was connected." in text(answer)
    assert 'href="/connect"' in answer.text
    assert rows(Connection) == 0


def test_a_way_back_is_good_once(stage: Stage, sim):
    sitter = stage.sitter()
    path = back(sim, there(sitter))
    assert sitter.client.get(path).status_code == 303
    again = sitter.client.get(path)
    assert again.status_code == 409
    assert "was used before" in text(again)


def test_a_way_back_is_good_for_a_quarter_of_an_hour(stage: Stage, sim, clock):
    sitter = stage.sitter()
    path = back(sim, there(sitter))
    clock(NOON + connections.ON_THE_WAY + timedelta(minutes=1))
    assert "has expired" in text(sitter.client.get(path))
    assert rows(Connection) == 0


def test_a_way_back_opened_in_another_browser_of_the_same_person_connects_nothing(stage: Stage, sim):
    sitter = stage.sitter()
    path = back(sim, there(sitter))
    other = stage.client()
    other.cookies.set("vagus_session", sitter.cookie, domain="127.0.0.1")
    assert "another browser" in text(other.get(path))
    assert other.post("/connect/oura").status_code == 303  # nor where that browser is on a way of its own
    assert "another browser" in text(other.get(path))
    assert rows(Connection) == 0


def test_a_way_back_sent_to_somebody_else_does_not_give_them_the_account(stage: Stage, sim):
    mira, rolf = stage.sitter(), stage.sitter("rolf@example.org")
    path = back(sim, there(mira))
    there(rolf)
    assert rolf.client.get(path).status_code == 409
    assert rows(Connection) == 0


def test_an_account_of_somebody_else_here_is_refused_and_stays_theirs(stage: Stage, sim):
    mira, rolf = stage.sitter(), stage.sitter("rolf@example.org")
    connect(mira, sim)
    answer = rolf.client.get(back(sim, there(rolf)))
    assert answer.status_code == 409
    assert "connected by somebody else here" in text(answer)
    with transaction() as session:
        assert session.scalars(select(VendorAccount.person)).all() == [mira.id]


def test_a_vendor_that_is_away_loses_nothing_and_says_so(stage: Stage, sim):
    sitter = stage.sitter()
    path = back(sim, there(sitter))
    sim.faults.some("503", share=1.0)
    answer = sitter.client.get(path)
    assert answer.status_code == 503
    assert "Oura could not be asked just now. Nothing was connected and nothing is lost" in text(answer)
    assert rows(Connection) == 0


def test_who_comes_back_signed_out_is_told_and_led_on_and_the_code_is_not_kept(stage: Stage, sim):
    sitter = stage.sitter()
    path = back(sim, there(sitter))
    stranger = stage.client()
    answer = stranger.get(path)
    assert answer.status_code == 403
    assert "This browser is not signed in" in text(answer)
    assert "/connect" in answer.headers["set-cookie"]
    assert "code" not in answer.headers["set-cookie"]
    assert rows(Connection) == 0
    assert sitter.client.get(path).status_code == 303  # the right browser may still finish


def test_codes_and_states_never_reach_the_log(stage: Stage, sim, caplog):
    sitter, stranger = stage.sitter(), stage.client()
    secrets = []
    with structlog.testing.capture_logs() as said:
        for choice in ({}, {"allow": False}):
            path = back(sim, there(sitter), **choice)
            secrets += re.findall(r"(?:code|state)=([^&]+)", path)
            stranger.get(path)
            sitter.client.get(path)
            sitter.client.get(path)
        path = back(sim, there(sitter))
        secrets += re.findall(r"(?:code|state)=([^&]+)", path)
        sim.faults.some("503", share=1.0)
        sitter.client.get(path)
    own = [
        record.getMessage() for record in caplog.records if record.name.startswith(("ingest", "uvicorn", "oauthlib"))
    ]
    heard = f"{said} {own}"
    assert "grant_failed" in heard
    assert len(secrets) == 5
    assert not [secret for secret in secrets if secret in heard]


def test_connecting_again_keeps_the_connection_and_revives_it(stage: Stage, sim):
    sitter = stage.sitter()
    key = connect(sitter, sim)
    lose(key)
    page = sitter.client.get("/connections")
    assert "Needs you" in text(page)
    assert "Nothing is lost." in text(page)
    assert "Reconnect" in text(page)
    assert connect(sitter, sim) == key
    assert "Needs you" not in text(sitter.client.get("/connections"))


def lose(key: int) -> None:
    with transaction() as session:
        connection = session.get_one(Connection, key)
        connection.state, connection.state_since = "reconnect", the_clock.now() - timedelta(days=2)


def fetched(key: int, *, days: int = 94, windows: int = 3) -> None:
    """As if the newest windows of the past were read, each night with its values."""
    with transaction() as session:
        connection = session.get_one(Connection, key)
        account = session.get_one(VendorAccount, connection.vendor_account)
        newest = select(BackfillWindow.id).where(
            BackfillWindow.connection == key, BackfillWindow.stream == "oura.sleep"
        )
        newest = newest.order_by(BackfillWindow.end_at.desc()).limit(windows)
        done = update(BackfillWindow).where(BackfillWindow.id.in_(newest)).values(state="done", done_at=NOON)
        session.execute(done, execution_options={"synchronize_session": False})
        series = Series(
            person=account.person,
            vendor_account=account.id,
            measure="heart_rate_variability_rmssd",
            definition="test",
            context="sleep",
            created_at=NOON,
        )
        session.add(series)
        session.flush()
        version = {"source_rank": 2, "as_of": NOON, "content": "1", "state": "final"}
        for back_days in range(days):
            ended = NOON - timedelta(days=back_days)
            span = {"starts_at": ended - timedelta(hours=8), "ends_at": ended, "day": ended.date()}
            session.add(
                Episode(
                    vendor_account=account.id,
                    stream="oura.sleep",
                    record=f"n{back_days}",
                    kind="sleep",
                    main=True,
                    edited=False,
                    detail={},
                    **span,
                    **version,
                )
            )
            session.add(DayValue(series=series.id, record=f"n{back_days}", value=50, **span, **version))


def finished(key: int) -> None:
    with transaction() as session:
        done = {"state": "done", "done_at": NOON}
        session.execute(update(BackfillWindow).where(BackfillWindow.connection == key).values(done))
        session.execute(delete(ScoreRequest))


def test_the_progress_counts_rows_and_nights_and_renews_itself_until_it_ends(stage: Stage, sim):
    sitter = stage.sitter()
    key = connect(sitter, sim)
    fetched(key)
    answer = sitter.client.get(f"/connections/{key}")
    with transaction() as session:
        total = session.scalar(select(func.count()).where(BackfillWindow.connection == key))
    assert f'value="3" max="{total}"' in answer.text
    assert '<meta http-equiv="refresh" content="5">' in answer.text
    assert re.search(r"94 of up to 180 nights · newest first, back to \d+ \w+", text(answer))
    assert "Nights with HRV 94" in text(answer)
    assert "While you wait" in text(answer)  # a browser's question would not outlive a page that renews itself
    assert "http-equiv" not in sitter.client.get(f"/connections/{key}?still=true").text


def test_the_progress_is_useful_before_it_ends_and_in_the_end_says_the_usual_range(stage: Stage, sim):
    sitter = stage.sitter(given=nights())
    key = connect(sitter, sim)
    fetched(key)
    early = text(sitter.client.get(f"/connections/{key}"))
    assert re.search(r"Your first reading is already here\. Your usual range: HRV \d+–\d+ ms, sleeping heart", early)
    assert "See today" in early
    finished(key)
    answer = sitter.client.get(f"/connections/{key}")
    assert re.search(
        r"94 nights read .* Your usual range: HRV \d+–\d+ ms, sleeping heart rate \d+–\d+ bpm\.", text(answer)
    )
    assert "http-equiv" not in answer.text


def test_a_slow_vendor_and_a_part_that_failed_are_said_and_alarm_nobody(stage: Stage, sim):
    sitter = stage.sitter()
    key = connect(sitter, sim)
    with transaction() as session:
        session.execute(update(BackfillWindow).values(due_at=the_clock.now() + timedelta(minutes=24)))
        first = session.scalars(select(BackfillWindow).order_by(BackfillWindow.start_at).limit(1)).one()
        first.state, first.error = "buried", "ValueError in read"
    answer = sitter.client.get(f"/connections/{key}")
    assert "Oura asks us to slow down; continuing at 06:12." in text(answer)
    assert "could not be read. Whoever runs this service sees it; nothing else is affected." in text(answer)
    assert "ValueError" not in answer.text
    assert '<meta http-equiv="refresh" content="30">' in answer.text


def test_sync_now_marks_every_stream_at_most_once_a_minute(stage: Stage, sim, clock):
    sitter = stage.sitter()
    key = connect(sitter, sim)

    def later() -> None:
        with transaction() as session:
            session.execute(update(StreamState).values(next_at=the_clock.now() + timedelta(hours=1)))

    def due() -> int:
        with transaction() as session:
            return session.scalar(select(func.count()).where(StreamState.next_at <= the_clock.now()))

    later()
    assert sitter.client.post(f"/connections/{key}/sync").headers["location"] == "/connections?asked=true"
    assert due() == rows(StreamState)
    later()
    sitter.client.post(f"/connections/{key}/sync")
    assert due() == 0
    clock(NOON + timedelta(minutes=3))
    sitter.client.post(f"/connections/{key}/sync")
    assert due() == rows(StreamState)
    assert "Asked just now." in text(sitter.client.get("/connections?asked=true"))


@pytest.mark.parametrize(("choice", "left"), [("keep", 94), ("delete", 0)])
def test_disconnecting_ends_the_grant_at_the_vendor_and_keeps_or_deletes_the_nights(stage: Stage, sim, choice, left):
    sitter = stage.sitter()
    key = connect(sitter, sim)
    fetched(key)
    asked = text(sitter.client.get(f"/connections/{key}/disconnect"))
    assert "Disconnect Oura?" in asked
    answer = sitter.client.post(f"/connections/{key}/disconnect", data={"nights": choice})
    assert "Oura is disconnected." in text(answer)
    assert sim.calls("/oauth/revoke") == 1
    assert rows(Credential) == 0
    assert rows(Episode) == left
    assert rows(BackfillWindow) == 0 or "Disconnected" in text(sitter.client.get("/connections"))


def test_opening_the_page_before_the_end_ends_nothing_and_a_choice_is_needed(stage: Stage, sim):
    sitter = stage.sitter()
    key = connect(sitter, sim)
    sitter.client.get(f"/connections/{key}/disconnect")
    assert sitter.client.post(f"/connections/{key}/disconnect", data={"nights": "burn"}).status_code == 422
    assert rows(Credential) == 1


def test_one_person_never_sees_or_changes_a_connection_of_another(stage: Stage, sim):
    mira, rolf = stage.sitter(), stage.sitter("rolf@example.org")
    key = connect(mira, sim)
    with transaction() as session:
        session.execute(update(StreamState).values(next_at=NOON + timedelta(hours=1), hinted_at=None))
    for method, path in (
        ("GET", f"/connections/{key}"),
        ("POST", f"/connections/{key}/sync"),
        ("GET", f"/connections/{key}/disconnect"),
        ("POST", f"/connections/{key}/disconnect"),
    ):
        assert rolf.client.request(method, path, data={"nights": "delete"}).status_code == 404, path
        for nobodys in (0, 99, 2**70):
            other = path.replace(str(key), str(nobodys))
            assert mira.client.request(method, other, data={"nights": "keep"}).status_code == 404, other
    assert "Oura" not in text(rolf.client.get("/connections"))
    with transaction() as session:
        assert session.get_one(Connection, key).state == "active"
        assert session.scalar(select(func.max(StreamState.hinted_at))) is None


def test_signed_out_nobody_sees_any_of_it(stage: Stage, sim):
    key = connect(stage.sitter(), sim)
    stranger = stage.client()
    for path in ("/connect", "/connections", f"/connections/{key}", f"/connections/{key}/disconnect"):
        assert stranger.get(path).headers["location"] == "/sign-in", path
    for path in ("/connect/oura", f"/connections/{key}/sync", f"/connections/{key}/disconnect"):
        assert stranger.post(path, data={"nights": "delete"}).headers["location"] == "/sign-in", path
    assert rows(OAuthState) == 0
    assert rows(HintReceived) == 0


def test_a_form_of_another_site_connects_and_disconnects_nothing(stage: Stage, sim):
    sitter = stage.sitter()
    key = connect(sitter, sim)
    for path in ("/connect/oura", f"/connections/{key}/sync", f"/connections/{key}/disconnect"):
        answer = sitter.client.post(path, data={"nights": "delete"}, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403


def test_a_file_is_a_source_among_the_others(stage: Stage):
    sitter = stage.sitter()
    with transaction() as session:
        account = VendorAccount(person=sitter.id, vendor="whoop", created_at=NOON)
        session.add(account)
        session.flush()
        file = Connection(vendor_account=account.id, kind="file", state_since=NOON, created_at=NOON)
        session.add(file)
        session.flush()
        key = file.id
    assert "WHOOP, by file" in text(sitter.client.get("/connections"))
    assert sitter.client.get(f"/connections/{key}").headers["location"] == "/connections"
    assert sitter.client.post(f"/connections/{key}/disconnect", data={"nights": "delete"}).status_code == 404


def test_today_says_that_a_connection_needs_the_person(stage: Stage, sim):
    sitter = stage.sitter(given=nights(TODAY - timedelta(days=3)))
    key = connect(sitter, sim)
    lose(key)
    page = text(sitter.client.get("/today"))
    assert "Oura needs you. Oura ended our access on 20 Nov." in page
    assert "Bring a newer file" not in page


def test_today_says_how_far_the_past_is_and_that_nothing_is_decided_before(stage: Stage, sim):
    sitter = stage.sitter(given=nights())
    key = connect(sitter, sim)
    fetched(key, days=40)
    page = text(sitter.client.get("/today"))
    assert re.search(r"Reading your past nights: 40 of up to 180\. No alert is decided before they are in\.", page)
    finished(key)
    assert "Reading your past nights" not in text(sitter.client.get("/today"))


def test_a_late_night_names_the_app_that_sends_it(stage: Stage, sim):
    sitter = stage.sitter(given=nights(TODAY - timedelta(days=1)))
    connect(sitter, sim)
    assert "Opening the Oura app sends it." in text(sitter.client.get("/today"))


def test_somebody_who_just_connected_is_not_asked_for_a_file(stage: Stage, sim):
    sitter = stage.sitter()
    key = connect(sitter, sim)
    assert "Your nights are being read" in text(sitter.client.get("/today"))
    finished(key)
    page = text(sitter.client.get("/today"))
    assert "Wear it to bed tonight" in page
    assert "Bring a file" not in page
    with transaction() as session:
        session.execute(update(Connection).where(Connection.id == key).values(state="needs_you"))
    page = text(sitter.client.get("/today"))
    assert "Oura needs you first" in page
    assert "nothing else to do" not in page
