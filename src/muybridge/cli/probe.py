"""`muybridge probe`."""

from __future__ import annotations

import typer


def probe(
    video: str = typer.Argument(help="The video file."),
    packets: bool = typer.Option(False, "--packets", help="Also list the time and size of every frame."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Tell what a video file holds: size, length, codec, frame rate, rotation, colors.

    Examples:

        muybridge probe holiday.mp4

        muybridge probe holiday.mp4 --packets --json
    """
    from muybridge.cli.output import clock, print_json
    from muybridge.video.metadata import probe_with_packets

    metadata, table = probe_with_packets(video)
    if as_json:
        print_json(metadata.to_dict() | ({"packets": table.to_dict()} if packets else {}))
        return
    rate = f"{metadata.frames_per_second:.3f}" if metadata.frames_per_second else "unknown"
    mirrored = ", then mirrored left to right" if metadata.is_mirrored else ""
    rows = {
        "file": metadata.path,
        "container": metadata.container,
        "video": f"{metadata.codec}, {metadata.width}×{metadata.height}, {metadata.pixel_format}",
        "duration": f"{clock(metadata.duration_seconds or 0.0)} from {clock(metadata.start_seconds)}",
        "frames": f"{metadata.num_frames}, {rate} per second, {metadata.frame_rate_kind} rate",
        "rotation": f"{metadata.rotation_degrees}°{mirrored} (the size above is upright)",
        "colors": f"{metadata.color_space}, {metadata.color_range} range, {metadata.bit_depth} bit",
        "streams": ", ".join(f"{s.index} {s.kind} {s.codec}" for s in metadata.streams),
        "damage": table.damage or "none in the container",
    }
    for name, value in rows.items():
        typer.echo(f"{name:>10}  {value}")
    if packets:
        for seconds, size, key in zip(table.pts_seconds, table.size_bytes, table.is_keyframe, strict=True):
            typer.echo(f"{seconds:14.6f} s {size:9d} bytes{'  keyframe' if key else ''}")
