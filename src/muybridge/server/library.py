"""The videos of a folder, as the server names them.

A name is a digest of where the video lies in the folder, so no address can spell a path; and a link that leads out of
the folder is not listed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muybridge.errors import VideoOpenError
from muybridge.printable import as_unicode
from muybridge.video.file_names import VIDEO_ENDINGS

__all__ = ["Library", "ListedVideo"]


@dataclass(frozen=True, slots=True)
class ListedVideo:
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

    @property
    def version(self) -> str:
        """Differs when the file does."""
        return f"{self.modified_ns}-{self.size_bytes}"

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
        self.folder = Path(os.path.realpath(Path(folder).expanduser()))
        if not self.folder.is_dir():
            raise VideoOpenError("no such folder; name one that holds videos", path=folder)
        self.title = as_unicode(self.folder.name or str(self.folder))
        self._paths: dict[str, Path] = {}

    def videos(self) -> list[ListedVideo]:
        """Those that are there now, by their titles."""
        found = {video.key: video for path in self._walk() if (video := self._video(path))}
        self._paths = {key: video.path for key, video in found.items()}
        return sorted(found.values(), key=lambda video: video.title.casefold())

    def find(self, key: str) -> ListedVideo | None:
        """The video of that name; None where none has it (any more)."""
        path = self._paths.get(key)
        video = self._video(path) if path is not None else None
        return video or next((one for one in self.videos() if one.key == key), None)

    def _walk(self) -> Iterator[Path]:
        folders = [self.folder]
        while folders:
            try:
                entries = list(os.scandir(folders.pop()))
            except OSError:  # not ours to read, or gone meanwhile
                continue
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif Path(entry.name).suffix.lower() in VIDEO_ENDINGS:
                    yield Path(entry.path)

    def _video(self, path: Path) -> ListedVideo | None:
        try:
            # Any part of the path may have become a link since it was listed.
            if not Path(os.path.realpath(path)).is_relative_to(self.folder):
                return None
            state = path.stat()
        except OSError:  # it went meanwhile, or is a link to itself
            return None
        if not stat.S_ISREG(state.st_mode):
            return None
        title = path.relative_to(self.folder).as_posix()
        key = hashlib.sha256(os.fsencode(title)).hexdigest()[:16]
        return ListedVideo(key, as_unicode(title), path, state.st_size, state.st_mtime_ns)
