"""The trusted proxy: the address a request came from, and the name of the person that the proxy signed in."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.requests import HTTPConnection

Network = IPv4Network | IPv6Network
#: Longest name that is taken from a header.
_LONGEST = 200


def client_address(text: str) -> str:
    """An address as people write it; IPv4 that arrives over an IPv6 socket is IPv4. "" for what is none."""
    try:
        found = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)


def neighbourhood(address: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 network that one IPv6 customer has."""
    return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address


@dataclass(frozen=True, slots=True)
class Proxy:
    """WATCHDOG_TRUSTED_PROXY and WATCHDOG_USER_HEADER (in lower case, "" for none). Only requests that come from
    `networks` may say on whose behalf they come."""

    networks: tuple[Network, ...] = ()
    user_header: str = ""

    def address(self, request: HTTPConnection) -> str:
        """Where a request came from: behind the proxy the last address that is not a proxy's own."""
        peer = client_address(request.client.host) if request.client is not None else ""
        if not self._trusts(peer):
            return peer
        hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for hop in map(client_address, reversed(hops)):
            if not hop:
                return peer  # any client may have written what comes before it
            if not self._trusts(hop):
                return hop
        return peer

    def user(self, request: HTTPConnection) -> str:
        """The person that the proxy names, or "". A header that is sent twice is ignored: the client may have added the
        first."""
        if not self.user_header or request.client is None or not self._trusts(client_address(request.client.host)):
            return ""
        named = request.headers.getlist(self.user_header)
        if len(named) != 1:
            return ""
        try:
            name = named[0].encode("latin-1").decode().strip()
        except UnicodeError:
            name = named[0].strip()
        return name if name.isprintable() and len(name) <= _LONGEST else ""

    def _trusts(self, address: str) -> bool:
        return bool(address) and any(ip_address(address) in network for network in self.networks)
