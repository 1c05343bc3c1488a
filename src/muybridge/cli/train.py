"""`muybridge train`."""

from __future__ import annotations

from pathlib import Path

import typer

_OF_A_TRAINING = ("batch_size", "learning_rate", "layer_decay", "freeze", "bfloat16", "workers", "resume")


def train(
    context: typer.Context,
    data: Path = typer.Option(
        ..., help="A folder of class folders, or an annotation file (.csv, .json, .txt)."
    ),
    videos: Path | None = typer.Option(None, help="Where the videos of an annotation file lie."),
    start_from: str | None = typer.Option(
        None,
        "--from",
        help="A trained model to start from: a name, a checkpoint, or `default` for the best at hand.",
    ),
    model: str | None = typer.Option(None, help="A model to train from nothing, instead of --from."),
    output: Path = typer.Option(
        Path("trained"), help="The folder for the model, the log and the evaluation."
    ),
    epochs: int | None = typer.Option(
        None, help="Train all layers for so many epochs; default with --from: fit the last layer only."
    ),
    batch_size: int = typer.Option(16, help="Clips of one step."),
    learning_rate: float = typer.Option(1e-3, help="Its highest value."),
    layer_decay: float = typer.Option(1.0, help="The rate of each layer as a part of that of the next one."),
    freeze: list[str] = typer.Option([], help="Modules that are not trained; may be repeated."),
    bfloat16: bool = typer.Option(False, "--bfloat16", help="Compute in bfloat16."),
    test: Path | None = typer.Option(None, help="The test set, in a form like --data."),
    test_share: float = typer.Option(
        0.0, help="Without --test: the part of the data that is kept for the test."
    ),
    group: str | None = typer.Option(
        None, help="A pattern whose bracket is the person or source in a path, such as '_(s\\d+)_'."
    ),
    mirror: list[str] = typer.Option([], help="CLASS=CLASS: what a class is called in the mirror."),
    workers: int = typer.Option(1, help="Processes that read clips."),
    seed: int = typer.Option(0, help="Of all chance."),
    resume: bool = typer.Option(False, "--resume", help="Go on with the run in the output folder."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress bar."),
) -> None:
    r"""Teach a model your own classes, from a folder of example videos.

    Examples:

        muybridge train --data gestures/ --from default --output gestures-model

        muybridge train --data sports.csv --model causal_small --epochs 40 --test-share 0.2 --group '_(s\d+)_'
    """
    from muybridge.cli.output import pairs, print_json, progress_bar
    from muybridge.training.processes import is_main_process
    from muybridge.training.settings import TrainingSettings
    from muybridge.training.teach import read_examples, teach

    if epochs is None and model is None:
        _refuse_what_only_trains(context)
    examples, tests = read_examples(
        data, folder=videos, test=test, test_share=test_share, group_pattern=group, seed=seed
    )
    settings = None
    if epochs is not None or model is not None:
        settings = TrainingSettings(
            epochs=30 if epochs is None else epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            layer_decay=layer_decay,
            freeze=tuple(freeze),
            precision="bfloat16" if bfloat16 else "float32",
            ema_decay=0.99,
            label_smoothing=0.1,
            workers=workers,
            seed=seed,
        )
    with progress_bar("read videos", quiet=quiet or settings is not None) as report:
        taught = teach(
            examples,
            output,
            test=tests,
            start_from=start_from,
            model=model,
            settings=settings,
            mirror=pairs(mirror),
            seed=seed,
            resume=resume,
            quiet=quiet,
            on_progress=report,
        )
    if not is_main_process():  # the same words as the main one's
        return
    if as_json:
        print_json(taught)
    else:
        typer.echo(taught.text())


def _refuse_what_only_trains(context: typer.Context) -> None:
    """Options that say how all layers are trained would do nothing to a last layer that is fitted."""
    from muybridge.cli.given import refuse_options

    refuse_options(
        context,
        _OF_A_TRAINING,
        "on the last layer, which is all that is fitted unless --epochs says for how many all layers are trained",
    )
