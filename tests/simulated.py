"""Simulated vendors for tests: real HTTP in this process, their levers as methods, and a browser that clicks Allow.

    with simulated() as sim:
        sim.add_person("mira", Story.OVERREACHING, nights=120, seed=7)
        app = sim.add_app("http://127.0.0.1:8730/connect/oura/return")   # client_id, client_secret, …
        location = sim.consent(authorize_url)                            # …/connect/oura/return?code=…&state=…
        sim.faults.next("503", n=3, path="/v2/usercollection/sleep")

Everything takes `vendor=`, "oura" or "whoop"; Oura is meant where nobody says. `sim.origin_of(vendor)`, for Oura
`sim.origin`, is what `vendor_app.origin` takes. Paths are the vendor's own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from ingest import clock
from providers.simulator.faults import Faults
from providers.simulator.life import Life, today
from providers.simulator.oura import Oura
from providers.simulator.people import Story
from providers.simulator.phone import Phone
from providers.simulator.vendor import Vendor
from providers.simulator.whoop import Whoop
from workers.simulate import USUAL, Served

CLIENT_ID, CLIENT_SECRET = "simulated-app", "simulated-secret"
PATIENCE = 10


class Form(HTMLParser):
    """The fields of a page's form as a browser would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.people: list[str] = []
        self.chosen: str | None = None
        self.in_option: bool | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "input" and (attributes.get("type") != "checkbox" or "checked" in attributes):
            self.fields.append((attributes["name"] or "", attributes.get("value") or ""))
        if tag == "option":
            self.in_option = "selected" in attributes

    def handle_data(self, data: str) -> None:
        if self.in_option is not None:
            self.people.append(data)
            self.chosen = data if self.in_option else self.chosen
            self.in_option = None


AUTHORIZE = {"oura": "/oauth/authorize", "whoop": "/oauth/oauth2/auth"}
TOKEN = {"oura": "/oauth/token", "whoop": "/oauth/oauth2/token"}
DATA = {"oura": "/v2/usercollection/", "whoop": "/developer/v2/"}
PAGING = {"oura": "next_token", "whoop": "nextToken"}


