"""Downloads that can be interrupted, verified and run twice at once.

    url ──► NAME.part ──(resumed with a Range request until complete)──► hash ──► NAME

The file appears under its name only when its hash is right, by an atomic rename. A lock per file makes a second
process wait and then find the finished file. Whatever is loaded is hashed again first.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from muybridge.cache_folder import cache_folder
from muybridge.errors import WeightsError
from muybridge.models.weights import Weights

__all__ = ["cached_file", "fetch", "fetch_url"]

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30.0
_ATTEMPTS = 4


def cached_file(record: Weights) -> Path | None:
    """The record's file where it is at hand, without asking any network; None where it is not.

    Looked up in this package's cache folder, then in torch.hub's, where torchvision puts the same files.
    The hash is checked when the file is loaded.

    >>> cached_file(Weights("none", url="https://example.org/none-00000000.pth")) is None
    True
    """
    if not record.file_name:
        return None
    local = Path(record.url)
    for path in (local, cache_folder("weights") / record.file_name, _torch_hub_folder() / record.file_name):
        if path.is_file():
            return path
    return None


def fetch(record: Weights) -> Path:
    """The record's file: from the cache if it is there, else downloaded and verified.

    Raises:
        WeightsError: no network, a damaged or tampered file, or a cache folder that cannot be written; the
            message names the URL, the file and the folder.
    """
    path = cached_file(record)
    if path is not None:
        verify(path, record.sha256)
        return path
    return fetch_url(record.url, cache_folder("weights"), sha256=record.sha256)


def fetch_url(url: str, folder: Path, *, sha256: str) -> Path:
    """Download a file into a folder, unless it is already there and whole.

    Args:
        url: an http or https address; its last part becomes the file's name.
        folder: made if it does not exist.
        sha256: the hash or its first digits; empty to accept any content.

    Raises:
        WeightsError: no network, wrong content, or a folder that cannot be written.
    """
    path = folder / Weights("file", url=url).file_name
    remedy = f"download {url} elsewhere and put it at {path}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(path):
            if not path.is_file():
                _download(url, path, sha256, remedy)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise WeightsError(
            f"the cache folder {folder} cannot be written ({error.strerror or error});"
            f" set MUYBRIDGE_CACHE to a folder that can, or {remedy}"
        ) from error
    except OSError as error:
        if not isinstance(error, urllib.error.URLError) and error.errno in (28, 30):
            raise WeightsError(
                f"the cache folder {folder} cannot be written ({error.strerror});"
                f" set MUYBRIDGE_CACHE to a folder that can, or {remedy}"
            ) from error
        raise
    verify(path, sha256)
    return path


def verify(path: Path, sha256: str) -> None:
    """Raise unless a file's hash begins with the digits given; a few tenths of a second for the largest files.

    Raises:
        WeightsError: the file is damaged or was tampered with.
    """
    found = _hash(path)
    if not found.startswith(sha256):
        raise WeightsError(
            f"{path} is damaged or was tampered with: its sha256 begins with {found[: len(sha256)]},"
            f" expected {sha256}; delete it and try again"
        )


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _torch_hub_folder() -> Path:
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    from filelock import FileLock

    with FileLock(str(path) + ".lock"):
        yield


def _download(url: str, path: Path, sha256: str, remedy: str) -> None:
    part = path.with_name(path.name + ".part")
    if not (sha256 and part.is_file() and _hash(part).startswith(sha256)):
        _receive_all(url, part, remedy)
    found = _hash(part)
    if not found.startswith(sha256):
        part.unlink()
        raise WeightsError(
            f"{url} is not the file that was published: its sha256 begins with {found[: len(sha256)]},"
            f" expected {sha256}; the download was deleted"
        )
    part.replace(path)


def _receive_all(url: str, part: Path, remedy: str) -> None:
    """Receive until the file is complete; give up after a few attempts that brought nothing."""
    failures = 0
    while True:
        before = _size(part)
        try:
            return _receive(url, part)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # the part is longer than the file: it belongs to another version
                part.unlink(missing_ok=True)
            elif error.code < 500:
                raise WeightsError(f"{url} answered {error.code} {error.reason}; {remedy}") from error
            reason: BaseException = error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason = error
        failures = 0 if _size(part) > before else failures + 1
        if failures == _ATTEMPTS:
            raise WeightsError(
                f"no network, or {url} cannot be reached ({_reason(reason)}); {remedy}, or try again:"
                " what has arrived is kept"
            ) from reason
        time.sleep(0.2 * 2**failures)


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _receive(url: str, part: Path) -> None:
    """Append what is still missing to the partial file."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"User-Agent": "muybridge", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
        resumed = answer.status == 206
        total = _total_size(answer, have if resumed else 0)
        with part.open("ab" if resumed else "wb") as file, _progress(part.stem, total) as advance:
            advance(have if resumed else 0)
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                advance(len(chunk))
    if total is not None and _size(part) < total:
        raise ConnectionError(f"the connection ended after {_size(part)} of {total} bytes")


def _total_size(answer: Any, have: int) -> int | None:
    length = answer.headers.get("Content-Length")
    return have + int(length) if length is not None else None


@contextlib.contextmanager
def _progress(name: str, total: int | None) -> Iterator[Any]:
    """A bar on stderr; none where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total)
        yield lambda count: bar.update(task, advance=count)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "reason", error)) or type(error).__name__
