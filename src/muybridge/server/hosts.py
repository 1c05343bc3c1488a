"""Names of hosts: as they are given, and as a browser sends them."""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import urlsplit

from muybridge.errors import OptionError

__all__ = ["as_host_name", "is_address", "is_loopback", "name_in"]

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def as_host_name(given: str) -> str:
    """The name that a browser sends for what somebody gave: without a scheme and a port, and in ASCII.

    Args:
        given: a name or an address, perhaps as it stands in an address bar.

    Raises:
        OptionError: it is no name of a host.

    >>> [as_host_name(given) for given in ("https://Videos.example:8443/", "[::1]:80", "bücher.example")]
    ['videos.example', '::1', 'xn--bcher-kva.example']
    """
    text = given.strip()
    if is_address(text):
        return str(ipaddress.ip_address(text))
    name = name_in(text.rpartition("://")[2]).removesuffix(".")
    if is_address(name):
        return str(ipaddress.ip_address(name))
    labels = unicodedata.normalize("NFKC", name).lower().split(".")
    try:
        name = ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)
    except UnicodeError:
        name = ""
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise OptionError(f"{given!r} is no name of a host; give one such as 'videos.example'")
    return name


def name_in(address: str) -> str:
    """The name before the port; empty where there is none.

    >>> name_in("localhost:8765"), name_in("[::1]"), name_in("[::1")
    ('localhost', '::1', '')
    """
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether what is bound to that name or address is reached from this machine alone.

    >>> [is_loopback(host) for host in ("127.0.0.2", "::1", "0.0.0.0")]
    [True, True, False]
    """
    try:
        address = str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        return False
    return ipaddress.ip_address(address).is_loopback
