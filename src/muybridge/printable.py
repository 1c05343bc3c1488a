"""Text from elsewhere (a screen, a server, a checkpoint), fit to be shown: a terminal must not obey it."""

from __future__ import annotations

import os

__all__ = ["as_unicode", "printable"]


def printable(text: str) -> str:
    r"""The same text with a space for each character that has no shape: line ends, escapes, marks of direction.

    >>> printable("\x1b[31mred\n"), printable("händeklatschen 拍手")
    (' [31mred ', 'händeklatschen 拍手')
    """
    return "".join(char if char.isprintable() else " " for char in text)


def as_unicode(path: str | os.PathLike[str]) -> str:
    r"""A file's name as it can be shown, sent and stored: what of it is no Unicode is replaced.

    >>> as_unicode("caf\udce9") == "caf\ufffd"
    True
    """
    return os.fsencode(path).decode("utf-8", "replace")
