"""The port that people reach: found by taking it, kept open by the supervisor, and asked whether anybody answers."""

import errno
import http.client
import socket

from providers.errors import Misconfigured

TRIED = 50
ASK_SECONDS = 0.5
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 what the operator may have set


def listen(host: str, wanted: int) -> socket.socket:
    """A socket listening on `wanted` or the next free port; 0 takes any. Raises Misconfigured where none can be had."""
    for port in range(wanted, min(wanted + TRIED, 65536)) if wanted else (0,):
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            line = socket.socket(family, kind, protocol)
        except OSError as error:
            raise Misconfigured(f"cannot listen on {host} ({error.strerror}): set VAGUS_HOST") from None
        try:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            line.bind(address)
            line.listen(128)
        except OSError as error:
            line.close()
            if error.errno != errno.EADDRINUSE:
                raise Misconfigured(f"cannot listen on {host}:{port} ({error.strerror}): set VAGUS_PORT") from None
        else:
            return line
    raise Misconfigured(
        f"ports {wanted} to {wanted + TRIED - 1} of {host} are all in use: set VAGUS_PORT to a free one"
    )


def answers(host: str, port: int, path: str) -> bool:
    """Whether a GET of `path` succeeds."""
    line = http.client.HTTPConnection(EVERYWHERE.get(host, host), port, timeout=ASK_SECONDS)
    try:
        line.request("GET", path)
        return line.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
