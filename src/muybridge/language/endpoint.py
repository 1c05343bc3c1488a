"""A model behind an address: any server that speaks the OpenAI protocol, such as vLLM, llama.cpp, SGLang or Ollama.

    POST {url}/chat/completions        frames as JPEG in base64, "Frame at 12.40 s:" before each
    GET  {url}/models                  asked once, where no model is named

One connection for each request, straight to the host: redirects are not followed and proxies are not used, so that
pictures and the key go nowhere else. A request has a deadline for the whole reply, however it drips in.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import cv2

from muybridge.errors import EndpointError, OptionError
from muybridge.language.http_exchange import Reply, exchange
from muybridge.language.prompts import CAPTION, SYSTEM, question_text
from muybridge.language.replies import behind_thought, clean_reply, without_thoughts

if TYPE_CHECKING:
    from muybridge.values import Clip

__all__ = ["EndpointSpeaker"]

MAX_SIDE_PX = 768


class EndpointSpeaker:
    """A vision-language model that a server offers.

    Args:
        url: up to and including the version, such as `"http://127.0.0.1:8000/v1"`; http or https. A query, such as
            `?api-version=2024-10-21`, is sent with each request.
        model: the model's name at the server; None where it serves just one, or where it stands behind `#` in `url`.
        api_key_variable: the environment variable that holds the key; no key is sent where it is not set.
        timeout_seconds: for each request until the last byte of its reply.
        max_retries: how often a request is repeated when the server is busy (429), fails (5xx) or cannot be
            reached, after pauses that double.
        max_tokens: how long a reply may be; a longer one is an error, since half an answer may be a wrong one. A
            model that thinks before it answers needs thousands.
        stream: ask for the reply word by word.
        on_text: called with each piece of a reply as it comes, without what stands in `<think>…</think>`; implies
            `stream`.

    Raises:
        OptionError: an address that is none, or a key that would travel unencrypted over a public network.

    >>> EndpointSpeaker("ftp://example.org")
    Traceback (most recent call last):
    ...
    muybridge.errors.OptionError: 'ftp://example.org' is no address of an endpoint; expected http://host:port/v1 ...
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        api_key_variable: str = "MUYBRIDGE_API_KEY",
        timeout_seconds: float = 120.0,
        max_retries: int = 3,
        max_tokens: int = 512,
        stream: bool = False,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        address = _address(url.strip())
        if timeout_seconds <= 0 or max_retries < 0:
            raise OptionError(
                f"timeout_seconds is {timeout_seconds} and max_retries {max_retries}; they must be positive,"
                " and not negative"
            )
        if max_tokens < 1:
            raise OptionError(f"max_tokens is {max_tokens}; a reply needs at least 1")
        path = address.path.rstrip("/").removesuffix("/chat/completions")
        self.url = urlunsplit(address._replace(path=path, fragment=""))
        self.model = model or address.fragment or None
        self.timeout_seconds, self.max_retries, self.max_tokens = timeout_seconds, max_retries, max_tokens
        self.stream, self.on_text = stream or on_text is not None, on_text
        self._key = _key(api_key_variable, address.scheme, address.hostname or "")

    def __repr__(self) -> str:
        return f"EndpointSpeaker({self.url!r}, model={self.model!r})"

    def caption(self, clip: Clip, *, instruction: str | None = None) -> str:
        """What the frames show, in the model's words.

        Raises:
            EndpointError: the server cannot be reached, refuses, is too slow, or replies with garbage or with less
                than a whole answer.
        """
        return self._say(clip, instruction or CAPTION)

    def answer(self, clip: Clip, question: str, *, context: str | None = None) -> str:
        """An answer from the frames and the evidence.

        Raises:
            EndpointError: the server cannot be reached, refuses, is too slow, or replies with garbage or with less
                than a whole answer.
        """
        return self._say(clip, question_text(question, context))

    def request(self, clip: Clip, text: str) -> dict[str, Any]:
        """The JSON that is sent: the rule, the frames with their times, and the user's turn."""
        content: list[dict[str, Any]] = []
        for frame in clip:
            content.append({"type": "text", "text": f"Frame at {frame.pts_seconds:.2f} s:"})
            content.append({"type": "image_url", "image_url": {"url": _data_url(frame.pixels)}})
        content.append({"type": "text", "text": text})
        return {
            "model": self._model_name(),
            "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}],
            "max_tokens": self.max_tokens,
            "temperature": 0,
            "stream": self.stream,
        }

    def _say(self, clip: Clip, text: str) -> str:
        reply = self._exchange("/chat/completions", self.request(clip, text))
        if reply.content_type == "text/event-stream":
            pieces = self._pieces(self._events(reply), "delta")
        else:
            pieces = self._pieces([_parse(reply.body(), self.url)], "message")
        words = []
        for piece in without_thoughts(pieces):
            if self.on_text is not None:
                self.on_text(piece)
            words.append(piece)
        said = clean_reply(behind_thought("".join(words)))
        if not said:
            raise EndpointError(
                f"{self.url} replied without a word; does {self._model_name()!r} take images?"
            )
        return said

    def _events(self, reply: Reply) -> Iterator[dict[str, Any]]:
        """What a reply that comes as server-sent events consists of."""
        is_over = False
        for line in reply.lines():
            data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
            if data == "[DONE]":
                is_over = True
                break
            if data:
                event = _parse(data.encode(), self.url)
                if event.get("choices") == []:  # the count of tokens, at the end
                    continue
                yield event
                is_over = is_over or bool(event["choices"][0].get("finish_reason"))
        reply.close()
        if not is_over:
            raise EndpointError(f"{self.url} broke off in the middle of its reply; try again")

    def _pieces(self, events: Iterable[dict[str, Any]], field: str) -> Iterator[str]:
        """The words of a reply, which must be whole: neither refused, nor stopped before its end."""
        reason, refusal = None, ""
        for event in events:
            if piece := _text(event, field, "content", self.url):
                yield piece
            refusal += _text(event, field, "refusal", self.url)
            reason = event["choices"][0].get("finish_reason") or reason
        if refusal:
            raise EndpointError(f"{self.url}: the model refused: {clean_reply(refusal)[:300]}")
        if reason == "content_filter":
            raise EndpointError(f"{self.url}: a content filter of the server stopped the reply")
        if reason == "length":
            raise EndpointError(
                f"{self.url} cut its reply off after {self.max_tokens} tokens, or where its context was full; allow"
                " more with EndpointSpeaker(url, max_tokens=…), or take a model that says less"
            )

    def _model_name(self) -> str:
        if self.model is None:
            listed = _parse(self._exchange("/models").body(), self.url).get("data")
            rows = listed if isinstance(listed, list) else []
            names = [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row]
            if len(names) != 1:
                served = ", ".join(names[:20]) or "none"
                raise OptionError(f"name the model as {self.url}#NAME; the server offers: {served}")
            self.model = names[0]
        return self.model

    def _exchange(self, path: str, data: dict[str, Any] | None = None) -> Reply:
        address = urlsplit(self.url)
        return exchange(
            urlunsplit(address._replace(path=address.path + path)),  # before the query, where there is one
            body=None if data is None else json.dumps(data).encode(),
            key=self._key,
            timeout_seconds=self.timeout_seconds,
            max_retries=self.max_retries,
        )


