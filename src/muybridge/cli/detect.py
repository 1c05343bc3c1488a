"""`muybridge detect`."""

from __future__ import annotations

from typing import Annotated

import typer


def detect(
    videos: Annotated[list[str], typer.Argument(help="Video files, folders or patterns.")],
    model: str | None = typer.Option(
        None,
        help="A name from `muybridge models`, a checkpoint, or a folder or name of the hub;"
        " default: the most accurate whose weights are at hand.",
    ),
    weights: str | None = typer.Option(None, help="Which weights of a named model, or their file."),
    proposals: str | None = typer.Option(
        None,
        help="A trained proposal head (temporal_proposal_net) that says where actions begin and end;"
        " default: motion and stillness tell.",
    ),
    min_score: float = typer.Option(0.2, help="Leave out actions that are less likely than this."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress bar."),
) -> None:
    """Find what is done in untrimmed videos, and from when to when.

    Examples:

        muybridge detect yard.mp4

        muybridge detect archive/ --model my_model.safetensors --min-score 0.5 --json
    """
    import sys

    from muybridge.actions.classifier import load_classifier_model
    from muybridge.actions.detection_rule import DetectionRule
    from muybridge.actions.detector import detect_actions
    from muybridge.actions.proposal_head import detect_with_head
    from muybridge.cli.output import clock, expand_paths, print_json, progress_bar
    from muybridge.errors import VideoError
    from muybridge.printable import printable

    paths = expand_paths(videos)
    rule = DetectionRule(min_score=min_score)
    _, module = load_classifier_model(model, weights=weights)
    documents = []
    failed = 0
    for path in paths:
        try:
            with progress_bar(path.name, quiet=quiet) as progress:
                if proposals is None:
                    segments = detect_actions(path, model=module, rule=rule, progress=progress)
                else:
                    segments = detect_with_head(
                        path, proposals, model=module, min_score=min_score, progress=progress
                    )
        except VideoError as error:
            if len(paths) == 1:
                raise
            print(f"muybridge: {error}", file=sys.stderr)
            failed += 1
            continue
        documents.append({"path": str(path), "segments": [segment.to_dict() for segment in segments]})
        if as_json:
            continue
        if len(paths) > 1:
            typer.echo(str(path))
        for segment in segments:
            times = f"{clock(segment.start_seconds)} – {clock(segment.end_seconds)}"
            typer.echo(f"{times:>23}  {segment.score or 0:6.1%}  {printable(segment.label)}")
        if not segments:
            typer.echo("  nothing that the model knows")
    if as_json and documents:
        print_json(documents[0]["segments"] if len(paths) == 1 else documents)
    if failed:
        raise typer.Exit(1)
