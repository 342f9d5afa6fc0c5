"""Where a request comes from."""

from __future__ import annotations

import ipaddress
from typing import Any

from litestar import Request
from litestar.datastructures import State

from app.kit.request.headers import find_header_list
from app.settings import read_settings

IPV6_NETWORK_BITS = 64  # what one household or office has at least


def address_of(request: Request[Any, Any, State]) -> str:
    """Return the caller's address: the peer's, or what the outermost of our own ``proxies_trusted`` proxies saw."""
    peer = request.client.host if request.client else "unknown"
    if read_settings().proxies_trusted == 0:
        return peer
    trusted, forwarded = read_settings().proxies_trusted, find_header_list(request.scope, b"x-forwarded-for")
    return forwarded[-trusted] if len(forwarded) >= trusted else peer


def compute_network(address: str) -> str:
    """Return what counts as one place on the network: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))
