"""`muybridge evaluate`."""

from __future__ import annotations

from pathlib import Path

import typer


def evaluate(
    data: Path = typer.Option(
        ..., help="A folder of class folders, or an annotation file (.csv, .json, .txt)."
    ),
    model: str | None = typer.Option(None, help="As in `muybridge classify`; default: the best at hand."),
    videos: Path | None = typer.Option(None, help="Where the videos of an annotation file lie."),
    subset: str | None = typer.Option(
        None, help="Only this part of the data's own split; default: what it holds back, if it has one."
    ),
    group: str | None = typer.Option(
        None, help="A pattern whose bracket is the person or source in a path, for honest intervals."
    ),
    unknown: list[str] = typer.Option([], help="Videos, or a folder of them, of none of the classes."),
    clips: int | None = typer.Option(
        None, help="Temporal views to average; default: as many as the weights ask for."
    ),
    crops: int = typer.Option(1, help="Spatial views to average: 1 or 3."),
    output: Path | None = typer.Option(None, help="A folder for the numbers and pictures."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress bar."),
) -> None:
    r"""Measure how well a model names videos whose classes are known.

    Examples:

        muybridge evaluate --data gestures-test/ --model gestures-model/model.safetensors --output evaluation

        muybridge evaluate --data test.csv --model causal_small --clips 3 --group '_(s\d+)_' --json
    """
    from muybridge.actions.classifier import load_classifier_model
    from muybridge.cli.output import expand_paths, print_json, progress_bar
    from muybridge.errors import VideoOpenError
    from muybridge.printable import printable
    from muybridge.training.annotations import read_videos
    from muybridge.training.evaluation import evaluate as evaluate_model
    from muybridge.training.splits import group_by_name
    from muybridge.training.teach import is_held_back
    from muybridge.training.videos import VideoItem

    others = expand_paths(unknown) if unknown else []
    for other in others:
        if not other.exists():
            raise VideoOpenError("no such file; --unknown takes videos and folders of them", path=other)
    tests = read_videos(data, folder=videos)
    # What a model may have learned from says nothing of what it knows.
    held = [part for part in tests.subsets if is_held_back(part)] if subset is None else [subset]
    tests = tests.subset(*held) if held else tests
    tests = tests if group is None else group_by_name(tests, group)
    _, network = load_classifier_model(model)
    with progress_bar("evaluate", quiet=quiet) as report:
        result = evaluate_model(
            network,
            tests,
            num_clips=clips,
            num_crops=crops,
            unknown=[VideoItem(path, "") for path in others],
            on_progress=report,
        )
    files = [] if output is None else result.save(output)
    if as_json:
        print_json(result)
        return
    summary = result.summary()
    for name, value in summary.items():
        if name == "classes":
            for label, row in value.items():
                typer.echo(f"  {row['right']:4d} of {row['num_videos']:<4d} {printable(label)}")
        elif isinstance(value, list):
            typer.echo(f"{name:<36} {value[0]:.1%}  (95% interval {value[1]:.1%} to {value[2]:.1%})")
        else:
            typer.echo(f"{name:<36} {value}")
    for path, reason in result.unreadable:
        typer.echo(f"left out: {path} ({reason})", err=True)
    for file in files:
        typer.echo(file)
