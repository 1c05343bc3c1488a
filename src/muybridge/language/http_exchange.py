"""One HTTP request and its reply, bounded in time and in size, repeated where that may help.

The standard library's timeout holds for each read alone, so a server that sends a byte now and then is waited for
without end. Here a timer closes the connection at the deadline, whatever is going on then.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from muybridge.errors import EndpointError
from muybridge.printable import printable

__all__ = ["Reply", "exchange"]

MAX_REPLY_BYTES = 4 * 2**20
CHUNK_BYTES = 2**14
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0
TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class Reply:
    """A reply whose head has come and whose body may still be on its way.

    Args:
        url: who replies, for messages.
        connection: closed when the body has been read.
        response: the reply.
        deadline: closes the connection when time is up.
    """

    def __init__(
        self,
        url: str,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        deadline: Deadline,
    ) -> None:
        self.url, self.connection, self.response, self.deadline = url, connection, response, deadline
        self.status = response.status
        self.content_type = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            EndpointError: too large, too slow, or cut off.
        """
        total = 0
        try:
            while chunk := self.response.read1(CHUNK_BYTES):
                total += len(chunk)
                if total > MAX_REPLY_BYTES:
                    raise EndpointError(
                        f"{self.url} replies with more than {MAX_REPLY_BYTES >> 20} MiB: refused"
                    )
                yield chunk
            self.deadline.check(self.url)
            if self.response.length:
                raise EndpointError(f"{self.url} broke off in the middle of its reply; try again")
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            self.deadline.check(self.url)
            raise EndpointError(
                f"{self.url} broke off in the middle of its reply ({_reason(error)})"
            ) from error
        finally:
            self.close()

    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks())

    def lines(self) -> Iterator[str]:
        """The body's lines as they come, without their ends."""
        rest = b""
        for chunk in self.chunks():
            *complete, rest = (rest + chunk).split(b"\n")
            yield from (line.decode("utf-8", "replace").rstrip("\r") for line in complete)
        if rest:
            yield rest.decode("utf-8", "replace")

    def close(self) -> None:
        """Let go of the connection."""
        self.deadline.cancel()
        self.connection.close()


class Deadline:
    """Shuts a connection down at a moment, so that whoever reads from it wakes up.

    Args:
        connection: what is shut down.
        seconds: from now.
    """

    def __init__(self, connection: http.client.HTTPConnection, seconds: float) -> None:
        self.connection, self.seconds, self.is_over = connection, seconds, False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connected: socket.socket | None) -> None:
        """What to shut down: the response takes the socket away from its connection."""
        self._socket = connected
        if self.is_over:
            self._end()

    def check(self, url: str) -> None:
        """Raise if time was up."""
        if self.is_over:
            raise EndpointError(
                f"{url} did not finish its reply within {self.seconds:g} s; give it longer (timeout_seconds), or a"
                " smaller model"
            )

    def cancel(self) -> None:
        """Time does not matter any more."""
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def exchange(
    url: str,
    *,
    body: bytes | None = None,
    key: str | None = None,
    timeout_seconds: float = 120.0,
    max_retries: int = 3,
) -> Reply:
    """Send a request, again where the server is busy, and wait for the head of the reply.

    Args:
        url: http or https.
        body: JSON to POST; None makes it a GET.
        key: sent as a bearer token.
        timeout_seconds: for each try, until the last byte of its reply.
        max_retries: tries after the first.

    Raises:
        EndpointError: it cannot be reached, refuses, or is too slow.
    """
    failure = EndpointError(f"{url} was not asked")
    for attempt in range(max_retries + 1):
        pause = FIRST_PAUSE_SECONDS * 2**attempt
        try:
            reply = _once(url, body, key, timeout_seconds)
        except (ConnectionError, http.client.RemoteDisconnected) as error:
            failure = EndpointError(f"{url} cannot be reached ({_reason(error)}); is the server running?")
        else:
            if reply.status < 300:
                return reply
            failure = _refusal(reply)
            if reply.status not in TRY_AGAIN:
                raise failure
            pause = max(pause, _asked_pause(reply))
        if attempt < max_retries:
            time.sleep(min(pause, MAX_PAUSE_SECONDS))
    raise failure


def _once(url: str, body: bytes | None, key: str | None, timeout_seconds: float) -> Reply:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_seconds)
    deadline = Deadline(connection, timeout_seconds)
    headers = {"Accept": "application/json, text/event-stream", "User-Agent": "muybridge"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        connection.connect()
        deadline.watch(connection.sock)
        connection.request("GET" if body is None else "POST", path, body, headers)
        return Reply(url, connection, connection.getresponse(), deadline)
    except BaseException as error:
        deadline.cancel()
        connection.close()
        deadline.check(url)
        if isinstance(error, TimeoutError):
            raise EndpointError(
                f"{url} did not reply within {timeout_seconds:g} s; give it longer (timeout_seconds)"
            ) from error
        if isinstance(error, ConnectionError | http.client.RemoteDisconnected):
            raise
        if isinstance(error, OSError):  # no such host, no route, a certificate that is not valid
            raise EndpointError(f"{url} cannot be reached: {_reason(error)}; check the address") from error
        if isinstance(error, http.client.HTTPException | ValueError):
            raise EndpointError(f"{url} does not speak HTTP ({_reason(error)}); check the port") from error
        raise


def _refusal(reply: Reply) -> EndpointError:
    """What a reply with an error status amounts to, and what helps."""
    with contextlib.suppress(EndpointError):
        text = reply.body()[:300].decode("utf-8", "replace")
        said = " ".join(printable(text).split())
        advice = {
            401: "; set the environment variable with the key",
            403: "; the key may not do this",
            404: "; check the address (does it end in /v1?) and the model's name",
            413: "; send fewer or smaller frames",
            429: "; it is busy, or the quota is used up",
        }.get(reply.status, "")
        if 300 <= reply.status < 400:
            advice = (
                f"; it points to {reply.response.getheader('Location')!r}: give that address, if it is right"
            )
        return EndpointError(f"{reply.url} replied {reply.status}{advice}: {said}")
    return EndpointError(f"{reply.url} replied {reply.status}")


def _asked_pause(reply: Reply) -> float:
    """The seconds for which a busy server asks us to wait; 0.0 where it does not say, or gives a date."""
    try:
        seconds = float(reply.response.getheader("Retry-After") or 0.0)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
