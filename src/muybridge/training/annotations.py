"""The formats in which datasets are published, read into one `VideoList`.

    a folder        FOLDER/clap/1.mp4, FOLDER/wave/2.mp4; or FOLDER/train/clap/…, FOLDER/test/clap/…
    a manifest      CSV with the columns path, label and, if wanted, start_seconds, end_seconds, group, subset, mask
    Kinetics        CSV with label, youtube_id, time_start, time_end, split
    UCF101, HMDB51  split lists: a file name and a number in each line
    ActivityNet     JSON with "database" (THUMOS14 is published in it too): stretches of untrimmed videos

Moments that answer a query (Charades-STA, QVHighlights) are read by `read_moments`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muybridge.errors import DatasetError, OptionError
from muybridge.training.annotation_files import (
    check_columns,
    csv_rows,
    finite_seconds,
    parse_seconds,
    subset_name,
    text_lines,
    videos_by_stem,
    warn_of_empty,
    window,
)
from muybridge.training.kinetics import read_kinetics
from muybridge.training.videos import VideoItem, VideoList, few
from muybridge.video.file_names import VIDEO_ENDINGS

__all__ = [
    "MomentQuery",
    "read_activitynet",
    "read_folder",
    "read_hmdb51",
    "read_kinetics",
    "read_manifest",
    "read_moments",
    "read_ucf101",
    "read_videos",
]

_SUBSETS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
_COLUMNS = ("path", "label", "start_seconds", "end_seconds", "group", "subset", "mask")


def read_videos(source: str | Path, *, folder: str | Path | None = None) -> VideoList:
    """Read a dataset, whatever its format; a folder, `.csv`, `.json` or `.txt` tells itself apart.

    Args:
        source: the folder of class folders, or the file with the annotations.
        folder: where the videos of a file with annotations lie; None for the folder of the file.

    Raises:
        DatasetError: missing, empty, or of no known format; the message names the line.
        OptionError: a folder of videos for a folder of class folders, which holds its own.

    Warns:
        DatasetWarning: some of the videos are missing, or a column is not known.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        if folder is not None:
            raise OptionError(
                f"{path} is a folder, which holds its videos itself, so that --videos {folder} has no effect; leave it"
                " out"
            )
        return read_folder(path)
    if not path.is_file():
        raise DatasetError(f"no dataset at {path}; give a folder of class folders, or a .csv, .json or .txt")
    videos = Path(folder).expanduser() if folder is not None else path.parent
    if path.suffix == ".json":
        return read_activitynet(path, folder=videos)
    if path.suffix == ".txt":
        name = re.fullmatch(r".+_test_split\d\.txt", path.name)
        return read_hmdb51(path, folder=videos) if name else read_ucf101(path, folder=videos)
    if path.suffix == ".csv":
        _, columns = next(csv_rows(path), (0, {}))
        return (read_kinetics if "youtube_id" in columns else read_manifest)(path, folder=videos)
    raise DatasetError(f"{path} has no known format; known are folders, .csv, .json and .txt")


def read_folder(folder: str | Path) -> VideoList:
    """One folder for each class; above them, if wanted, `train` and `test` (or `val`).

    Args:
        folder: the folder of class folders.

    Raises:
        DatasetError: no class folder, one without a video, or another folder beside `train` and `test`.

    >>> folder = getfixture("tmp_path")
    >>> for name in ("clap/1.mp4", "wave/1.mp4", "wave/2.mp4"):
    ...     (folder / name).parent.mkdir(exist_ok=True); (folder / name).touch()
    >>> read_folder(folder).counts
    {'clap': 1, 'wave': 2}
    """
    folder = Path(folder)
    parts = _parts(folder)
    if parts:
        items = [item for path in parts for item in _class_folders(path, subset=path.name.lower())]
    else:
        items = _class_folders(folder, subset="")
    return VideoList.of(items, source=folder)


def _parts(folder: Path) -> list[Path]:
    """The folders `train`, `test` and the like; none where the classes lie in the folder itself."""
    inner = _folders(folder)
    named = [path for path in inner if path.name.lower() in _SUBSETS]
    if len(named) == len(inner):
        return named
    # Beside other classes, `train` without folders in it is the class of the vehicle.
    parts = [path for path in named if _folders(path)]
    if not parts:
        return []
    strangers = [path.name for path in inner if path not in parts]
    lie, it = ("lies", "it") if len(strangers) == 1 else ("lie", "them")
    raise DatasetError(
        f"{few(strangers)} {lie} beside {few(path.name for path in parts)} in {folder}, where only train, val and test"
        f" may; move {it} elsewhere or call {it} so, or give a list (.csv) if all of these are classes"
    )


