"""A bar on the terminal for each epoch, with the rate, the loss and the time that is left."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from muybridge.training.batches import BatchPlan

__all__ = ["EpochProgress"]


class EpochProgress:
    """Shows how far an epoch is; nothing where stderr is no terminal.

    Args:
        plan: of the epoch.
        num_epochs: of the run.
        quiet: show nothing.
    """

    def __init__(self, plan: BatchPlan, num_epochs: int, *, quiet: bool = False) -> None:
        self._progress = None
        self._done = 0
        if quiet or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}", markup=False),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} clips  {task.fields[rate]}  loss {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        name = f"{plan.epoch + 1}/{num_epochs}"
        self._task = self._progress.add_task("", total=plan.num_items, epoch=name, rate="", loss="")

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, num_clips: int, loss: float) -> None:
        """So many more clips are done."""
        if self._progress is None:
            return
        speed = self._progress.tasks[0].speed
        rate = f"{speed:.1f} clips/s" if speed else ""
        self._progress.update(self._task, advance=num_clips, rate=rate, loss=f"{loss:.3f}")
