"""The files of a run, each written so that a kill or a full disk leaves the earlier one whole.

FOLDER/state.pt            everything that is needed to go on after the last finished epoch
FOLDER/model.safetensors   the best model so far; `classify` and `create_model` take it by path
FOLDER/log.csv             one line for each epoch
FOLDER/tensorboard/        the same for TensorBoard
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from muybridge.errors import MuybridgeError, OptionError, OutputError, WeightsError
from muybridge.models.checkpoint import load_plain
from muybridge.writing import try_writing

__all__ = ["RunFiles", "check_writable", "write_whole"]

_STATE_KEYS = (
    "settings",
    "labels",
    "num_items",
    "model",
    "average",
    "optimizer",
    "step",
    "rows",
    "best_epoch",
    "best_value",
)


def write_whole(path: Path, write: Callable[[Path], None], *, then: str = "try again") -> None:
    """Write a file beside its place, then move it there in one step: a reader sees the old one or the new one.

    Args:
        path: the file.
        write: writes the file whose path it is given.
        then: what to do once there is room.

    Raises:
        OutputError: it could not be written, for example since the disk is full; an earlier file is unharmed.

    >>> file = getfixture("tmp_path") / "numbers.txt"
    >>> write_whole(file, lambda part: part.write_text("1 2 3") and None)
    >>> file.read_text()
    '1 2 3'
    """
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            part.unlink()
        kept = f"; the earlier {path.name} is whole" if path.exists() else ""
        raise OutputError(f"{path} could not be written: {error}{kept}; make room, then {then}") from error


def check_writable(folder: Path) -> None:
    """Make a folder and see that a file can be written in it, before hours of work come to nothing.

    Raises:
        OutputError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try_writing(folder)
    except OSError as error:
        raise OutputError(
            f"nothing can be written to {folder}: {error.strerror or error}; give another --output"
        ) from error


class RunFiles:
    """The files of one run.

    Args:
        folder: made where it is absent.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.state = self.folder / "state.pt"
        self.model = self.folder / "model.safetensors"
        self.log = self.folder / "log.csv"
        self._board: Any = None

    def check(self, *, resume: bool) -> None:
        """Raise where a run cannot begin in this folder, or go on, before any work is done for it.

        Raises:
            OptionError: a run is there that would be overwritten.
            WeightsError: no run is there to go on with.
            OutputError: nothing can be written.
        """
        if not resume and self.state.exists():
            raise OptionError(
                f"{self.folder} holds a run already; resume it (--resume, in Python resume=True), or take another"
                " folder"
            )
        if resume and not self.state.is_file():
            raise WeightsError(f"{self.folder} holds no run to resume; start one without resume")
        check_writable(self.folder)

    def save_model(self, write: Callable[[Path], None]) -> None:
        """Write the model, by what writes it to the path that it is given."""
        write_whole(self.model, write, then=self._remedy())

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Write what is needed to go on: tensors, numbers, strings, lists and dicts of them."""
        # Into memory first: torch's own writer turns a full disk into an abort without a reason.
        memory = io.BytesIO()
        torch.save(dict(state), memory)
        write_whole(self.state, lambda part: _write_bytes(part, memory.getbuffer()), then=self._remedy())

    @contextmanager
    def open_state(self) -> Iterator[dict[str, Any]]:
        """What `save_state` wrote; what is taken out of it amiss inside the `with` is put down to damage.

        Raises:
            WeightsError: it is damaged.
        """
        state = load_plain(self.state)
        lost = [key for key in _STATE_KEYS if not isinstance(state, dict) or key not in state]
        try:
            if lost:
                raise KeyError(", ".join(lost))
            yield state
        except MuybridgeError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise WeightsError(
                f"{self.state} is not the state of a run, or is damaged ({type(error).__name__}: {error}); begin a new"
                " run in another folder"
            ) from error

    def save_log(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write all epochs, and the last one to TensorBoard too."""
        columns = list(dict.fromkeys(name for row in rows for name in row))

        def write(part: Path) -> None:
            with part.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(rows)

        write_whole(self.log, write, then=self._remedy())
        if self._board is None:
            from torch.utils.tensorboard.writer import SummaryWriter

            # What an interrupted run wrote beyond its last saved epoch is hidden.
            self._board = SummaryWriter(str(self.folder / "tensorboard"), purge_step=int(rows[-1]["step"]))
        for name, value in rows[-1].items():
            if name not in ("epoch", "step"):
                self._board.add_scalar(name, value, int(rows[-1]["step"]))
        self._board.flush()

    def _remedy(self) -> str:
        """How to go on after an error: there is something to resume once an epoch was saved."""
        return "resume" if self.state.is_file() else "begin again, for no epoch was saved"

    def close(self) -> None:
        """Let go of the files."""
        if self._board is not None:
            self._board.close()
            self._board = None


def _write_bytes(path: Path, content: memoryview) -> None:
    with path.open("wb") as file:
        file.write(content)
