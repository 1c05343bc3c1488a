"""`muybridge classify`."""

from __future__ import annotations

from typing import Annotated

import typer


def classify(
    videos: Annotated[list[str], typer.Argument(help="Video files, folders or patterns.")],
    model: str | None = typer.Option(
        None,
        help="A name from `muybridge models`, a checkpoint, or a folder or name of the hub;"
        " default: the most accurate whose weights are at hand.",
    ),
    weights: str | None = typer.Option(None, help="Which weights of a named model, or their file."),
    top: int = typer.Option(5, help="How many labels."),
    clips: int | None = typer.Option(
        None, help="Temporal views to average; default: as many as the weights ask for."
    ),
    crops: int = typer.Option(1, help="Spatial views to average: 1 or 3."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress bar."),
) -> None:
    """Name what happens in videos, with probabilities.

    Examples:

        muybridge classify dance.mp4

        muybridge classify videos/ --model r2plus1d_18 --clips 5 --json
    """
    import sys

    from muybridge.actions.classifier import Classifier
    from muybridge.cli.output import expand_paths, print_json, progress_bar
    from muybridge.errors import VideoError
    from muybridge.printable import printable

    paths = expand_paths(videos)
    classifier = Classifier(model, weights=weights)
    failed: list[VideoError] = []

    def note(error: VideoError) -> None:
        failed.append(error)
        print(f"muybridge: {error}", file=sys.stderr)

    results = classifier.classify_many(paths, top=top, num_clips=clips, num_crops=crops, on_error=note)
    documents = []
    with progress_bar("classify", quiet=quiet or len(paths) == 1) as report:
        for done, (path, prediction) in enumerate(results, start=1):
            if report is not None:
                report(done, len(paths))
            if as_json:
                documents.append({"path": str(path)} | prediction.to_dict())
                continue
            typer.echo(f"{path}  ({printable(prediction.model)})")
            for label, score in zip(prediction.labels, prediction.scores, strict=True):
                typer.echo(f"  {score:6.1%}  {printable(label)}")
    if as_json and documents:
        print_json(documents[0] if len(paths) == 1 else documents)
    if failed:
        raise typer.Exit(1)
