"""Who may ask: every request is taken for hostile until it is checked, also on a machine of one's own.

A page from elsewhere that is open in the same browser can send requests here. It cannot read the replies (no reply
allows it), but could start work, or come under a name of its own that leads to this machine (DNS rebinding). So the
host must be one that is served, work is begun only by a request of JSON from the same origin, and every reply forbids
being framed, embedded or guessed at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["Guard", "refused"]

MAX_BODY_BYTES = 65_536
MAX_ADDRESS_CHARS = 8_192
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    # A browser that keeps what it was sent would show another file of the same name.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def refused(status: int, message: str) -> JSONResponse:
    """An error as all are told: `{"error": …}`."""
    return JSONResponse({"error": message}, status)


class Guard:
    """Lets a request pass, or says why not; and puts the safe headers on every reply.

    Args:
        host: the address that is bound. Where it is not this machine's own (loopback), any IP address is served too,
            as who binds all addresses cannot name them; other names are not, unless it is one.
        names: further host names under which it is reached, such as that of a proxy before it.
    """

    def __init__(self, host: str, names: Collection[str] = ()) -> None:
        self.names = LOOPBACK | {host.casefold(), *(name.casefold() for name in names)}
        self.elsewhere = frozenset(name.casefold() for name in names)
        self.serves_addresses = host.casefold() not in LOOPBACK

    async def __call__(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """The reply of what comes behind, or a refusal."""
        response = self.complaint(request) or await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def complaint(self, request: Request) -> Response | None:
        """Why a request is not answered; None for one that is."""
        host = request.headers.get("host", "")
        if not self._is_served(host):
            return refused(421, f"this server is not {host[:100]!r}; open the address that it has printed")
        if len(str(request.url)) > MAX_ADDRESS_CHARS:
            return refused(414, f"the address is longer than {MAX_ADDRESS_CHARS:,} characters")
        if request.method in ("GET", "HEAD"):
            return None
        origin = request.headers.get("origin")
        if origin is not None and not self._is_own(origin, host):
            return refused(403, "only this server's own page may begin work")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refused(415, "send JSON, with the header Content-Type: application/json")
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return refused(
                413, f"a request of at most {MAX_BODY_BYTES:,} bytes is read; give its Content-Length"
            )
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page of that origin is ours: of the host that was asked, or of a proxy before it."""
        return origin.partition("://")[2] == host or _host_name(origin.partition("://")[2]) in self.elsewhere

    def _is_served(self, host: str) -> bool:
        name = _host_name(host)
        if name in self.names:
            return True
        return self.serves_addresses and _is_address(name)


def _host_name(address: str) -> str:
    """The name before the port; empty where there is none."""
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
