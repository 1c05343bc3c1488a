"""`muybridge read`."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer


def read(
    path: str = typer.Argument(help="The video or image file."),
    srt: Optional[str] = typer.Option(None, "--srt", help="Write the lines of a video as SubRip subtitles."),  # noqa: UP045
    vtt: Optional[str] = typer.Option(None, "--vtt", help="Write the lines of a video as WebVTT subtitles."),  # noqa: UP045
    engine: str = typer.Option("ppocr", "--engine", help="ppocr, or tesseract for images."),
    min_score: float = typer.Option(0.6, "--min-score", help="Leave out lines that are less sure."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show no progress bar."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Read what is written in a video, with the time of each line, or in an image.

    Examples:

        muybridge read lecture.mp4 --srt lecture.srt

        muybridge read sign.jpg --json
    """
    from muybridge.cli.output import clock, print_json, progress_bar
    from muybridge.report.subtitles import segments_to_srt, segments_to_vtt
    from muybridge.text.reader import read_text
    from muybridge.values import TextTrack
    from muybridge.video import probe

    for name in (srt, vtt):
        if name:
            _check_target(Path(name), Path(path))
    with progress_bar("reading", quiet=quiet) as progress:
        found = read_text(path, engine=engine, min_score=min_score, progress=progress)
    segments = [item.to_segment() for item in found if isinstance(item, TextTrack)]
    # Players count from the first frame, whatever the source's clock says.
    start_seconds = probe(path).start_seconds if srt or vtt else 0.0
    for name, text in ((srt, segments_to_srt), (vtt, segments_to_vtt)):
        if name:
            _write_subtitles(Path(name), text(segments, start_seconds=start_seconds))
    if as_json:
        print_json([item.to_dict() for item in found])
        return
    for item in found:
        if isinstance(item, TextTrack):
            typer.echo(f"{clock(item.start_seconds)} - {clock(item.end_seconds)}  {item.text}")
        else:
            typer.echo(item.text)
    if not found:
        typer.echo("nothing to read was found", err=True)


def _check_target(target: Path, video: Path) -> None:
    """Say now what would keep the subtitles from being written: the reading takes long."""
    from muybridge.errors import OptionError
    from muybridge.text.reader import is_image
    from muybridge.writing import naming_a_remedy, try_writing

    if is_image(video):
        raise OptionError(f"{video} is an image; subtitles need a video, so leave --srt and --vtt out")
    if target.is_dir():
        raise OptionError(
            f"{target} is a folder; name a file for the subtitles, such as {target / 'text.srt'}"
        )
    if target.exists() and target.samefile(video):
        raise OptionError(f"{target} is the video itself; name another file for the subtitles")
    if _is_replaced(target):
        with naming_a_remedy(f"the subtitles to {target}"):
            try_writing(target.parent)


def _write_subtitles(target: Path, text: str) -> None:
    from muybridge.writing import naming_a_remedy, write_whole

    with naming_a_remedy(f"the subtitles to {target}"):
        if _is_replaced(target):
            write_whole(target, text.encode())
        else:
            target.write_bytes(text.encode())


def _is_replaced(target: Path) -> bool:
    """Whether a file is put in the place of an older one; a link, a pipe or a device is written into instead."""
    return not target.is_symlink() and (target.is_file() or not target.exists())
