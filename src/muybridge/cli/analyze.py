"""`muybridge analyze`."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import typer

from muybridge.cli.output import REPORT_ENDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from muybridge.values import Timeline


def analyze(
    videos: list[str] = typer.Argument(
        help="Video files, folders of them, or patterns such as 'clips/*.mp4'."
    ),
    output: Path | None = typer.Option(
        None,
        "--output",
        "-o",
        help="The folder for the report; one folder per video inside it if there are several."
        " Default: beside the video, with the ending .muybridge.",
    ),
    without: list[str] = typer.Option(
        [], "--without", help="Leave an observer out: scenes, motion, text, actions."
    ),
    actions: str | None = typer.Option(
        None, help="The model that names actions, such as one of your own; default: the best at hand."
    ),
    no_cache: bool = typer.Option(False, "--no-cache", help="Look at everything anew."),
    as_json: bool = typer.Option(False, "--json", help="Print the timeline as JSON, one document per line."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress bar."),
) -> None:
    """Tell what happens in a video, when, and what is written on the screen; write a report to look at.

    Examples:

        muybridge analyze holiday.mp4

        muybridge analyze archive/ --output reports --without text
    """
    import sys

    from muybridge.cli.output import expand_paths, json_for_stdout, progress_bar
    from muybridge.errors import OutputError, VideoError
    from muybridge.pipeline.analyze import analyze as analyze_video, default_observers

    paths = expand_paths(videos)
    failed = 0
    for path, folder in zip(paths, report_folders(paths, output, writes=not as_json), strict=True):
        try:
            with progress_bar(path.name, quiet=quiet) as progress:
                timeline = analyze_video(
                    path,
                    output=folder,
                    observers=default_observers(without=without, actions_model=actions),
                    use_cache=not no_cache,
                    progress=progress,
                )
        except (VideoError, OutputError) as error:
            # One bad file, or one report that cannot be written, must not cost the rest of an archive.
            if len(paths) == 1:
                raise
            print(f"muybridge: {error}", file=sys.stderr)
            failed += 1
            continue
        if as_json:
            print(json_for_stdout(timeline.to_dict()))
        else:
            print_summary(timeline)
        if folder is not None:
            print(f"report: {folder / 'report.html'}", file=sys.stderr if as_json else sys.stdout)
    if failed:
        print(f"muybridge: {failed} of {len(paths)} videos could not be analyzed", file=sys.stderr)
        raise typer.Exit(1)


def report_folders(paths: list[Path], output: Path | None, *, writes: bool) -> list[Path | None]:
    """Where each video's report goes: beside the video unless an output folder is named; no two to one place.

    A video that has a report there gets it anew. Where the report of another video lies, such as that of `cat.mov` for
    `cat.mp4`, the ending is kept in the name, or it is counted. A folder that is named for one video is taken as it is.

    >>> report_folders([Path("a/cat.mp4")], None, writes=True)[0].as_posix()
    'a/cat.muybridge'
    >>> [folder.as_posix() for folder in report_folders([Path("a/c.mp4"), Path("b/c.mp4")], Path("r"), writes=True)]
    ['r/c', 'r/c-2']
    """
    if output is not None and len(paths) == 1:
        return [output]
    if output is not None:
        return list(_folders_in(output, paths, ""))
    if not writes:
        return [None] * len(paths)
    beside: dict[Path, list[Path]] = {}
    for path in paths:
        beside.setdefault(path.parent.resolve(), []).append(path)
    chosen: dict[Path, Path] = {}
    for together in beside.values():
        folders = _folders_in(together[0].parent, together, REPORT_ENDING)
        chosen |= dict(zip(together, folders, strict=True))
    return [chosen[path] for path in paths]


def _folders_in(place: Path, videos: list[Path], ending: str) -> list[Path]:
    """A folder in one place for each of some videos: the one that has its report, else one without a report."""
    names = report_names([video.name for video in videos])
    taken = {name.casefold() for name in names}  # what is meant for one video is not another's second choice
    folders = []
    for video, name in zip(videos, names, strict=True):
        folder = _own_folder(place, video, name, ending)
        if folder is None:
            free = (
                choice
                for choice in _choices(video, name)
                if (choice == name or choice.casefold() not in taken)
                and _video_of(place / f"{choice}{ending}") is None
            )
            chosen = next(free)
            taken.add(chosen.casefold())
            folder = place / f"{chosen}{ending}"
        folders.append(folder)
    return folders


def _own_folder(place: Path, video: Path, name: str, ending: str) -> Path | None:
    """The folder with a video's report; reports are counted without gaps."""
    for tried, choice in enumerate(_choices(video, name)):
        folder = place / f"{choice}{ending}"
        other = _video_of(folder)
        if other is not None and _is_same(video, other, folder):
            return folder
        if other is None and tried >= 3:
            break
    return None


