"""`muybridge caption`."""

from __future__ import annotations

import typer


def caption(
    path: str = typer.Argument(help="The video file."),
    model: str | None = typer.Option(
        None, help="Who speaks: a hub name, a folder, or an endpoint's address."
    ),
    no_cache: bool = typer.Option(False, "--no-cache", help="Look at everything anew."),
    as_json: bool = typer.Option(False, "--json", help="Print the captions as JSON."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress bar."),
) -> None:
    """Say in sentences what a video shows: first the whole, then its parts.

    Examples:

        muybridge caption holiday.mp4

        muybridge caption holiday.mp4 --model http://127.0.0.1:8000/v1 --json
    """
    from muybridge.cli.output import clock, print_json, progress_bar
    from muybridge.pipeline.caption import caption as caption_video
    from muybridge.printable import printable

    with progress_bar("watching", quiet=quiet) as progress:
        captions = caption_video(path, model=model, use_cache=not no_cache, progress=progress)
    if as_json:
        print_json([segment.to_dict() for segment in captions])
        return
    for segment in captions:
        typer.echo(f"{clock(segment.start_seconds)}–{clock(segment.end_seconds)}  {printable(segment.label)}")
