"""Where a URL that somebody gave us may lead: to a public address over https, and nowhere inside.

What was checked is what is connected to: a name may resolve to something else the next time it is asked.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from ingest.settings import settings
from providers.errors import DeliveryFailed, Unavailable

LONGEST = 2048
NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


def public_address(url: str) -> str:
    """The address to connect to for this https URL; the demo's push sink is the one exception to https and public.

    Raises DeliveryFailed where it leads anywhere else, Unavailable where its name cannot be looked up now.
    """
    parts = urlsplit(url) if len(url) <= LONGEST and url.isascii() and url.isprintable() else urlsplit("")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if _is_sink(parts.scheme, parts.netloc):
        return host
    if parts.scheme != "https" or not host or ":" in host or "@" in parts.netloc:
        raise DeliveryFailed("a push service has an https address, and this is none", permanent=False)
    found = _resolved(host, port or 443)
    if not found or not all(is_public(address) for address in found):
        raise DeliveryFailed(f"{host[:80]} is not a public address: nothing is sent there", permanent=False)
    return str(found[0])


def is_public(address: Address) -> bool:
    """Whether anybody on the internet means the same machine by it; what wraps an IPv4 address is judged by that."""
    if isinstance(address, IPv6Address):
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.ipv4_mapped or address.sixtofour
        if inner:
            return is_public(inner)
        if address.teredo or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _is_sink(scheme: str, netloc: str) -> bool:
    sink = settings().push_sink
    return sink is not None and f"{scheme}://{netloc}" == sink


def _resolved(host: str, port: int) -> list[Address]:
    """What the name stands for now, IPv4 first: not every machine that has an IPv6 address can leave by it."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{host[:80]} cannot be looked up: {type(error).__name__}") from None
    found = [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    return sorted(found, key=lambda address: address.version)
