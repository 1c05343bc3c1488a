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
ALWAYS = ("report.html", "segments.csv", "text.srt", "text.vtt")
BY_KIND = {"shot": ("chapters.ffmetadata", "chapters.vtt"), "action": ("actions.json",)}
"""What is written where there are segments of a kind."""
SIGNALS = "signals.csv"
FILES = (*ALWAYS, *BY_KIND["shot"], *BY_KIND["action"], SIGNALS)
"""All that a report may hold beside its mark and its pictures."""


def write_report(
    timeline: Timeline, folder: str | os.PathLike[str], *, video_path: str | os.PathLike[str] | None = None
) -> Path:
    """Write a timeline as a page, subtitles, tables, JSON and pictures.

    An older report in the folder is replaced, file by file: what its `timeline.json` says that it wrote.
    Foreign files stay, and one that has a name that is needed is never overwritten. Each file appears whole
    or not at all.

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
        stale = _claim(folder, files).difference(files, map(_place, timeline.pictures))
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_whole(folder / name, content)
            if name == MARK:  # from now on nothing says that these are ours
                for other in stale:
                    if not (folder / other).is_dir():
                        (folder / other).unlink(missing_ok=True)
        with suppress(OSError):  # only an empty folder goes
            (folder / PICTURES).rmdir()
    return folder / "report.html"


def check_report_folder(folder: str | os.PathLike[str]) -> None:
    """Whether `write_report` may write there: to be asked before a video is watched for an hour.

    Nothing is made or changed, so a video that cannot be read leaves no empty folder.

    Args:
        folder: where a report is to go; need not be there.

    Raises:
        OutputError: nobody may write there, a file is in the way, or a foreign file has a name that a report
            may need.

    >>> folder = getfixture("tmp_path")
    >>> check_report_folder(folder / "report")
    >>> (folder / "report").exists()
    False
    """
    folder = Path(folder)
    with naming_a_remedy(f"the report to {folder}"):
        _claim(folder, {MARK, *FILES})
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
        SIGNALS: signals_to_csv(timeline.signals),
        "text.srt": segments_to_srt(timeline.of("text"), start_seconds=zero),
        "text.vtt": segments_to_vtt(timeline.of("text"), start_seconds=zero),
        "chapters.vtt": segments_to_vtt(shots, start_seconds=zero),
        "chapters.ffmetadata": to_ffmetadata(timeline),
        "actions.json": _json(to_activitynet([timeline])),
    }
    wanted = _file_names({segment.kind for segment in timeline.segments}, bool(timeline.signals))
    files = {MARK: _json(timeline.to_dict()).encode("utf-8", "backslashreplace")}
    files |= {_place(picture): picture.jpeg for picture in timeline.pictures if picture.jpeg}
    # File names that are not UTF-8 arrive as lone surrogates: JSON can escape them, the others cannot.
    files |= {name: text.encode("utf-8", "replace") for name, text in texts.items() if name in wanted}
    names = sorted({name for name in files if "/" not in name})
    page = render_page(timeline, video_href=video_href(video_path, folder), files=names)
    return files | {"report.html": page.encode("utf-8", "replace")}


def _file_names(kinds: Iterable[str], has_signals: bool) -> set[str]:
    """The files, but for pictures, of a report on segments of these kinds."""
    names = {MARK, *ALWAYS, *(name for kind in kinds for name in BY_KIND.get(kind, ()))}
    return names | {SIGNALS} if has_signals else names


def _place(picture: Picture) -> str:
    return f"{PICTURES}/{picture.file_name}"


def _claim(folder: Path, names: Iterable[str]) -> set[str]:
    """What an older report wrote into the folder, after making sure that nothing foreign has one of these names."""
    ours = _written_before(folder)
    foreign = {name for name in names if os.path.lexists(folder / name)} - ours
    foreign |= {name for name in names if (folder / name).is_dir()}
    if os.path.lexists(folder / PICTURES) and not (folder / PICTURES).is_dir():
        foreign.add(PICTURES)
    if foreign:
        raise OutputError(
            f"{folder} holds {', '.join(sorted(foreign))}, which no report wrote: move that away, or choose"
            " another folder"
        )
    return ours


def _written_before(folder: Path) -> set[str]:
    """What the report that lies there wrote, as its timeline says; nothing where there is none."""
    try:
        older: Any = json.loads((folder / MARK).read_bytes())
        if older["format"].partition("/")[0] != Timeline.FORMAT.partition("/")[0]:
            return set()
        kinds = {str(segment["kind"]) for segment in older["segments"]}
        pictures = [str(picture["name"]) for picture in older["pictures"]]
        names = _file_names(kinds, bool(older["signals"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
    return names | {f"{PICTURES}/{name}.jpg" for name in pictures if _is_file_name(name)}


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
