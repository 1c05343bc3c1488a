"""`muybridge keyframes`."""

from __future__ import annotations

import typer


def keyframes(
    video: str = typer.Argument(help="The video file."),
    output: str = typer.Option(None, "--output", "-o", help="Write the pictures into this folder, as JPEG."),
    max_keyframes: int = typer.Option(None, "--max", help="At most so many; the most telling ones."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Pick the frames that stand for a video: the sharpest of each shot, and moments of much movement.

    Examples:

        muybridge keyframes film.mp4 --output pictures

        muybridge keyframes film.mp4 --max 6 --json
    """
    from muybridge.cli.output import clock, print_json
    from muybridge.motion.keyframes import pick_keyframes, write_keyframes

    frames = pick_keyframes(video, max_keyframes=max_keyframes)
    files = write_keyframes(frames, output) if output is not None else [None] * len(frames)
    if as_json:
        print_json(
            [
                frame.to_dict() | ({"file": file} if file else {})
                for frame, file in zip(frames, files, strict=True)
            ]
        )
        return
    for frame, file in zip(frames, files, strict=True):
        typer.echo(f"{clock(frame.pts_seconds):>10}  frame {frame.index}{f'  {file}' if file else ''}")
