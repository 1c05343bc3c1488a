"""The bar: what a person at a terminal sees, and that nobody else sees it."""

import io
import sys

import pytest

from muybridge.training.batches import BatchPlan
from muybridge.training.progress import EpochProgress


class Screen(io.StringIO):
    """A terminal that remembers."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize(("is_terminal", "quiet"), [(True, False), (True, True), (False, False)])
def test_epoch_clips_and_loss_are_shown(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, quiet: bool
) -> None:
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    plan = BatchPlan(8, 4, seed=0)
    plan.epoch = 1
    with EpochProgress(plan, 3, quiet=quiet) as bar:
        bar.advance(4, 1.25)
        bar.advance(4, 0.5)
    shown = screen.getvalue()
    if is_terminal and not quiet:
        assert "epoch 2/3" in shown
        assert "8/8 clips" in shown
        assert "loss 0.500" in shown
    else:
        assert shown == ""
