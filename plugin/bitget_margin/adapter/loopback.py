"""Addresses of this machine, where the local venue is."""

from ipaddress import ip_address


def is_loopback(host: str | None) -> bool:
    """Whether a host, a name or an address, is this machine itself."""
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
