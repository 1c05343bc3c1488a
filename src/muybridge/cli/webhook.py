"""Events posted to an address, one request each, without ever holding up the stream."""

from __future__ import annotations

import http.client
import json
import queue
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from muybridge.errors import OptionError
from muybridge.printable import printable

__all__ = ["Webhook"]

MAX_WAITING = 100
REDIRECTS = (301, 302, 303, 307, 308)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An event is for the address that was named, not for one that it names."""

    def http_error_302(self, *_: Any, **__: Any) -> None:
        """Do not follow; and do not read what it names, which may be no address at all."""
        return

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class Webhook:
    """Posts JSON to an address, in order, from a thread of its own.

    Args:
        address: begins with `http://` or `https://`.
        timeout_seconds: of one request.
        complain: called with one line for each event that could not be delivered, and for all that wait at the end.

    Raises:
        OptionError: another protocol, no host, a name and password, or what is no address at all.
    """

    def __init__(
        self, address: str, *, timeout_seconds: float = 5.0, complain: Callable[[str], None]
    ) -> None:
        self._address = address
        self._host = _host_of(address)
        self._timeout_seconds = timeout_seconds
        self._complain = complain
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self.num_sent = 0
        self.num_failed = 0
        self._num_taken = 0
        self._num_tried = 0
        self._has_given_up = False
        self._thread = threading.Thread(target=self._work, name="muybridge-webhook", daemon=True)
        self._thread.start()

    def send(self, document: Mapping[str, Any]) -> None:
        """Post a document soon; where too many wait, it is given up and counted."""
        try:
            # A file name that is not UTF-8 arrives as lone surrogates, which JSON can escape.
            text = json.dumps(document, ensure_ascii=False, allow_nan=False)
            self._waiting.put_nowait(text.encode("utf-8", "backslashreplace"))
            self._num_taken += 1
        except queue.Full:
            self._fail("too many events wait")

    def close(self, *, timeout_seconds: float = 10.0) -> None:
        """Deliver what waits, for so long at most; what is left then, or at Ctrl-C, is told and given up."""
        until = time.monotonic() + timeout_seconds
        try:
            self._waiting.put(None, timeout=timeout_seconds)
            self._thread.join(timeout=max(0.0, until - time.monotonic()))
        except queue.Full:
            pass
        finally:
            self._give_up()

    def _give_up(self) -> None:
        self._has_given_up = True
        num_left = self._num_taken - self._num_tried
        if num_left > 0:
            self.num_failed += num_left
            self._complain(
                f"{num_left} {'event' if num_left == 1 else 'events'} could not be delivered to the webhook at"
                f" {self._host}: it is too slow"
            )

    def _work(self) -> None:
        while (body := self._waiting.get()) is not None and not self._has_given_up:
            request = urllib.request.Request(
                self._address, data=body, headers={"Content-Type": "application/json"}, method="POST"
            )
            try:
                with self._opener.open(request, timeout=self._timeout_seconds):
                    self.num_sent += 1
            except (http.client.HTTPException, OSError, ValueError) as error:
                self._fail(_reason(error))
            self._num_tried += 1

    def _fail(self, reason: str) -> None:
        self.num_failed += 1
        self._complain(f"an event did not reach the webhook at {self._host}: {reason}")


def _host_of(address: str) -> str:
    """The host that an address names, if it is one that can be posted to."""
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and parts.port != 0
        # `http.client` sends neither spaces nor other alphabets, and would say so only with the first event.
        is_address = is_address and address.isprintable() and " " not in address
        is_address = is_address and f"{parts.path}{parts.query}".isascii()
    except ValueError:  # a port that is no number or too large, half of an IPv6 address
        is_address = False
    if "@" in re.split("[/?#]", address.partition("://")[2])[0]:
        raise OptionError(
            "a webhook's address takes no name and password; expected https://host/path, with a token in the path"
            " or the query if the receiver asks for one"
        )
    if not is_address or not parts.hostname:
        raise OptionError(
            f"webhook is {address!r}; it must begin with http:// or https:// and name a host, such as"
            " https://host:port/path, without spaces and with %-escapes for other than ASCII"
        )
    return parts.hostname


def _reason(error: Exception) -> str:
    """Why it failed, in one line that a terminal can show: parts of it are what the other side sent."""
    if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
        return f"it does not speak HTTP ({type(error).__name__}); check the address and the port"
    if isinstance(error, HTTPError) and error.code in REDIRECTS:
        return (
            f"it redirects to {_target_of(error)}, which is not followed; give that address as the webhook"
            " (curl -i shows all of it, after Location)"
        )
    return printable(str(getattr(error, "reason", error))[:200])


def _target_of(redirect: HTTPError) -> str:
    """Where a redirect leads, as far as it can be shown: the path may hold a token."""
    try:
        parts = urlsplit(redirect.headers.get("Location", ""))
    except ValueError:
        return "another address"
    host = parts.netloc.rpartition("@")[2]
    return printable(f"{parts.scheme}://{host}"[:200]) if host else "another address"