class Simulated:
    """The running simulator. What it holds may be looked at directly: `sim.oura`, under `sim.served.lock`."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.oura: Oura = served.vendors["oura"]
        self.whoop: Whoop = served.vendors["whoop"]
        self.origin = served.origin("oura")
        self.control_url = f"{served.address}/_control/"

    @property
    def faults(self) -> Faults:
        """What goes wrong at Oura: `next(kind, n=…, path=…)`, `some(kind, share=…, path=…)`, `clear()`."""
        return self.oura.faults

    def vendor(self, name: str) -> Vendor[Any, Any]:
        """A vendor by its name."""
        return self.served.vendors[name]

    def origin_of(self, vendor: str) -> str:
        """What stands in for a vendor's scheme and host."""
        return self.served.origin(vendor)

    def add_person(
        self,
        handle: str,
        story: Story = Story.STEADY,
        *,
        nights: int = 120,
        seed: int = 0,
        last_day: date | None = None,
        utc_offset_minutes: int = 0,
        phone: Sequence[time] = (),
        vendor: str = USUAL,
        **worn: Any,
    ) -> Any:
        """Register a person, whose newest night is today's unless `last_day` is given; the phone syncs all the time.

        `worn` is the vendor's own: `strap` at WHOOP. Equal arguments at both vendors are one person who wears both.
        """
        last = last_day or today(clock.now(), utc_offset_minutes)
        life = Life(story, last, nights, seed, utc_offset_minutes)
        with self.served.lock:
            return self.vendor(vendor).add_person(handle, life, Phone(phone), **worn)

    def add_app(
        self,
        *redirect_uris: str,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        vendor: str = USUAL,
        **own: Any,
    ) -> Any:
        """Register an app with its redirect addresses; `own`: `portal` at Oura, `webhook_url` at WHOOP, and others."""
        app = {"client_id": client_id, "client_secret": client_secret, "redirect_uris": redirect_uris, **own}
        with self.served.lock:
            self.vendor(vendor).pull("app", app, clock.now())
            return self.vendor(vendor).grants.apps[client_id]

    def consent(
        self, url: str, *, person: str | None = None, scopes: Sequence[str] | None = None, allow: bool = True
    ) -> str:
        """Open the vendor's page, click, and return the address the browser is sent back to."""
        page = requests.get(url, timeout=PATIENCE)
        assert page.status_code == 200, page.text
        form = Form(page.text)
        fields = [pair for pair in form.fields if pair[0] != "scope" or scopes is None or pair[1] in scopes]
        fields.append(("person", person or form.chosen or form.people[0]))
        fields.append(("decision", "allow" if allow else "deny"))
        sent = requests.post(url, data=fields, allow_redirects=False, timeout=PATIENCE)
        assert sent.status_code == 302, sent.text
        return sent.headers["location"]

    def connect(
        self, app: Any, *, person: str | None = None, scopes: Sequence[str] | None = None, vendor: str = USUAL
    ) -> dict[str, Any]:
        """Go the whole way for an app and return the token's answer."""
        back = app.redirect_uris[0]
        asked = {"response_type": "code", "client_id": app.client_id, "redirect_uri": back, "state": "a state of ours"}
        url = f"{self.origin_of(vendor)}{AUTHORIZE[vendor]}?{urlencode(asked)}"
        code = parse_qs(urlsplit(self.consent(url, person=person, scopes=scopes)).query)["code"][0]
        return self.token(app, vendor=vendor, grant_type="authorization_code", code=code, redirect_uri=back).json()

    def token(self, app: Any, path: str | None = None, *, vendor: str = USUAL, **form: str) -> requests.Response:
        """Ask the token address, the app proving itself in the form."""
        proven = {"client_id": app.client_id, "client_secret": app.client_secret, **form}
        return requests.post(f"{self.origin_of(vendor)}{path or TOKEN[vendor]}", data=proven, timeout=PATIENCE)

    def get(self, access: str, path: str, *, vendor: str = USUAL, **params: str) -> requests.Response:
        """A data call as an app makes it: `sim.get(access, "sleep", start_date=…)`."""
        return requests.get(
            f"{self.origin_of(vendor)}{DATA[vendor]}{path}",
            params=params,
            headers={"Authorization": f"Bearer {access}"},
            timeout=PATIENCE,
        )

    def pages(self, access: str, path: str, *, vendor: str = USUAL, **params: str) -> Iterator[list[dict[str, Any]]]:
        """Every page of a collection."""
        token = None
        while True:
            more = {PAGING[vendor]: token} if token else {}
            found = self.get(access, path, vendor=vendor, **params, **more)
            assert found.status_code == 200, found.text
            yield found.json()[self.vendor(vendor).records_at]
            if not (token := found.json().get("next_token")):
                return

    def truth(self, handle: str, since: datetime, until: datetime, *, vendor: str = USUAL) -> dict[str, list[Any]]:
        """What the person really had; see the `truth` of the vendor's room."""
        with self.served.lock:
            given = {"handle": handle, "since": since, "until": until}
            return self.vendor(vendor).pull("truth", given, clock.now())

    def open_phone(self, handle: str, *, vendor: str = USUAL) -> None:
        """The person opens the app: what is worn is synced now."""
        with self.served.lock:
            self.vendor(vendor).accounts[handle].phone.opened.append(clock.now())

    def expire_tokens(self, handle: str, *, vendor: str = USUAL) -> int:
        """End the person's access tokens now; refresh tokens stay."""
        with self.served.lock:
            return self.vendor(vendor).grants.expire(handle, clock.now())

    def deauthorise(self, handle: str, *, vendor: str = USUAL) -> int:
        """The person takes the permission back at the vendor."""
        with self.served.lock:
            return self.vendor(vendor).grants.deauthorise(handle)

    def lapse(self, handle: str, *, lapsed: bool = True, vendor: str = USUAL) -> None:
        """The person's membership runs out, or is paid again."""
        with self.served.lock:
            self.vendor(vendor).accounts[handle].lapsed = lapsed

    def calls(self, path: str = "", status: int | None = None, *, vendor: str = USUAL) -> int:
        """How many calls there were on paths that begin with `path`."""
        return self.served.calls(path, status, vendor)

    def wait(self, path: str, count: int, seconds: float = 20, *, vendor: str = USUAL) -> bool:
        """Wait until a path was called so often."""
        return self.served.wait(path, count, seconds, vendor)

    def fire(self, vendor: str | None = None) -> int:
        """Send every waiting webhook now, of one vendor or of all; how many went out."""
        return self.served.fire(vendor)

    def control(self, name: str, **given: Any) -> Any:
        """Pull a lever over HTTP, as another process would."""
        answer = requests.post(f"{self.control_url}{name}", json=given, timeout=PATIENCE + 20)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def simulated(*, seed: int = 0, page_size: int = 1000, hooks: bool = True) -> Iterator[Simulated]:
    """A simulator for one test; `page_size` is Oura's. Without `hooks` webhooks go out at `fire()` alone."""
    served = Served([Oura(seed, page_size), Whoop(seed)], hooks=hooks)
    served.start()
    try:
        yield Simulated(served)
    finally:
        served.stop()
