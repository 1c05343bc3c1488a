"""Events posted to an address, one request each, without ever holding up the stream."""

from __future__ import annotations

import json
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from muybridge.errors import OptionError

__all__ = ["Webhook"]

MAX_WAITING = 100


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An event is for the address that was named, not for one that it names."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Do not follow."""
        return


class Webhook:
    """Posts JSON to an address, in order, from a thread of its own.

    Args:
        address: begins with `http://` or `https://`.
        timeout_seconds: of one request.
        complain: called with one line for each event that could not be delivered.

    Raises:
        OptionError: another protocol, or no host.
    """

    def __init__(
        self, address: str, *, timeout_seconds: float = 5.0, complain: Callable[[str], None]
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OptionError(
                f"webhook is {address!r}; it must begin with http:// or https:// and name a host"
            )
        self._address = address
        self._host = parts.hostname
        self._timeout_seconds = timeout_seconds
        self._complain = complain
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self.num_sent = 0
        self.num_failed = 0
        self._thread = threading.Thread(target=self._work, name="muybridge-webhook", daemon=True)
        self._thread.start()

    def send(self, document: Mapping[str, Any]) -> None:
        """Post a document soon; where too many wait, it is given up and counted."""
        try:
            # A file name that is not UTF-8 arrives as lone surrogates, which JSON can escape.
            text = json.dumps(document, ensure_ascii=False, allow_nan=False)
            self._waiting.put_nowait(text.encode("utf-8", "backslashreplace"))
        except queue.Full:
            self._fail("too many events wait")

    def close(self, *, timeout_seconds: float = 10.0) -> None:
        """Deliver what waits, for so long at most."""
        try:
            self._waiting.put(None, timeout=timeout_seconds)
        except queue.Full:
            return
        self._thread.join(timeout=timeout_seconds)

    def _work(self) -> None:
        while (body := self._waiting.get()) is not None:
            request = urllib.request.Request(
                self._address, data=body, headers={"Content-Type": "application/json"}, method="POST"
            )
            try:
                with self._opener.open(request, timeout=self._timeout_seconds):
                    self.num_sent += 1
            except (urllib.error.URLError, OSError, ValueError) as error:
                self._fail(str(getattr(error, "reason", error)))

    def _fail(self, reason: str) -> None:
        self.num_failed += 1
        self._complain(f"an event did not reach the webhook at {self._host}: {reason}")
