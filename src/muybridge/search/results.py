"""What a search gives back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["IndexedVideo", "Match"]


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of a video that a query found.

    Args:
        path: the video, as it was indexed.
        start_seconds: where the stretch begins.
        end_seconds: where it ends.
        kind: the segment's kind, such as `"text"`; `"video"` for a whole video found by its name; `"look"` for a
            stretch that looks like an example.
        label: what is there: the words that are read, the movement, the caption.
        why: why it matched, for people.
        relevance: what the results are sorted by; comparable within one search only.
        similarity: the cosine of meaning, or the share of an example that is found, in [0, 1]; None where words
            alone matched.
        score: the segment's own confidence in [0, 1]; None where it has none.
        has_changed: whether the file was another one when it was indexed, so that what it says may no longer be so.
    """

    path: str
    start_seconds: float
    end_seconds: float
    kind: str
    label: str
    why: str
    relevance: float
    similarity: float | None = None
    score: float | None = None
    has_changed: bool = False

    @property
    def is_there(self) -> bool:
        """Whether a file is still where it was when it was indexed; see `has_changed`, too."""
        return Path(self.path).is_file()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class IndexedVideo:
    """A video that a store knows.

    Args:
        path: where it was when it was indexed.
        duration_seconds: its length.
        num_segments: how many of its segments can be searched.
        content_hash: the SHA-256 of its bytes; empty where it was not given.
        size_bytes: of the file.
        modified_ns: when the file was last changed, in nanoseconds since 1970.
    """

    path: str
    duration_seconds: float
    num_segments: int
    content_hash: str
    size_bytes: int
    modified_ns: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)