def _address(url: str) -> SplitResult:
    """The parts of an address, if it is one of an endpoint."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.username is None and parts.port != 0
    except ValueError:  # a port that is no number or too large, half of an IPv6 address
        is_address = False
    if not is_address or not parts.hostname:
        raise OptionError(
            f"{_without_login(url)!r} is no address of an endpoint; expected http://host:port/v1 or"
            " https://host/v1, with the key in an environment variable"
        )
    return parts


def _without_login(url: str) -> str:
    """The address without a name and password, which must not stand in a message."""
    return url.rpartition("@")[2] if "@" in url else url


def _key(variable: str, scheme: str, host: str) -> str | None:
    key = os.environ.get(variable, "").strip()
    if not key:
        return None
    if not key.isascii() or not key.isprintable():
        raise OptionError(f"the environment variable {variable} holds more than a key (line breaks?)")
    if scheme == "http" and not _is_near(host):
        raise OptionError(
            f"the key in {variable} would travel to {host} unencrypted; use https, or unset the variable"
        )
    return key


def _is_near(host: str) -> bool:
    """Whether a host lies in one's own network: loopback, private addresses, names without a dot.

    >>> [_is_near(host) for host in ("localhost", "10.0.0.7", "::1", "8.8.8.8", "0x08080808", "134744072")]
    [True, True, True, False, False, False]
    """
    try:
        host = host.encode(
            "idna"
        ).decode()  # what is looked up: other scripts have dots and digits of their own
        address = ipaddress.ip_address(host)
    except ValueError:
        if not re.fullmatch(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*", host, re.IGNORECASE):
            return "." not in host or host.endswith((".local", ".localhost", ".internal"))
        try:
            address = ipaddress.ip_address(socket.inet_aton(host))  # as resolvers read hexadecimal and octal
        except OSError:
            return False
    return address.is_loopback or address.is_private


def _data_url(pixels: Any) -> str:
    height, width = pixels.shape[:2]
    scale = min(1.0, MAX_SIDE_PX / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _parse(body: bytes, url: str) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EndpointError(
            f"{url} replied with something that is no JSON ({body[:60]!r}); does the address end in /v1?"
        ) from error
    if not isinstance(data, dict):
        raise EndpointError(f"{url} replied with a JSON {type(data).__name__}; expected an object")
    if isinstance(data.get("error"), dict | str):
        raise EndpointError(f"{url} refused: {clean_reply(str(data['error']))[:300]}")
    return data


def _text(data: dict[str, Any], field: str, name: str, url: str) -> str:
    """A text in `choices[0].message`, or in `choices[0].delta` of a stream; empty where there is none."""
    try:
        text = data["choices"][0][field].get(name)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise EndpointError(
            f"{url} replied without choices[0].{field}; it does not speak the OpenAI chat protocol"
        ) from error
    if text is None:
        return ""
    if not isinstance(text, str):
        raise EndpointError(f"{url} replied with {name} of type {type(text).__name__}; expected text")
    return text
