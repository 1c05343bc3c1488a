"""The videos of a folder, as the server names them.

A name is a digest of where the video lies in the folder, so no address can spell a path; and a link that leads out of
the folder is not listed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muybridge.errors import VideoOpenError
from muybridge.video.file_names import VIDEO_ENDINGS

__all__ = ["Library", "Video"]


@dataclass(frozen=True, slots=True)
class Video:
    """A file of the folder, as it was when it was listed.

    Args:
        key: its name in addresses: 16 hexadecimal digits.
        title: where it lies in the folder, with forward slashes.
        path: where it lies.
        size_bytes: its length.
        modified_ns: when it was last written.
    """

    key: str
    title: str
    path: Path
    size_bytes: int
    modified_ns: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; the path outside of the folder is nobody's business."""
        return {"key": self.key, "title": self.title, "size_bytes": self.size_bytes}


class Library:
    """The videos of a folder and of all folders in it, listed anew whenever it is asked.

    Args:
        folder: where they lie.

    Raises:
        VideoOpenError: there is no such folder.

    >>> folder = getfixture("sample_video").parent
    >>> [video.title for video in Library(folder).videos()]
    ['sample.mp4']
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser().resolve()
        if not self.folder.is_dir():
            raise VideoOpenError("no such folder; name one that holds videos", path=folder)

    def videos(self) -> list[Video]:
        """Those that are there now, by their titles."""
        return sorted(self._walk(), key=lambda video: video.title.casefold())

    def find(self, key: str) -> Video | None:
        """The video of that name; None where none has it (any more)."""
        return next((video for video in self._walk() if video.key == key), None)

    def _walk(self) -> Iterator[Video]:
        for root, inner, files in os.walk(self.folder):
            inner[:] = [name for name in inner if not name.startswith(".")]
            for name in files:
                if Path(name).suffix.lower() in VIDEO_ENDINGS and not name.startswith("."):
                    video = self._video(Path(root) / name)
                    if video is not None:
                        yield video

    def _video(self, path: Path) -> Video | None:
        try:
            if not path.resolve().is_relative_to(self.folder) or not path.is_file():
                return None
            state = path.stat()
        except OSError:  # it went meanwhile
            return None
        title = path.relative_to(self.folder).as_posix()
        key = hashlib.sha256(os.fsencode(title)).hexdigest()[:16]
        # A name that is no Unicode can be shown and sent only with its bytes replaced.
        shown = os.fsencode(title).decode("utf-8", "replace")
        return Video(key, shown, path, state.st_size, state.st_mtime_ns)
