"""The simulator's server: real HTTP on loopback around the pure simulated vendors, and what only a socket can do.

Each vendor answers below its own name, `/oura` and `/whoop`. Its levers, the `control` of its room, are pulled by a
POST of JSON to `/_control/NAME`, where `vendor` says whose (Oura's where it does not), beside `fire` (send the waiting
webhooks now, everybody's where no vendor is named) and `wait` (until a path was called so often).
"""

import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import requests
import structlog

from ingest import clock
from providers.errors import Misconfigured
from providers.simulator.conversation import Asking, Call, Heard, Received, Reply, as_json
from providers.simulator.oura import Oura
from providers.simulator.vendor import Vendor
from providers.simulator.whoop import Whoop
from workers.supervision.port import listen

HOST = "127.0.0.1"
CONTROL = "/_control/"
USUAL = "oura"  # whose levers are meant where nobody says
LARGEST_BODY = 1_000_000
LOOK_EVERY = 0.2
RESET_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST and drops what was not sent

log = structlog.get_logger(__name__)


AnyVendor: TypeAlias = Vendor[Any, Any]


def vendors(seed: int = 0) -> list[AnyVendor]:
    """Every vendor there is a simulation of."""
    return [Oura(seed), Whoop(seed)]


class Served:
    """Simulated vendors being served; they may be reached into under `lock`."""

    def __init__(
        self, simulated: Iterable[AnyVendor] | None = None, port: int = 0, host: str = HOST, *, hooks: bool = True
    ) -> None:
        """Take the port, at once; without `hooks` webhooks go out at `fire` alone.

        Raises Misconfigured off loopback, and where no port is free.
        """
        if not ip_address(host).is_loopback:
            raise Misconfigured(f"the simulator listens on this machine only, not on {host}")
        self.vendors = {vendor.name: vendor for vendor in (vendors() if simulated is None else simulated)}
        self.lock = threading.RLock()
        self.called = threading.Condition(self.lock)
        self.stopping = threading.Event()
        self.server = _Server(self, listen(host, port))
        self.address = f"http://{host}:{self.server.server_address[1]}"
        self.threads = [threading.Thread(target=self.server.serve_forever, args=(0.05,), name="simulator")]
        if hooks:
            self.threads.append(threading.Thread(target=self._send_hooks, name="simulator-hooks"))

    def origin(self, vendor: str) -> str:
        """What stands in for a vendor's scheme and host."""
        return f"{self.address}/{vendor}"

    def start(self) -> "Served":
        """Serve, in threads of its own."""
        for thread in self.threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Break what is open and return once every thread has ended."""
        self.stopping.set()
        with self.called:
            self.called.notify_all()
        self.server.shutdown()
        self.server.break_connections()
        self.server.server_close()
        for thread in self.threads:
            thread.join()

    def answer(self, vendor: AnyVendor, request: Received) -> Reply:
        """Answer one request; where the vendor asks somebody first, the call is made while others are served."""
        with self.called:
            response = vendor.answer(request, clock.now())
        if isinstance(response, Asking):
            heard = call(response.call)
            with self.called:
                response = response.then(heard)
        with self.called:
            self.called.notify_all()
        return response

    def control(self, name: str, given: Mapping[str, Any]) -> Any:
        """Pull a lever. Raises LookupError, ValueError."""
        if name == "fire":
            return {"sent": self.fire(given.get("vendor"))}
        vendor = self._named(str(given.get("vendor", USUAL)))
        if name == "wait":
            path, count, seconds = str(given["path"]), int(given["count"]), float(given.get("seconds", 20))
            return {"called": self.wait(path, count, seconds, vendor.name)}
        with self.called:
            return vendor.pull(name, given, clock.now())

    def calls(self, path: str = "", status: int | None = None, vendor: str = USUAL) -> int:
        """How many calls a vendor had on paths that begin with `path`."""
        with self.called:
            return sum(
                count
                for one, count in self.vendors[vendor].calls.items()
                if one.path.startswith(path) and status in {None, one.status}
            )

    def wait(self, path: str, count: int, seconds: float, vendor: str = USUAL) -> bool:
        """Wait until a path was called so often; False where it was not within so many seconds of the machine."""
        with self.called:
            return self.called.wait_for(
                lambda: self.stopping.is_set() or self.calls(path, vendor=vendor) >= count, seconds
            )

    def fire(self, vendor: str | None = None, *, at_once: bool = True) -> int:
        """Look for changes and send the webhooks that wait, those not yet due too with `at_once`; how many went out.

        Raises LookupError for a vendor there is not.
        """
        meant = list(self.vendors.values()) if vendor is None else [self._named(vendor)]
        return sum(self._fire(one, at_once=at_once) for one in meant)

    def _fire(self, vendor: AnyVendor, *, at_once: bool) -> int:
        sent = 0
        with self.called:
            now = clock.now()
            vendor.hooks.look(vendor.accounts.values(), now)
            due = vendor.hooks.due(now, at_once=at_once)
        for notice in due:
            with self.called:
                request = vendor.hooks.call(notice, clock.now())
            if request is not None:
                heard = call(request)
                sent += 1
                with self.called:
                    vendor.hooks.heard(notice, heard, clock.now())
        return sent

    def _named(self, name: str) -> AnyVendor:
        if name not in self.vendors:
            raise LookupError(f"there is no vendor {name}: {', '.join(self.vendors)}")
        return self.vendors[name]

    def _send_hooks(self) -> None:
        while not self.stopping.wait(LOOK_EVERY):
            self.fire(at_once=False)


class _Server(ThreadingHTTPServer):
    """Threads that end with the server; it knows its open connections, so that it can break them."""

    daemon_threads = False

    def __init__(self, served: Served, listening: socket.socket) -> None:
        super().__init__((HOST, 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.server_address = listening.getsockname()
        self.served = served
        self.open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a connection while it lives."""
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ends."""
        self.open.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        """Wake whoever still reads."""
        for request in list(self.open):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("connection_already_broken")

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no event; what else goes wrong here is ours."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("simulator_failed", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    """One connection: requests in, replies out, or nothing where a fault says so."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536  # head and body leave together
    server: _Server

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > LARGEST_BODY:
            self._send(as_json(413, {"detail": "Too large."}))
            return
        parts = urlsplit(self.path)
        vendor = self.server.served.vendors.get(parts.path.strip("/").partition("/")[0])
        request = Received(
            method=self.command,
            path=parts.path.removeprefix(f"/{vendor.name}") if vendor else parts.path,
            query=dict(reversed(parse_qsl(parts.query, keep_blank_values=True))),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        if parts.path.startswith(CONTROL):
            self._send(self._control(parts.path.removeprefix(CONTROL), request))
        elif vendor:
            self._send(self.server.served.answer(vendor, request))
        else:
            self._send(as_json(404, {"detail": "Not Found"}))

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815  http.server's names

    def _control(self, name: str, request: Received) -> Reply:
        if request.method != "POST":
            return as_json(405, {"error": "levers are pulled by POST"})
        try:
            return as_json(200, self.server.served.control(name, request.document()))
        except (LookupError, ValueError, TypeError) as error:
            return as_json(400, {"error": " ".join(str(part) for part in error.args)})

    def _send(self, reply: Reply) -> None:
        if reply.delay:
            self.server.served.stopping.wait(reply.delay)
        if reply.reset:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
        if reply.cut:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Calls are counted, not logged: their addresses carry tokens."""


def serve(served: Served) -> None:
    """Serve until this process is told to stop."""
    stopping = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: stopping.set())
    served.start()
    stopping.wait()
    served.stop()


def call(request: Call) -> Heard:
    """Make a call of the vendor's, to this machine only; status 0 where nothing came back."""
    if not _is_loopback(urlsplit(request.url).hostname):
        return Heard(0)
    try:
        answer = requests.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body or None,
            timeout=request.timeout,
            allow_redirects=False,
        )
    except requests.RequestException:
        return Heard(0)
    return Heard(answer.status_code, answer.content)


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
