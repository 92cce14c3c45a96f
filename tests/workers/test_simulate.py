"""The simulator over real HTTP: an app connects, pages through a person's data, and breaks as ordered."""

import hashlib
import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from structlog.testing import capture_logs
from typer import Typer
from typer.testing import CliRunner

from providers.errors import Misconfigured
from providers.simulator.conversation import Call
from providers.simulator.people import Story
from tests.ground import wait_for
from tests.simulated import CLIENT_ID, CLIENT_SECRET, simulated
from workers import simulate, simulate_command

BACK = "http://127.0.0.1:8730/connect/oura/return"
SLEEP = "/v2/usercollection/sleep"
SPAN = {"start_date": "2026-02-01", "end_date": "2026-03-21"}
APP = {"x-client-id": CLIENT_ID, "x-client-secret": CLIENT_SECRET}


@pytest.fixture
def sim(clock):
    clock("2026-03-20T12:00")
    with simulated(page_size=200, hooks=False) as running:
        yield running


@pytest.fixture
def app(sim):
    sim.add_person("mira", Story.OVERREACHING, nights=40, seed=7, last_day=date(2026, 3, 20))
    return sim.add_app(BACK)


@pytest.fixture
def access(sim, app):
    return sim.connect(app)["access_token"]


class Callback(BaseHTTPRequestHandler):
    """An app's webhook address: proves itself, keeps what it is sent, answers as told."""

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        self.say(200, json.dumps({"challenge": query["challenge"][0]}).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.kept.append((dict(self.headers.items()), body))
        self.say(self.server.statuses.pop(0) if self.server.statuses else 200)

    def say(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def callback():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    server.kept, server.statuses = [], []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def subscribe(sim, server, event_type="create", data_type="sleep"):
    wanted = {
        "callback_url": f"http://127.0.0.1:{server.server_address[1]}/hooks/oura",
        "verification_token": "a token",
        "event_type": event_type,
        "data_type": data_type,
    }
    return requests.post(f"{sim.origin}/v2/webhook/subscription", json=wanted, headers=APP, timeout=10)


def test_an_app_connects_with_one_click_and_reads_every_heart_beat_page_by_page(sim, access):
    assert sim.get(access, "personal_info").json()["id"] == sim.oura.accounts["mira"].id
    span = {"start_datetime": "2026-03-10T00:00:00+00:00", "end_datetime": "2026-03-20T12:00:00Z"}
    pages = list(sim.pages(access, "heartrate", **span))
    assert len(pages) > 10
    assert all(len(page) <= 200 for page in pages)
    seen = {record["timestamp_unix"] // 1000: record["bpm"] for page in pages for record in page}
    had = sim.truth("mira", datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 20, 12, 0, 1, tzinfo=UTC))
    assert seen == {at: bpm for at, bpm, _ in had["heart_rate"]}
    assert len(seen) > 2500


def test_consent_may_be_narrower_or_denied(sim, app):
    sim.add_person("bo", Story.ILL, nights=3)
    tokens = sim.connect(app, person="bo", scopes=["heartrate"])
    assert tokens["scope"] == "heartrate"
    assert sim.get(tokens["access_token"], "sleep").status_code == 401
    url = f"{sim.origin}/oauth/authorize?response_type=code&client_id={CLIENT_ID}&redirect_uri={BACK}&state=x"
    assert sim.consent(url, allow=False) == f"{BACK}?error=access_denied&state=x"


def test_the_simulator_lives_by_the_one_clock(sim, access, clock):
    clock("2026-03-20T04:00")
    before = {one["id"] for page in sim.pages(access, "sleep", **SPAN) for one in page}
    clock("2026-03-20T12:00")
    assert len({one["id"] for page in sim.pages(access, "sleep", **SPAN) for one in page} - before) == 1
    clock("2026-03-21T12:00:01")
    assert sim.get(access, "sleep").status_code == 401


def test_a_reset_breaks_the_connection_and_the_next_call_finds_it_whole(sim, access):
    sim.faults.next("reset", path=SLEEP)
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        sim.get(access, "sleep")
    assert sim.get(access, "sleep").status_code == 200


def test_half_a_page_ends_before_the_length_it_promised(sim, access):
    sim.faults.next("half", path=SLEEP)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        sim.get(access, "sleep", **SPAN)
    assert sim.get(access, "sleep", **SPAN).json()["data"]


def test_a_late_answer_outlasts_the_clients_patience_and_holds_nobody_else_up(sim, access):
    sim.faults.next("timeout", path=SLEEP, seconds=60)
    with pytest.raises(requests.Timeout):
        requests.get(f"{sim.origin}{SLEEP}", headers={"Authorization": f"Bearer {access}"}, timeout=0.2)
    assert sim.get(access, "sleep").status_code == 200


def test_a_rotation_whose_answer_is_lost_leaves_no_token_that_works(sim, app):
    tokens = sim.connect(app)
    sim.faults.next("lost", path="/oauth/token")
    with pytest.raises(requests.ConnectionError):
        sim.token(app, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    again = sim.token(app, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


def test_of_eight_that_refresh_at_once_with_one_token_one_gets_another(sim, app):
    refresh = sim.connect(app)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        answers = list(pool.map(lambda _: sim.token(app, **form).status_code, range(8)))
    assert sorted(answers) == [200, *[400] * 7]
    assert sim.calls("/oauth/token", 400) == 7


def test_a_kept_alive_connection_survives_answers_of_every_kind(sim, access):
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {access}"
        sim.faults.next("503", path=SLEEP)
        statuses = [session.get(f"{sim.origin}{path}", timeout=10).status_code for path in (SLEEP, SLEEP, "/none")]
        assert statuses == [503, 200, 404]


def test_a_new_night_reaches_the_apps_address_signed(sim, app, callback, clock):
    sim.oura.accounts["mira"].phone.times = (time(9), time(22))
    clock("2026-03-20T08:00")
    sim.connect(app)
    made = subscribe(sim, callback)
    assert made.status_code == 201
    assert sim.fire() == 0
    clock("2026-03-20T09:00")
    assert sim.fire() == len(callback.kept) > 0
    headers, body = callback.kept[0]
    signed = hmac.new(CLIENT_SECRET.encode(), headers["x-oura-timestamp"].encode() + body, hashlib.sha256)
    assert headers["x-oura-signature"] == signed.hexdigest().upper()
    assert json.loads(body)["data_type"] == "sleep"


def test_webhooks_go_out_by_themselves_and_again_when_not_acknowledged(clock, callback):
    clock("2026-03-20T08:00")
    with simulated() as sim:
        account = sim.add_person("mira", nights=3, phone=(time(9),))
        sim.connect(sim.add_app(BACK))
        subscribe(sim, callback)
        wait_for(lambda: "mira" in sim.oura.hooks.noticed)
        callback.statuses.append(500)
        sim.control("notify", handle="mira", event_type="create", data_type="sleep", object_id=account.id)
        clock("2026-03-20T08:00:31")
        wait_for(lambda: len(callback.kept) == 1)
        clock("2026-03-20T08:01")
        wait_for(lambda: len(callback.kept) == 2)
        wait_for(lambda: not sim.oura.hooks.waiting)
    assert callback.kept[0][1] == callback.kept[1][1]


def test_nobody_outside_of_this_machine_is_ever_called(sim, app):
    wanted = {"verification_token": "t", "event_type": "create", "data_type": "sleep"}
    for address in ("http://192.0.2.1/hooks", "https://vagus.example/hooks", "http://[2001:db8::1]/", "nonsense"):
        asked = requests.post(
            f"{sim.origin}/v2/webhook/subscription", json=wanted | {"callback_url": address}, headers=APP, timeout=2
        )
        assert asked.status_code == 400
    assert simulate.call(Call("GET", "http://127.0.0.1:1/")).status == 0


def test_the_simulator_refuses_to_listen_beyond_this_machine():
    with pytest.raises(Misconfigured, match="on this machine only"):
        simulate.Served(host="0.0.0.0")  # noqa: S104


def test_the_levers_work_over_http(sim):
    sim.control("app", client_id="a", client_secret="s", redirect_uris=[BACK], portal="new", expires_in=60)
    told = sim.control("person", handle="bo", story="ill", nights=9, seed=3, phone=["07:30"], utc_offset_minutes=60)
    assert told["last_day"] == "2026-03-20"
    app = sim.oura.grants.apps["a"]
    asked = f"{sim.origin}/oauth/authorize?response_type=code&client_id=a&redirect_uri={BACK}"
    code = parse_qs(urlsplit(sim.consent(asked)).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    access = sim.token(app, "/oauth/v2/ext/oauth-token", **form).json()["access_token"]
    assert sim.control("grants")[0]["person"] == "bo"
    assert sim.control("phone", handle="bo")["synced"] == "2026-03-20T06:30:00+00:00"
    assert sim.control("phone", handle="bo", open=True)["synced"].startswith("2026-03-20T12:00")
    away = [["2026-03-20T06:00:00+00:00", "2026-03-21T00:00:00+00:00"]]
    assert sim.control("phone", handle="bo", times=[], away=away)["synced"].startswith("2026-03-20T12:00")
    sim.control("fault", kind="429", n=1, path=SLEEP, args={"retry_after": 9})
    sim.control("fault", kind="500", share=1.0, path=SLEEP)
    limited = sim.get(access, "sleep")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "9")
    assert sim.get(access, "sleep").status_code == 500
    assert sim.control("clear") == {"rules": 0}
    assert sim.control("set", page_size=2)["page_size"] == 2
    sleep = sim.get(access, "sleep", **SPAN).json()["data"][0]
    assert len(sim.get(access, "sleep", **SPAN).json()["data"]) == 2
    sim.control("remove", handle="bo", document=sleep["id"])
    assert sim.get(access, f"sleep/{sleep['id']}").json()["type"] == "deleted"
    truth = sim.control("truth", handle="bo", since="2026-03-01T00:00:00+00:00", until="2026-03-21T00:00:00+00:00")
    assert len(truth["night"]) >= 7
    assert sim.control("subscriptions") == {"subscriptions": [], "waiting": 0, "lost": 0}
    assert sim.control("fire") == {"sent": 0}
    sim.control("lapse", handle="bo")
    assert sim.get(access, "sleep").status_code == 403
    assert sim.control("expire", handle="bo") == {"ended": 1}
    assert sim.control("deauthorise", handle="bo") == {"ended": 1}
    counted = {(one["path"], one["status"]): one["count"] for one in sim.control("calls") if one["token"] == access}
    assert counted[SLEEP, 500] == 1


def test_a_lever_that_is_not_there_or_pulled_wrongly_says_so_in_a_line(sim):
    def refused(name, **given):
        answer = requests.post(f"{sim.control_url}{name}", json=given, timeout=10)
        assert answer.status_code == 400
        return answer.json()["error"]

    assert "there is no magic" in refused("magic")
    assert refused("lapse", handle="nobody") == "there is no person nobody"
    assert "handle" in refused("lapse")
    assert "418" in refused("fault", kind="418")
    assert requests.get(f"{sim.control_url}calls", timeout=10).status_code == 405
    assert requests.get(sim.origin.removesuffix("/oura"), timeout=10).status_code == 404


def test_what_breaks_inside_the_simulator_is_not_hidden(sim, access, monkeypatch):
    monkeypatch.setattr(sim.oura.limits, "reached", None)
    with capture_logs() as logs, pytest.raises(requests.ConnectionError):
        sim.get(access, "sleep")
    assert [(one["event"], type(one["exc_info"])) for one in logs] == [("simulator_failed", TypeError)]


def test_one_can_wait_for_a_call(sim, access):
    assert not sim.wait(SLEEP, 1, seconds=0)
    asking = threading.Thread(target=sim.get, args=(access, "sleep"))
    asking.start()
    assert sim.control("wait", path=SLEEP, count=1) == {"called": True}
    asking.join()


def test_the_command_serves_who_was_named_and_says_how_to_point_vagus_there(home, monkeypatch):
    seen = {}

    def look(served):
        served.start()
        asked = f"response_type=code&client_id={CLIENT_ID}&state=a+state+of+ours&redirect_uri="
        oura = requests.get(f"{served.origin('oura')}/oauth/authorize?{asked}{BACK}", timeout=10)
        back = BACK.replace("oura", "whoop")
        whoop = requests.get(f"{served.origin('whoop')}/oauth/oauth2/auth?{asked}{back}", timeout=10)
        seen.update(pages=[oura.text, whoop.text], address=served.address)
        seen.update(phones=[vendor.accounts["bo"].phone.times for vendor in served.vendors.values()])
        served.stop()

    monkeypatch.setattr(simulate, "serve", look)
    cli = Typer()
    cli.command()(simulate_command.simulate)
    told = CliRunner().invoke(cli, ["--port", "0", "--person", "mira=ill", "--person", "bo=steady", "--phone"])
    assert told.exit_code == 0, told.output
    for vendor in ("oura", "whoop"):
        line = f"vagus vendor add {vendor} --client-id {CLIENT_ID} --origin {seen['address']}/{vendor}"
        assert line in told.output
    assert all("<option>mira" in page for page in seen["pages"])
    assert [len(times) for times in seen["phones"]] == [3, 3]
    wrong = CliRunner().invoke(cli, ["--port", "0", "--person", "mira=asleep"])
    assert isinstance(wrong.exception, Misconfigured)
