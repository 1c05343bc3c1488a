"""What every verb prints in the same way: JSON, moments, a progress bar."""

from __future__ import annotations

import codecs
import glob
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from muybridge.errors import OptionError, VideoOpenError
from muybridge.video.file_names import VIDEO_ENDINGS

__all__ = ["clock", "expand_paths", "json_for_stdout", "pairs", "print_json", "progress_bar"]


REPORT_ENDING = ".muybridge"
"""Of the folders that reports are written to, beside their videos."""


def print_json(value: Any) -> None:
    """Write JSON values, or anything with `to_dict()`, to stdout as one document."""
    print(json_for_stdout(value.to_dict() if hasattr(value, "to_dict") else value, indent=2))


def json_for_stdout(value: Any, *, indent: int | None = None) -> str:
    r"""JSON as stdout can hold it: letters as they are in UTF-8, escaped where the terminal speaks anything else.

    >>> json_for_stdout({"path": "a\udcff.mp4"})  # a file name that is not UTF-8
    '{"path": "a\\udcff.mp4"}'
    """
    is_utf8 = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    text = json.dumps(value, ensure_ascii=not is_utf8, indent=indent, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode()


def clock(seconds: float) -> str:
    """Seconds as a person reads them.

    >>> clock(3.25), clock(3725.5), clock(59.999)
    ('0:03.25', '1:02:05.50', '1:00.00')
    """
    hundredths = round(abs(seconds) * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if seconds < 0 and hundredths else ""
    tail = f"{rest // 100:02d}.{rest % 100:02d}"
    return f"{sign}{hours}:{minutes:02d}:{tail}" if hours else f"{sign}{minutes}:{tail}"


def expand_paths(names: Sequence[str]) -> list[Path]:
    """Files, folders and patterns → files; a folder stands for the videos in it, a pattern for those it matches.

    What is named is tried, whatever its ending. A folder or a pattern without any video is no reason to leave the
    others out: it is said on stderr, unless it is the folder of a report, which `*` names beside its video.

    Raises:
        VideoOpenError: nothing but patterns and folders without any video.
    """
    paths: list[Path] = []
    empty: list[str] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if file.suffix.lower() in VIDEO_ENDINGS)
        elif not path.exists() and glob.has_magic(name):
            found = _matching(name)
        else:
            found = [path]
        paths += found
        if not found:
            empty.append(name)
    if empty and not paths:
        raise VideoOpenError("no video found there", path=", ".join(empty))
    for name in empty:
        if Path(name).suffix != REPORT_ENDING:
            print(f"muybridge: {name}: no video found there", file=sys.stderr)
    return list(dict.fromkeys(paths))


def _matching(pattern: str) -> list[Path]:
    """The videos that a pattern matches; `*.y4m` names an ending of its own. What reports hold is none of them."""
    ending = Path(pattern).suffix
    endings = VIDEO_ENDINGS if not ending or glob.has_magic(ending) else {*VIDEO_ENDINGS, ending.lower()}
    return sorted(
        file
        for file in map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207
        if file.is_file()
        and file.suffix.lower() in endings
        and not any(folder.suffix == REPORT_ENDING for folder in file.parents)
    )


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """`a=b` as it is given to an option → {a: b, b: a}.

    >>> pairs(["wave left=wave right"])
    {'wave left': 'wave right', 'wave right': 'wave left'}

    Raises:
        OptionError: a text without `=`.
    """
    result: dict[str, str] = {}
    for text in texts:
        one, sign, other = (part.strip() for part in text.partition("="))
        if not (one and sign and other):
            raise OptionError(f"{text!r} is not CLASS=CLASS")
        result |= {one: other, other: one}
    return result


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Callable[[float, float], None] | None]:
    """A bar on stderr for a function that reports (done, total); None when quiet or when nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
