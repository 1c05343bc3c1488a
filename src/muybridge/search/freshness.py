"""Whether a video of a store is still the file that was indexed."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muybridge.search.store import Row

__all__ = ["has_changed"]

MAX_HASHED_BYTES = 256 << 20
"""A search must not read whole films: of a larger file, another date counts as a change."""


def has_changed(video: Row) -> bool:
    """Whether another file now lies where a video was; False where there is none, or where nothing was noted.

    A file of another size is another file. One of the same size and another date is told by its content, if the
    content was noted.
    """
    if not video.size_bytes:  # added by hand, from a timeline of no file
        return False
    try:
        stat = Path(video.path).stat()
        if stat.st_size != video.size_bytes:
            return True
        if stat.st_mtime_ns == video.modified_ns:
            return False
        if not video.content_hash or stat.st_size > MAX_HASHED_BYTES:
            return True
        return _content_hash(video.path, stat.st_size, stat.st_mtime_ns) != video.content_hash
    except OSError:
        return False


@functools.lru_cache(maxsize=1024)
def _content_hash(path: str, size_bytes: int, modified_ns: int) -> str:
    """The SHA-256 of a file's bytes, read once for each size and date."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