def _class_folders(folder: Path, *, subset: str) -> list[VideoItem]:
    classes = _folders(folder)
    if not classes:
        raise DatasetError(f"{folder} holds no folders; make one for each class, with its videos inside")
    items: list[VideoItem] = []
    empty: list[str] = []
    for path in classes:
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in VIDEO_ENDINGS)
        items += [VideoItem(file, path.name, subset=subset) for file in files]
        if not files:
            empty.append(path.name)
    if empty:
        plural = "s hold" if len(empty) > 1 else " holds"
        raise DatasetError(
            f"{len(empty)} class folder{plural} no video: {few(empty)} (in {folder}); fill or remove"
        )
    return items


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def read_manifest(path: str | Path, *, folder: str | Path | None = None) -> VideoList:
    r"""A list of one's own: CSV with a header; `path` and `label` are needed, the rest is as in `VideoItem`.

    Spaces around a value count for nothing, nor do capitals in a `subset`.

    Args:
        path: the CSV file.
        folder: what relative paths start from; None for the folder of the file.

    Raises:
        DatasetError: a column is missing or goes by another name, or a line is wrong; the message names it.

    Warns:
        DatasetWarning: some videos are missing, or a column is not known and not read.

    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.mp4").touch()
    >>> _ = (folder / "mine.csv").write_text("path,label,start_seconds,end_seconds,group\na.mp4,wave,1.0,2.5,anna\n")
    >>> read_manifest(folder / "mine.csv").items[0].end_seconds
    2.5
    """
    path = Path(path)
    base = Path(folder) if folder is not None else path.parent
    items: list[VideoItem] = []
    missing: list[str] = []
    for number, row in csv_rows(path):
        for column in ("path", "label"):
            if not row.get(column):
                raise DatasetError(f"{path}, line {number}: no {column}; the columns are {', '.join(row)}")
        if not items and not missing:
            check_columns(path, row, _COLUMNS)
        start = parse_seconds(row.get("start_seconds"), path, number)
        end = parse_seconds(row.get("end_seconds"), path, number)
        if end is not None and end <= (start or 0.0):
            raise DatasetError(f"{path}, line {number}: ends at {end} s, before its start")
        file = base / row["path"]
        mask = base / row["mask"] if row.get("mask") else None
        item = VideoItem(
            file, row["label"], start, end, row.get("group") or "", subset_name(row.get("subset")), mask
        )
        if file.is_file() and (mask is None or mask.is_file()):
            items.append(item)
        else:
            missing.append(str(file if mask is None or mask.is_file() else mask))
    return VideoList.of(items, missing=missing, source=path)


def read_ucf101(path: str | Path, *, folder: str | Path) -> VideoList:
    """UCF101: lines such as `Archery/v_Archery_g08_c01.avi 3`; the group of a clip is its `g08`.

    Args:
        path: `trainlist01.txt` or `testlist01.txt`.
        folder: where the class folders lie.

    Raises:
        DatasetError: a line is no file name, or none of the files is there.

    Warns:
        DatasetWarning: some files are missing.
    """
    subset = "train" if "train" in Path(path).name else "test" if "test" in Path(path).name else ""
    items, missing = [], []
    for number, line in text_lines(Path(path)):
        name = line.rsplit(" ", 1)[0] if re.search(r" \d+$", line) else line
        label, slash, stem = name.partition("/")
        if not slash:
            raise DatasetError(f"{path}, line {number}: {line!r} is not CLASS/FILE NUMBER")
        group = re.search(r"_(g\d+)_c\d+\.", stem)
        item = VideoItem(
            Path(folder) / name, label, group=f"{label} {group[1]}" if group else "", subset=subset
        )
        (items.append(item) if item.path.is_file() else missing.append(name))
    return VideoList.of(items, missing=missing, source=path)


def read_hmdb51(path: str | Path, *, folder: str | Path) -> VideoList:
    """HMDB51: `wave_test_split1.txt` with a file name and 1 (train), 2 (test) or 0 (neither) in each line.

    Args:
        path: the list of one class; the lists of all classes of that split beside it are read too.
        folder: where the class folders lie.

    Raises:
        DatasetError: a line is wrong, or none of the files is there.

    Warns:
        DatasetWarning: some files are missing.
    """
    path = Path(path)
    named = re.fullmatch(r"(.+)(_test_split\d)\.txt", path.name)
    if named is None:
        raise DatasetError(f"{path} is not named CLASS_test_splitN.txt")
    items, missing = [], []
    for file in sorted(path.parent.glob(f"*{named[2]}.txt")):
        label = file.name.removesuffix(f"{named[2]}.txt")
        for number, line in text_lines(file):
            name, _, digit = line.rpartition(" ")
            if digit not in ("0", "1", "2") or not name:
                raise DatasetError(f"{file}, line {number}: {line!r} is not FILE and 0, 1 or 2")
            if digit == "0":
                continue
            item = VideoItem(Path(folder) / label / name, label, subset="train" if digit == "1" else "test")
            (items.append(item) if item.path.is_file() else missing.append(f"{label}/{name}"))
    return VideoList.of(items, missing=missing, source=path)


