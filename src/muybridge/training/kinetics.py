"""Kinetics: ten seconds of each of very many videos, published as a list of their IDs and times.

ID,120,130 ──► ID_000120_000130.mp4    the clip, as the usual tools cut and name it
          └──► ID.mp4                  the whole source: just those seconds of it; or the clip, under a short name
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from muybridge.errors import DatasetError, DatasetWarning, VideoError
from muybridge.training.annotation_files import csv_rows, subset_name, videos_by_stem
from muybridge.training.videos import VideoItem, VideoList, few
from muybridge.video.metadata import probe

__all__ = ["read_kinetics"]

_LEEWAY_SECONDS = 1.0  # times are whole seconds, and clips are cut a little longer


def read_kinetics(path: str | Path, *, folder: str | Path) -> VideoList:
    """Kinetics: clips named `ID_START_END`, in the folder itself or in one folder for each class.

    A file named by its ID alone is taken for the source where it is longer than the stretch and reaches its end: then
    just the stretch is an example. Else it is taken for the clip, cut out already.

    Args:
        path: the CSV file, with the columns label, youtube_id, time_start, time_end and split.
        folder: where the clips lie.

    Raises:
        DatasetError: a column is missing, a line is wrong or too short, or no clip is there.

    Warns:
        DatasetWarning: some clips are missing, or several stretches are named of what is one clip: nobody knows which
            of them it is, so they are left out.
    """
    path = Path(path)
    files = videos_by_stem(Path(folder))
    lengths: dict[Path, float] = {}
    meant: dict[Path, set[tuple[int, int]]] = defaultdict(
        set
    )  # of files that are one clip, named by their ID
    items, missing = [], []
    for number, row in csv_rows(path):
        name, label, start, end = _line(row, f"{path}, line {number}")
        stem = f"{name}_{start:06d}_{end:06d}"
        file = files.get(stem) or files.get(name)
        if file is None:
            missing.append(stem)
            continue
        item = VideoItem(file, label, group=name, subset=subset_name(row.get("split")))
        if stem not in files:
            if file not in lengths:
                lengths[file] = _length(file)
            if (
                end - start + _LEEWAY_SECONDS < lengths[file]
                and start < end <= lengths[file] + _LEEWAY_SECONDS
            ):
                item = replace(item, start_seconds=float(start), end_seconds=float(end))
            else:
                meant[file].add((start, end))
        items.append(item)
    unclear = {file for file, stretches in meant.items() if len(stretches) > 1}
    if unclear:
        warnings.warn(
            f"{path}: {len(unclear)} files are one clip each, of which the list names several stretches; they are left"
            f" out: {few(sorted(unclear))}; name them ID_START_END to say which stretch they are",
            DatasetWarning,
            stacklevel=2,
        )
    known = [item for item in items if item.path not in unclear or item.end_seconds is not None]
    return VideoList.of(known, missing=missing, source=path)


def _line(row: dict[str, str], where: str) -> tuple[str, str, int, int]:
    """(ID, class, start, end) of a line; raises a `DatasetError`."""
    try:
        start, end = round(float(row["time_start"])), round(float(row["time_end"]))
        name, label = row["youtube_id"], row["label"]
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise DatasetError(f"{where}: not a line of Kinetics ({error})") from error
    if not name or not label:
        raise DatasetError(f"{where}: no {'label' if name else 'youtube_id'} in it")
    return name, label, start, end


def _length(path: Path) -> float:
    """In seconds; 0 of what cannot be read, which is said where all videos are looked at."""
    try:
        return probe(path).duration_seconds or 0.0
    except VideoError:
        return 0.0
