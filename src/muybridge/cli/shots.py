"""`muybridge shots`."""

from __future__ import annotations

import typer


def shots(
    video: str = typer.Argument(help="The video file."),
    exact: bool = typer.Option(False, "--exact", help="Look at every frame, whatever the encoder says."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Find the shots of a video: where each begins and ends, and whether by a cut, a dissolve or a fade.

    Examples:

        muybridge shots film.mp4

        muybridge shots film.mp4 --exact --json
    """
    from muybridge.cli.output import clock, print_json
    from muybridge.motion.shots import detect_shots

    found = detect_shots(video, mode="exact" if exact else "fast")
    if as_json:
        print_json([shot.to_dict() for shot in found])
        return
    for shot in found:
        times = f"{clock(shot.start_seconds)} – {clock(shot.end_seconds)}"
        typer.echo(f"{times:>23}  {shot.label:<10} {shot.attributes['transition']}")
