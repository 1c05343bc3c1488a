"""The options that all recipes of the procedural world share."""

import argparse
from pathlib import Path


def run_options(description: str | None, *, output: str, epochs: int) -> argparse.ArgumentParser:
    """A parser with the folder of the run, the seed, the epochs, and whether to go on.

    Args:
        description: what the recipe does.
        output: the folder, unless another is given.
        epochs: how many, unless another number is given.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path(output))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--workers", type=int, default=0, help="processes that read or paint worlds")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    return parser
