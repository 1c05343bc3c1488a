"""`muybridge read`."""

from __future__ import annotations

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
    from pathlib import Path

    from muybridge.cli.output import clock, print_json, progress_bar
    from muybridge.errors import OptionError, OutputError
    from muybridge.report.subtitles import segments_to_srt, segments_to_vtt
    from muybridge.text.reader import read_text
    from muybridge.values import TextTrack
    from muybridge.video import probe

    for name in (srt, vtt):
        if name and Path(name).exists() and Path(name).samefile(path):
            raise OptionError(f"{name} is the video itself; name another file for the subtitles")
    with progress_bar("reading", quiet=quiet) as progress:
        found = read_text(path, engine=engine, min_score=min_score, progress=progress)
    tracks = [item for item in found if isinstance(item, TextTrack)]
    if (srt or vtt) and len(tracks) < len(found):
        raise OptionError(f"{path} is an image; subtitles need a video, so leave --srt and --vtt out")
    segments = [track.to_segment() for track in tracks]
    # Players count from the first frame, whatever the source's clock says.
    start_seconds = probe(path).start_seconds if srt or vtt else 0.0
    for name, text in ((srt, segments_to_srt), (vtt, segments_to_vtt)):
        if name:
            try:
                Path(name).write_text(text(segments, start_seconds=start_seconds), encoding="utf-8")
            except OSError as error:
                raise OutputError(f"{name} cannot be written: {error}") from error
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
