"""`muybridge analyze`."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from muybridge.values import Timeline


def analyze(
    videos: list[str] = typer.Argument(
        help="Video files, folders of them, or patterns such as 'clips/*.mp4'."
    ),
    output: Path | None = typer.Option(
        None,
        "--output",
        "-o",
        help="The folder for the report; one folder per video inside it if there are several.",
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

    Where the report of another video lies, such as that of `cat.mov` for `cat.mp4`, the ending is kept in the name.

    >>> report_folders([Path("a/cat.mp4")], None, writes=True)[0].as_posix()
    'a/cat.muybridge'
    >>> [folder.as_posix() for folder in report_folders([Path("a/c.mp4"), Path("b/c.mp4")], Path("r"), writes=True)]
    ['r/c', 'r/c-2']
    """
    if output is not None and len(paths) == 1:
        return [output]
    if output is not None:
        return [output / name for name in report_names([path.name for path in paths])]
    if not writes:
        return [None] * len(paths)
    beside: dict[Path, list[Path]] = {}
    for path in paths:
        beside.setdefault(path.parent.resolve(), []).append(path)
    folders: dict[Path, Path | None] = {}
    for together in beside.values():
        names = report_names([path.name for path in together])
        folders |= {
            path: _unless_of_another(path.with_name(f"{name}.muybridge"), path)
            for path, name in zip(together, names, strict=True)
        }
    return [folders[path] for path in paths]


def _unless_of_another(folder: Path, video: Path) -> Path:
    """The folder, or one that has the video's ending in its name, where another video's report lies in the first."""
    try:
        saved = json.loads((folder / "timeline.json").read_bytes())["metadata"]["path"]
    except (OSError, ValueError, KeyError, TypeError):  # no report, or none that could be lost
        return folder
    if Path(saved).name == video.name:
        return folder
    return video.with_name(f"{video.stem}{video.suffix.replace('.', '-')}.muybridge")


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

    metadata = timeline.metadata
    print(
        f"{timeline.path}: {clock(timeline.duration_seconds)}, {metadata.width}×{metadata.height}, {metadata.codec}"
    )
    counts = Counter(segment.kind for segment in timeline.segments)
    print("  " + ", ".join(f"{count} × {kind}" for kind, count in counts.items()))
    for segment in [s for s in timeline.segments if s.kind not in ("keyframe",)][:40]:
        span = f"{clock(segment.start_seconds)}–{clock(segment.end_seconds)}"
        print(f"  {span:>20}  {segment.kind:<8} {segment.label}")
    for warning in timeline.warnings:
        print(f"  warning: {warning}")
