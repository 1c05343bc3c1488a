"""A timeline ⇄ the folder of a report.

    report.html          the page; needs no network and no other file but the video
    timeline.json        everything, on the source's clock; `read_timeline` gives the timeline back
    segments.csv         one row for each segment          signals.csv   one row for each value
    text.srt  text.vtt   the words on the screen           chapters.vtt, chapters.ffmetadata   the shots
    actions.json         ActivityNet's layout              pictures/…    the keyframes

Signals, chapters, actions and pictures are written where there are any.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from muybridge.errors import OptionError, OutputError
from muybridge.report.interop import to_activitynet, to_ffmetadata
from muybridge.report.page import render_page, video_href
from muybridge.report.strict_json import json_text
from muybridge.report.subtitles import segments_to_srt, segments_to_vtt
from muybridge.report.tables import segments_to_csv, signals_to_csv
from muybridge.values import Picture, Timeline
from muybridge.writing import naming_a_remedy, try_writing, write_whole

__all__ = ["check_report_folder", "read_timeline", "write_report"]

MARK = "timeline.json"
"""The file by which a folder is known to be a report; it is written first."""
PICTURES = "pictures"
FILES = (
    "actions.json",
    "chapters.ffmetadata",
    "chapters.vtt",
    "report.html",
    "segments.csv",
    "signals.csv",
    "text.srt",
    "text.vtt",
)
"""All that a report may hold beside its mark and its pictures."""


def write_report(
    timeline: Timeline, folder: str | os.PathLike[str], *, video_path: str | os.PathLike[str] | None = None
) -> Path:
    """Write a timeline as a page, subtitles, tables, JSON and pictures.

    An older report in the folder is replaced, file by file; foreign files stay, and one that has the name of
    one of ours is never overwritten. Each file appears whole or not at all.

    Args:
        timeline: what to write.
        folder: where to; made if it is absent.
        video_path: the video that the page plays; by default the timeline's own path.

    Returns:
        The path of `report.html`.

    Raises:
        OutputError: the folder cannot be written, the disk is full, or a foreign file has one of our names.
        OptionError: a picture's name is not fit for a file name.

    >>> import tempfile
    >>> from muybridge.values import Segment, VideoMetadata
    >>> timeline = Timeline(VideoMetadata("cat.mp4", duration_seconds=3.0), (Segment(1, 2, "text", "MEOW"),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(timeline, folder)
    ...     (page.name, read_timeline(folder) == timeline)
    ('report.html', True)
    """
    folder = Path(folder)
    files = _contents(timeline, folder, timeline.path if video_path is None else video_path)
    with naming_a_remedy(f"the report to {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        stale = _claim(folder, files)
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_whole(folder / name, content)
            stale.discard(name)
        stale -= {f"{PICTURES}/{picture.file_name}" for picture in timeline.pictures}
        for name in stale:
            (folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # only an empty folder goes
            (folder / PICTURES).rmdir()
    return folder / "report.html"


def check_report_folder(folder: str | os.PathLike[str]) -> None:
    """Whether `write_report` may write there: to be asked before a video is watched for an hour.

    Nothing is made or changed, so a video that cannot be read leaves no empty folder.

    Args:
        folder: where a report is to go; need not be there.

    Raises:
        OutputError: nobody may write there, a file is in the way, or a foreign file has one of our names.

    >>> folder = getfixture("tmp_path")
    >>> check_report_folder(folder / "report")
    >>> (folder / "report").exists()
    False
    """
    folder = Path(folder)
    with naming_a_remedy(f"the report to {folder}"):
        _claim(folder, ())
        try_writing(next(place for place in (folder, *folder.parents) if place.exists()))


def read_timeline(path: str | os.PathLike[str]) -> Timeline:
    """Read a timeline back, with its pictures where they lie beside it.

    Args:
        path: a report's folder, or its `timeline.json`.

    Raises:
        OptionError: there is no such file, or it is not a timeline that this version can read.
    """
    path = Path(path)
    path = path / MARK if path.is_dir() else path
    try:
        timeline = Timeline.from_dict(json.loads(path.read_bytes()))
    except OSError as error:
        raise OptionError(f"{path}: {error.strerror}; give a report's folder or its {MARK}") from error
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OptionError(f"{path}: not a timeline ({error}); analyze the video again") from error
    pictures = tuple(_with_image(picture, path.parent / PICTURES) for picture in timeline.pictures)
    return replace(timeline, pictures=pictures)


def _with_image(picture: Picture, folder: Path) -> Picture:
    if not picture.jpeg and _is_file_name(picture.name):
        with suppress(OSError):
            return replace(picture, jpeg=(folder / picture.file_name).read_bytes())
    return picture


def _contents(timeline: Timeline, folder: Path, video_path: str | os.PathLike[str]) -> dict[str, bytes]:
    """Every file's relative name and bytes, in the order in which they are written."""
    for picture in timeline.pictures:
        if not _is_file_name(picture.name):
            raise OptionError(
                f"a picture is named {picture.name!r}, which is not fit for a file name: use letters, digits,"
                " '-' and '_'"
            )
    zero = timeline.metadata.start_seconds
    shots = [
        replace(shot, label=shot.label or f"shot {number}")
        for number, shot in enumerate(timeline.of("shot"), 1)
    ]
    texts = {
        "segments.csv": segments_to_csv(timeline.segments),
        "signals.csv": signals_to_csv(timeline.signals) if timeline.signals else None,
        "text.srt": segments_to_srt(timeline.of("text"), start_seconds=zero),
        "text.vtt": segments_to_vtt(timeline.of("text"), start_seconds=zero),
        "chapters.vtt": segments_to_vtt(shots, start_seconds=zero) if shots else None,
        "chapters.ffmetadata": to_ffmetadata(timeline) if shots else None,
        "actions.json": _json(to_activitynet([timeline])) if timeline.of("action") else None,
    }
    files = {MARK: _json(timeline.to_dict()).encode("utf-8", "backslashreplace")}
    for picture in timeline.pictures:
        if picture.jpeg:
            files[f"{PICTURES}/{picture.file_name}"] = picture.jpeg
    # File names that are not UTF-8 arrive as lone surrogates: JSON can escape them, the others cannot.
    files |= {name: text.encode("utf-8", "replace") for name, text in texts.items() if text is not None}
    names = sorted({name for name in files if "/" not in name})
    page = render_page(timeline, video_href=video_href(video_path, folder), files=names)
    return files | {"report.html": page.encode("utf-8", "replace")}


def _claim(folder: Path, files: Iterable[str]) -> set[str]:
    """What an older report left in the folder, after making sure that nothing foreign will be overwritten."""
    present = {name for name in {MARK, *FILES, *files} if (folder / name).exists()}
    if not present:
        return set()
    try:
        older: Any = json.loads((folder / MARK).read_bytes())
        if older["format"].partition("/")[0] != Timeline.FORMAT.partition("/")[0]:
            raise ValueError
        names = [str(picture["name"]) for picture in older["pictures"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{folder} holds {', '.join(sorted(present))}, which no report wrote: move that away, or choose"
            " another folder"
        ) from error
    return present - {MARK} | {f"{PICTURES}/{name}.jpg" for name in names if _is_file_name(name)}


def _is_file_name(name: str) -> bool:
    return re.fullmatch(r"[\w\-][\w.\- ]{0,99}", name) is not None


def _json(value: dict[str, Any]) -> str:
    """JSON with a line for each item of the lists at the top: small, and still readable and diffable."""
    fields = []
    for key, item in value.items():
        lines = isinstance(item, list) and len(item) > 0
        shown = "[\n  " + ",\n  ".join(map(json_text, item)) + "\n ]" if lines else json_text(item)
        fields.append(f"{json_text(key)}: {shown}")
    return "{\n " + ",\n ".join(fields) + "\n}\n"
