"""The simulator's server: real HTTP on loopback around the pure simulated vendor, and what only a socket can do.

The vendor answers below `/oura`; the levers of `providers.simulator.oura.control` are pulled by a POST of JSON to
`/_control/NAME`, beside `fire` (send the waiting webhooks now) and `wait` (until a path was called so often).
"""

import signal
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import structlog

from ingest import clock
from providers.errors import Misconfigured
from providers.simulator.conversation import Asking, Call, Heard, Received, Reply, as_json
from providers.simulator.oura import Oura
from providers.simulator.oura.control import pull
from workers.supervision.port import listen

HOST = "127.0.0.1"
PREFIX, CONTROL = "/oura", "/_control/"
LARGEST_BODY = 1_000_000
LOOK_EVERY = 0.2
RESET_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST and drops what was not sent

log = structlog.get_logger(__name__)


class Served:
    """A simulated Oura being served; `oura` may be reached into under `lock`."""

    def __init__(self, oura: Oura | None = None, port: int = 0, host: str = HOST, *, hooks: bool = True) -> None:
        """Take the port, at once; without `hooks` webhooks go out at `fire` alone.

        Raises Misconfigured off loopback, and where no port is free.
        """
        if not ip_address(host).is_loopback:
            raise Misconfigured(f"the simulator listens on this machine only, not on {host}")
        self.oura = oura or Oura()
        self.lock = threading.RLock()
        self.called = threading.Condition(self.lock)
        self.stopping = threading.Event()
        self.server = _Server(self, listen(host, port))
        self.address = f"http://{host}:{self.server.server_address[1]}"
        self.origin = f"{self.address}{PREFIX}"
        self.threads = [threading.Thread(target=self.server.serve_forever, args=(0.05,), name="simulator")]
        if hooks:
            self.threads.append(threading.Thread(target=self._send_hooks, name="simulator-hooks"))

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

    def answer(self, request: Received) -> Reply:
        """Answer one request; where the vendor asks somebody first, the call is made while others are served."""
        with self.called:
            response = self.oura.answer(request, clock.now())
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
            return {"sent": self.fire()}
        if name == "wait":
            return {"called": self.wait(str(given["path"]), int(given["count"]), float(given.get("seconds", 20)))}
        with self.called:
            return pull(self.oura, name, given, clock.now())

    def calls(self, path: str = "", status: int | None = None) -> int:
        """How many calls there were on paths that begin with `path`."""
        with self.called:
            return sum(
                count
                for one, count in self.oura.calls.items()
                if one.path.startswith(path) and status in {None, one.status}
            )

    def wait(self, path: str, count: int, seconds: float) -> bool:
        """Wait until a path was called so often; False where it was not within so many seconds of the machine."""
        with self.called:
            return self.called.wait_for(lambda: self.stopping.is_set() or self.calls(path) >= count, seconds)

    def fire(self, *, at_once: bool = True) -> int:
        """Look for changes and send the webhooks that wait, those not yet due too with `at_once`; how many went out."""
        sent = 0
        with self.called:
            now = clock.now()
            self.oura.hooks.look(self.oura.accounts.values(), now)
            due = self.oura.hooks.due(now, at_once=at_once)
        for notice in due:
            with self.called:
                request = self.oura.hooks.call(notice, clock.now())
            if request is not None:
                heard = call(request)
                sent += 1
                with self.called:
                    self.oura.hooks.heard(notice, heard, clock.now())
        return sent

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
        request = Received(
            method=self.command,
            path=parts.path.removeprefix(PREFIX),
            query=dict(reversed(parse_qsl(parts.query, keep_blank_values=True))),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        if parts.path.startswith(CONTROL):
            self._send(self._control(parts.path.removeprefix(CONTROL), request))
        elif parts.path.startswith(f"{PREFIX}/"):
            self._send(self.server.served.answer(request))
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