def _choices(video: Path, name: str) -> Iterator[str]:
    """Names for a video's report, the best first; three, and then without end."""
    yield from (name, video.stem, f"{video.stem}{video.suffix.replace('.', '-')}")
    yield from (f"{video.stem}-{number}" for number in count(2))


def _video_of(folder: Path) -> Path | None:
    """The video whose report lies in a folder; None where there is no report, or none that could be lost.

    A page tells where its video is seen from there, which stays so when both are moved; a timeline tells where it was
    seen from the working directory of that day.
    """
    try:
        saved = Path(json.loads((folder / "timeline.json").read_bytes())["metadata"]["path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        played = re.search(rb'<video[^>]* src="(\.[^"]*)"', (folder / "report.html").read_bytes())
    except OSError:
        played = None
    return saved if played is None else folder / os.fsdecode(unquote_to_bytes(played[1]))


def _is_same(video: Path, other: Path, folder: Path) -> bool:
    """Whether two paths are one file; of a report beside its video, which may have been moved, the name is enough."""
    is_beside = folder.parent.resolve() == video.parent.resolve()
    # A browser takes `..` from the address, before any link is followed.
    return os.path.realpath(os.path.abspath(other)) == os.path.realpath(video) or (  # noqa: PTH100
        is_beside and other.name == video.name
    )


def report_names(names: list[str]) -> list[str]:
    """A name for the report of each of some videos, all different, and the same at every run.

    It is the video's without its ending. Videos that differ in their endings alone keep them; those of one name in
    different folders are counted. Upper and lower case are taken as one, as some disks do.

    >>> report_names(["cat.mov", "cat.mp4", "dog.mp4"])
    ['cat-mov', 'cat-mp4', 'dog']
    >>> report_names(["c.mp4", "c.mp4", "c-2.mp4"])
    ['c', 'c-3', 'c-2']
    """
    stems = [Path(name).stem for name in names]
    like: dict[str, list[str]] = {}
    for name, stem in zip(names, stems, strict=True):
        like.setdefault(stem.casefold(), []).append(name.casefold())
    # A name that only one video asks for is that video's, also where another would be counted to it.
    taken = {stem for stem, same in like.items() if len(same) == 1}
    chosen = []
    for name, stem in zip(names, stems, strict=True):
        same = like[stem.casefold()]
        if len(same) > 1:
            ending = Path(name).suffix.replace(".", "-") if len(set(same)) == len(same) else ""
            counted = (f"{stem}-{number}" for number in count(2))
            stem = next(free for free in chain([stem + ending], counted) if free.casefold() not in taken)
            taken.add(stem.casefold())
        chosen.append(stem)
    return chosen


def print_summary(timeline: Timeline) -> None:
    """What was found, in a screenful."""
    from muybridge.cli.output import clock
    from muybridge.printable import printable

    metadata = timeline.metadata
    print(
        f"{timeline.path}: {clock(timeline.duration_seconds)}, {metadata.width}×{metadata.height}, {metadata.codec}"
    )
    counts = Counter(segment.kind for segment in timeline.segments)
    print("  " + ", ".join(f"{count} × {kind}" for kind, count in counts.items()))
    for segment in [s for s in timeline.segments if s.kind not in ("keyframe",)][:40]:
        span = f"{clock(segment.start_seconds)}–{clock(segment.end_seconds)}"
        print(f"  {span:>20}  {segment.kind:<8} {printable(segment.label)}")
    for warning in timeline.warnings:
        print(f"  warning: {warning}")
