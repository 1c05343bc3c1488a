"""How a store names a video, and which of its names a user means."""

from __future__ import annotations

import glob
import os
from fnmatch import fnmatchcase
from pathlib import Path

__all__ = ["PathPattern", "key_of"]


def key_of(path: str | Path) -> str:
    """How a store names a video: the absolute path without `..`, or the address as it is.

    >>> key_of("s3://bucket/cat.mp4"), key_of("/films/cats/../dogs/rex.mp4")
    ('s3://bucket/cat.mp4', '/films/dogs/rex.mp4')
    """
    if "://" in str(path):
        return str(path)
    named = Path(path).expanduser().absolute()
    if ".." not in named.parts:
        return str(named)
    folded = os.path.normpath(named)
    real = os.path.realpath(named)
    # Beyond a link, `..` leads out of the folder that it stands for, not out of the one where it lies.
    return folded if os.path.realpath(folded) == real else real


class PathPattern:
    """What names some of a store's videos: a path, a folder, or a pattern of whole paths or of file names.

    Args:
        text: relative ones are looked for in the folder where the user is, and as they are.

    >>> [PathPattern(it).takes("/films/cats/tom.mp4") for it in ("/films/cats", "/films/*/tom.*", "tom.*", "/films/c")]
    [True, True, True, False]
    """

    def __init__(self, text: str) -> None:
        self._paths = (text, key_of(text))
        self._folder = self._paths[1].rstrip("/") + "/"
        # What the folder here is called is no pattern.
        here = Path(glob.escape(str(Path.cwd())))
        self._patterns = (text, os.path.normpath(here / Path(text).expanduser()))

    def takes(self, path: str) -> bool:
        """Whether a video, as a store names it, is meant."""
        return (
            path in self._paths
            or path.startswith(self._folder)
            or any(fnmatchcase(path, pattern) for pattern in self._patterns)
            or fnmatchcase(Path(path).name, self._patterns[0])
        )
