"""`muybridge flow`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from muybridge.motion.flow_summary import FlowSummary
    from muybridge.motion.flow_video import FlowFrame
    from muybridge.values import VideoMetadata


# What says how the video is drawn, and nothing where none is.
_OF_A_DRAWING = ("colors", "max_speed", "per_frame_scale", "arrows", "legend")


def flow(
    context: typer.Context,
    video: str = typer.Argument(help="The video file."),
    output: str = typer.Option("", "--output", "-o", help="Write the video beside its flow to this file."),
    stats: bool = typer.Option(False, "--stats", help="Print the numbers; the default without --output."),
    method: str = typer.Option(
        "dis", "--method", help="dis, dis_medium, dis_fast, dis_ultrafast, farneback, raft or raft_small."
    ),
    colors: str = typer.Option("middlebury", "--colors", help="middlebury or hsv."),
    max_speed: float = typer.Option(
        0.0, "--max-speed", help="Pixels per second at full color; 0 finds one scale for the whole video."
    ),
    per_frame_scale: bool = typer.Option(False, "--per-frame-scale", help="Scale the colors frame by frame."),
    arrows: bool = typer.Option(False, "--arrows", help="Lay arrows over the frame."),
    legend: bool = typer.Option(True, "--legend/--no-legend", help="Draw the color wheel with its scale."),
    max_side: int = typer.Option(
        480, "--max-side", help="Longer side of the flow in pixels; 0 keeps the size."
    ),
    frames_per_second: float = typer.Option(
        0.0,
        "--fps",
        help="Take at most so many frames; 0 takes all. A low rate makes fast movement look slower.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show no progress."),
) -> None:
    """Show how everything in a video moves: as colors beside it, or in numbers.

    Speeds are in pixels of the source per second. Directions are degrees: 0 is right, 90 is up. Flow across a
    cut is no motion and is left out.

    Examples:

        muybridge flow holiday.mp4 -o flow.mp4 --arrows

        muybridge flow holiday.mp4 --stats --json
    """
    from muybridge.cli.given import refuse_options
    from muybridge.cli.output import print_json, progress_bar
    from muybridge.errors import VideoError
    from muybridge.motion.flow_render import draw_flow_video
    from muybridge.motion.flow_summary import summarize_flow
    from muybridge.motion.flow_video import iterate_flow
    from muybridge.video.reader import open_video

    if not output:
        refuse_options(context, _OF_A_DRAWING, "without --output, the video to draw")
    if max_speed:
        refuse_options(context, ("per_frame_scale",), "beside --max-speed, which is one scale for all frames")
    options = {
        "method": method,
        "max_side_px": max_side or None,
        "frames_per_second": frames_per_second or None,
    }
    with open_video(video) as opened, progress_bar("flow", quiet=quiet) as bar:
        if output:
            pairs = draw_flow_video(
                opened,
                output,
                colors=colors,
                max_speed=max_speed or None,
                scale="frame" if per_frame_scale else "video",
                legend=legend,
                arrows=arrows,
                **options,  # type: ignore[arg-type]
            )
        else:
            pairs = iterate_flow(opened, **options)  # type: ignore[arg-type]
        summary = summarize_flow(_reported(pairs, bar, opened.metadata))
    if not summary.pairs:  # zeros would say that nothing moves
        raise VideoError("it has a single frame; flow is between two, so give a longer video", path=video)
    if as_json:
        print_json({"video": video, "method": method, "output": output or None, **summary.to_dict()})
        return
    if output:
        typer.echo(f"{output}: {len(summary.pairs)} pictures")
    if stats or not output:
        _print_summary(summary)


def _reported(
    pairs: Iterator[FlowFrame],
    bar: Callable[[float, float], None] | None,
    metadata: VideoMetadata,
) -> Iterator[FlowFrame]:
    """The same pairs; the bar moves on with each."""
    for pair in pairs:
        yield pair
        if bar is not None:
            bar(pair.end_seconds - metadata.start_seconds, metadata.duration_seconds or 0.0)


def _print_summary(summary: FlowSummary) -> None:
    typer.echo(f"{len(summary.pairs)} pairs of frames, {summary.num_cuts} of them across a cut and left out")
    header = (
        f"{'':>12}  {'mean px/s':>9}  {'max px/s':>9}  {'moving':>6}  {'mean direction':>20}  most motion"
    )
    typer.echo(header)
    rows = {"all": summary.overall, "what moves": summary.moving, **summary.halves}
    for name, part in rows.items():
        mean, most = (
            f"{word}" if degrees is None else f"{word} ({degrees:.0f} degrees)"
            for word, degrees in (
                (part.direction, part.direction_degrees),
                (part.dominant_direction, part.dominant_degrees),
            )
        )
        typer.echo(
            f"{name:>12}  {part.mean_magnitude:9.1f}  {part.max_magnitude:9.1f}  {part.moving_fraction:6.0%}"
            f"  {mean:>20}  {most}"
        )
