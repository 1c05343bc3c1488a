"""One file at a time, whole or not at all; and what to do where the disk refuses."""

from __future__ import annotations

import errno
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from muybridge.errors import OutputError

__all__ = ["try_writing", "naming_a_remedy", "write_whole"]

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space, or choose a folder on another disk",
    errno.EDQUOT: "your quota of disk space is used up: free some space, or choose a folder elsewhere",
    errno.EACCES: "you may not write there: choose a folder of your own, or ask for the permission",
    errno.EPERM: "you may not write there: choose a folder of your own, or ask for the permission",
    errno.EROFS: "that disk is read-only: choose a folder on another disk",
    errno.ENOENT: "there is no such folder: make it first, or choose another folder",
    errno.ENOTDIR: "a file is in the way: remove it, or choose another folder",
    errno.EEXIST: "a file is in the way: remove it, or choose another folder",
    errno.EISDIR: "a folder of that name is in the way: remove it, or choose another folder",
    errno.ENAMETOOLONG: "the name is too long for that disk: choose a shorter one",
}


@contextmanager
def naming_a_remedy(what: str) -> Iterator[None]:
    """Turn what the disk says into an error that says what to do.

    Args:
        what: is being written, such as `"the report to r"`.

    Raises:
        OutputError: in place of any OSError.

    >>> with naming_a_remedy("the words to no/such/folder/x.srt"):
    ...     write_whole(Path("no/such/folder/x.srt"), b"")
    Traceback (most recent call last):
    ...
    muybridge.errors.OutputError: cannot write the words to no/such/folder/x.srt: No such file or directory;
    there is no such folder: make it first, or choose another folder
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "choose another folder")
        raise OutputError(f"cannot write {what}: {error.strerror}; {remedy}") from error


def try_writing(folder: Path) -> None:
    """Try whether a file can be written into a folder that is there, and leave nothing behind.

    Raises:
        OSError: it cannot.
    """
    # A file without a name: several processes may try at once.
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"0")


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the place and rename, so that a reader never meets half a file.

    Args:
        path: the file, in a folder that is there.
        content: of the file.

    Raises:
        OSError: it cannot be written; an earlier file is unharmed.

    >>> path = getfixture("tmp_path") / "numbers.txt"
    >>> write_whole(path, b"1 2 3")
    >>> path.read_text()
    '1 2 3'
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
