"""Which files of a folder are videos, by their names alone."""

from __future__ import annotations

__all__ = ["VIDEO_ENDINGS"]

VIDEO_ENDINGS = frozenset(
    (
        *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4"),
        *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
    )
)
