"""The rows, lines and times of annotation files, and the videos that they name; `annotations` knows their formats."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from muybridge.errors import DatasetError, DatasetWarning
from muybridge.training.videos import few
from muybridge.video.file_names import VIDEO_ENDINGS

__all__ = [
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
    """(line number, column → value) of each line below the header."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            for row in reader:
                # Many write a space behind each comma, which belongs neither to a column's name nor to a class.
                yield reader.line_num, {str(key).strip(): _stripped(value) for key, value in row.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read as CSV: {error}") from error


def _stripped(value: Any) -> Any:
    """A cell; None where the line is too short, and a list of what is too much in a line."""
    return value.strip() if isinstance(value, str) else value


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
