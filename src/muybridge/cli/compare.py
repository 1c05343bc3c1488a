"""`muybridge compare`."""

from __future__ import annotations

import typer


def compare(
    a: str = typer.Argument(help="The first video."),
    b: str = typer.Argument(help="The second video."),
    model: str = typer.Option("", help="Also compare the features of this model, such as r3d_18."),
    weights: str = typer.Option("kinetics400", help="The model's weights: a name, or a local checkpoint."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Tell how alike two videos are: the same recording, alike in picture, in movement, in what they show.

    Without a model it looks at pictures and movement alone, and does not know what they show.

    Examples:

        muybridge compare original.mp4 copy.mp4

        muybridge compare serve.mp4 smash.mp4 --model r3d_18 --json
    """
    from muybridge.analysis.comparison import compare_videos
    from muybridge.cli.output import print_json
    from muybridge.models import create_model

    network = create_model(model, weights=weights) if model else None
    result = compare_videos(a, b, model=network)
    if as_json:
        print_json(result)
        return
    if result.same_recording:
        assert result.offset_seconds is not None
        verdict = (
            f"yes: {result.shared_seconds:.1f} s run alike, {result.shared_share:.0%} of the shorter one;"
            f" add {result.offset_seconds:+.2f} s to a time in A to find it in B"
        )
    elif result.same_recording is None and result.shared_seconds:
        verdict = (
            "cannot be told: they are alike, but nothing moves in them, or another take of it before the same camera"
            " would be as much alike"
        )
    elif result.same_recording is None:
        verdict = (
            "cannot be told: one of them has nothing but frames of one color, which are alike in all videos"
        )
    elif result.shared_seconds:
        verdict = f"no, though {result.shared_seconds:.1f} s ({result.shared_share:.0%}) run alike"
    else:
        verdict = "no frame in common"
    features = (
        "not compared: give --model"
        if result.features is None
        else f"{result.features:+.2f}   {result.model}"
    )
    for name, value in {
        "A": result.a,
        "B": result.b,
        "same recording": verdict,
        "picture": f"{result.appearance:+.2f}   edges and colors by place; unrelated videos: up to about 0.4",
        "movement": f"{result.motion:+.2f}   where the picture changes; unrelated videos: up to about 0.7",
        "what they show": features,
    }.items():
        typer.echo(f"{name:>15}  {value}")
