"""Loopback: hosts that are this machine itself, where neither encryption nor a proxy is needed."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """`localhost`, and addresses such as 127.0.0.1 and ::1; a name that only looks like one is not."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
