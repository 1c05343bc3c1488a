"""The rows, lines and times of annotation files, and the videos that they name; `annotations` knows their formats."""

from __future__ import annotations

import csv
import difflib
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from muybridge.errors import DatasetError, DatasetWarning
from muybridge.training.videos import few
from muybridge.video.file_names import VIDEO_ENDINGS

__all__ = [
    "check_columns",
    "csv_rows",
    "finite_seconds",
    "parse_seconds",
    "subset_name",
    "text_lines",
    "videos_by_stem",
    "warn_of_empty",
    "window",
]


def csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, column → value) of each line below the header that is not empty.

    Raises:
        DatasetError: not a CSV, or a line with a value that belongs to no column.
    """
    header: list[str] = []
    for number, cells in _csv_lines(path):
        if not header:
            header = cells
            continue
        cells += [""] * (len(header) - len(cells))
        # A table's row numbers often stand first, below no name; what stands behind all names belongs nowhere.
        named = max((place for place, name in enumerate(header, start=1) if name), default=0)
        if any(cells[named:]):
            count = max(place for place, cell in enumerate(cells, start=1) if cell)
            raise DatasetError(
                f"{path}, line {number}: {count} values for {named} columns; put a value that holds a comma in"
                " quotation marks"
            )
        yield number, {name: cell for name, cell in zip(header, cells, strict=False) if name}


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each line that is not empty."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            # Many write a space behind each comma, which belongs neither to a column's name nor to a class.
            reader = csv.reader(file, skipinitialspace=True)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read as CSV: {error}") from error


def check_columns(path: Path, columns: Iterable[str], known: Sequence[str]) -> None:
    """Look for columns that nobody reads, before what they say is lost.

    Raises:
        DatasetError: one that seems to be meant for a known column that is not there.

    Warns:
        DatasetWarning: others; they are named.
    """
    names = list(columns)
    strangers = [name for name in names if name not in known]
    for name in strangers:
        meant = _meant_column(name, known)
        if meant is not None and meant not in names:
            raise DatasetError(
                f"{path} has a column {name!r}, which is not read; call it {meant!r} if it is that, else leave it out"
            )
    if strangers:
        warnings.warn(
            f"{path}: columns that are not read: {few(strangers)}; known are {', '.join(known)}",
            DatasetWarning,
            stacklevel=3,
        )


_WORDS_OF_COLUMNS = {
    "start": "start_seconds",
    "begin": "start_seconds",
    "end": "end_seconds",
    "stop": "end_seconds",
    "split": "subset",
    "subset": "subset",
    "partition": "subset",
}


def _meant_column(name: str, known: Sequence[str]) -> str | None:
    """The known column that a name stands for in other lists, or that it is a near spelling of."""
    for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name):
        column = _WORDS_OF_COLUMNS.get(word.lower())
        if column in known:
            return column
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)
    return near[0] if near else None


def subset_name(name: object) -> str:
    """A part of the dataset's own split, however it is written; empty where there is none."""
    return str(name or "").strip().lower()


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of each line that is not empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    # Not splitlines(), which cuts at every separator of Unicode too, as a query may hold one.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def videos_by_stem(folder: Path) -> dict[str, Path]:
    """Name without its ending → file, of all videos in a folder and below."""
    if not folder.is_dir():
        raise DatasetError(f"no folder of videos at {folder}")
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in VIDEO_ENDINGS}


def parse_seconds(text: str | None, path: Path, number: int) -> float | None:
    """A cell of a CSV as a time; None where it is empty."""
    if text is None or not text.strip():
        return None
    try:
        return finite_seconds(text)
    except ValueError as error:
        raise DatasetError(f"{path}, line {number}: {text!r} is not a number of seconds") from error


def window(times: Any) -> tuple[float, float]:
    """(start, end) in seconds, of numbers or texts.

    Raises:
        ValueError, TypeError: not two finite times.
    """
    if isinstance(times, str):  # else "12" would be 1 to 2
        raise TypeError(f"{times!r} is not a pair of times")
    start, end = (finite_seconds(seconds) for seconds in times)
    return start, end


def finite_seconds(seconds: Any) -> float:
    """A time of a number or a text.

    Raises:
        ValueError, TypeError: none, or not a finite one.
    """
    value = float(seconds)
    if not math.isfinite(value):
        raise ValueError(f"{seconds} is no time")
    return value


def warn_of_empty(names: Sequence[str], source: str | Path) -> None:
    """Say which stretches were left out: published files hold a few that end before they start."""
    if names:
        warnings.warn(
            f"{source}: {len(names)} stretches do not end after their start and are left out: {few(names)}",
            DatasetWarning,
            stacklevel=3,
        )
