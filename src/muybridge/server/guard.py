"""Who may ask: every request is taken for hostile until it is checked, also on a machine of one's own.

A page from elsewhere that is open in the same browser can send requests here. It cannot read the replies (no reply
allows it), but could start work, or come under a name of its own that leads to this machine (DNS rebinding). So the
host must be one that is served, work is begun only by a request of JSON from the same origin, and every reply forbids
being framed, embedded or guessed at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from muybridge.server.hosts import as_host_name, is_address, is_loopback, name_in

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
        names: further host names under which it is reached, such as that of a proxy before it; a scheme and a port
            say nothing here.

    Raises:
        OptionError: one of them is no name of a host.
    """

    def __init__(self, host: str, names: Collection[str] = ()) -> None:
        self.elsewhere = frozenset(as_host_name(name) for name in names)
        self.names = LOOPBACK | {as_host_name(host)} | self.elsewhere
        self.serves_addresses = not is_loopback(host)

    async def __call__(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """The reply of what comes behind, or a refusal."""
        response = self.complaint(request) or await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def may_begin_by_itself(self, request: Request) -> bool:
        """Whether a page that is opened may have work begun: not where a page from elsewhere led to it.

        Browsers say who did only to a server on this machine, or behind HTTPS; where they say nothing, it may not.
        """
        return request.headers.get("sec-fetch-site") in ("same-origin", "none")

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
        return origin.partition("://")[2] == host or name_in(origin.partition("://")[2]) in self.elsewhere

    def _is_served(self, host: str) -> bool:
        name = name_in(host)
        return name in self.names or (self.serves_addresses and is_address(name))