def read_activitynet(path: str | Path, *, folder: str | Path) -> VideoList:
    """ActivityNet and THUMOS14: each annotated stretch of a video becomes an item.

    Args:
        path: JSON with `{"database": {ID: {"subset": …, "annotations": [{"label": …, "segment": [s, e]}]}}}`; times may
            be numbers or texts.
        folder: where the videos lie, named by their ID (with or without ActivityNet's `v_`).

    Raises:
        DatasetError: not that form, an annotation without a class or with times that are none, or none of the videos
            is there.

    Warns:
        DatasetWarning: some videos are missing, or some stretches end before they start and are left out.
    """
    try:
        database = json.loads(Path(path).read_text(encoding="utf-8-sig"))["database"]
        rows = list(database.items())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} is not in ActivityNet's form: no 'database' in it ({error})") from error
    files = videos_by_stem(Path(folder))
    items: list[VideoItem] = []
    missing: list[str] = []
    empty: list[str] = []
    for name, video in rows:
        if not isinstance(video, dict) or not isinstance(video.get("annotations") or [], list):
            raise DatasetError(f"{path}: {name} is no object with a list of 'annotations': {video}")
        file = files.get(name) or files.get(f"v_{name}")
        if file is None:
            missing.append(name)
            continue
        items += _stretches(file, name, video, path, empty)
    warn_of_empty(empty, path)
    return VideoList.of(items, missing=missing, source=path)


def _stretches(
    file: Path, name: str, video: Mapping[str, Any], source: str | Path, empty: list[str]
) -> Iterator[VideoItem]:
    """The items of one video; the names of those that take no time go to `empty`."""
    for entry in video.get("annotations") or ():
        try:
            start, end = window(entry["segment"])
            label = "" if entry["label"] is None else str(entry["label"]).strip()
        except (KeyError, ValueError, TypeError) as error:
            raise DatasetError(f"{source}: {name} has an annotation that is none: {entry}") from error
        if not label:
            raise DatasetError(f"{source}: {name} has an annotation without a class: {entry}")
        item = VideoItem(file, label, start, end, group=name, subset=subset_name(video.get("subset")))
        if end > start:
            yield item
        else:
            empty.append(item.name)


@dataclass(frozen=True, slots=True)
class MomentQuery:
    """A sentence and the moments of a video that it describes.

    Args:
        video: the video's ID, as in the file.
        query: the sentence.
        windows: (start, end) in seconds, one or more; empty where they are kept secret, as in test sets.
        duration_seconds: of the video.
        query_id: as in the file; empty where it gives none.
        path: the video's file; None where it was not looked for.
    """

    video: str
    query: str
    windows: tuple[tuple[float, float], ...]
    duration_seconds: float
    query_id: str = ""
    path: Path | None = None


def read_moments(
    path: str | Path, *, folder: str | Path | None = None
) -> tuple[list[MomentQuery], tuple[str, ...]]:
    """Charades-STA and QVHighlights: JSON lines with `query`, `vid`, `duration` and `relevant_windows`.

    Args:
        path: the JSONL file.
        folder: where the videos lie, named by their `vid`; None does not look for them.

    Returns:
        The queries whose videos are there, and the IDs of the videos that are missing.

    Raises:
        DatasetError: a line is not of that form; the message names it.

    Warns:
        DatasetWarning: some windows end before they start and are left out, and with them the queries that have no
            other.
    """
    files = videos_by_stem(Path(folder)) if folder is not None else None
    queries: list[MomentQuery] = []
    missing: dict[str, None] = {}
    empty: list[str] = []
    for number, line in text_lines(Path(path)):
        try:
            row = json.loads(line)
            given = [window(times) for times in row.get("relevant_windows") or ()]
            video, query, duration = str(row["vid"]), str(row["query"]), finite_seconds(row["duration"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(f"{path}, line {number}: not a query with its moments ({error})") from error
        if files is not None and video not in files:
            missing[video] = None
            continue
        windows = tuple((start, end) for start, end in given if end > start)
        empty += [f"{start} to {end} in line {number}" for start, end in given if not end > start]
        if given and not windows:  # without any window it would look like a query of a test set
            continue
        file = files[video] if files is not None else None
        queries.append(MomentQuery(video, query, windows, duration, str(row.get("qid", "")), file))
    warn_of_empty(empty, path)
    return queries, tuple(missing)
