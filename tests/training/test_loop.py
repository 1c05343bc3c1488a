"""The loop: it learns, it resumes to the bit, two processes equal one, and what goes wrong is named."""

import csv
import os
import signal
import subprocess
import sys
import textwrap
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from muybridge.actions.inference import has_fast_bfloat16
from muybridge.errors import OptionError, OutputError, TrainingError, UnknownNameError, WeightsError
from muybridge.models.checkpoint import read_checkpoint
from muybridge.models.weights import Weights
from muybridge.training import Trainer, TrainingSettings
from muybridge.training.batches import BatchPlan


class Bars(Dataset[tuple[torch.Tensor, int]]):
    """A bar that moves to the right (class 1) or to the left (class 0), in noise that is drawn anew each time."""

    def __init__(self, num_items: int = 16, *, broken: int | None = None) -> None:
        self.num_items, self.broken = num_items, broken

    def __len__(self) -> int:
        return self.num_items

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        clip = 0.1 * torch.rand(3, 4, 8, 8) + 0.01 * float(np.random.rand())
        for frame in range(4):
            place = 2 * frame if index % 2 else 6 - 2 * frame
            clip[:, frame, :, place : place + 2] += 1
        if index == self.broken:
            clip[0, 0, 0, 0] = float("nan")
        return clip, index % 2

    def name_of(self, index: int) -> str:
        return f"bars/{index:02d}.mp4"


def network(seed: int = 0, dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv3d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(8 * 4 * 64, 2),
    )


def settings(**changes: object) -> TrainingSettings:
    base: dict[str, object] = {"epochs": 4, "batch_size": 4, "learning_rate": 3e-3}
    return TrainingSettings(**{**base, **changes})  # type: ignore[arg-type]


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


def test_it_learns_and_logs(tmp_path: Path) -> None:
    trainer = Trainer(
        network(), settings(monitor="top1", ema_decay=0.9, precision="bfloat16"), tmp_path / "run"
    )
    result = trainer.fit(Bars(), Bars())
    assert result.epochs[-1]["top1"] == 1.0
    assert result.epochs[-1]["train_loss"] < result.epochs[0]["train_loss"]
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == [4, 8, 12, 16]
    assert {"clips_per_second", "waiting_share", "validation_loss"} <= set(rows[0])
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("top1")] == [4, 8, 12, 16]
    saved = read_checkpoint(result.path).state
    assert all(torch.equal(saved[name], value) for name, value in result.model.state_dict().items())


@pytest.mark.parametrize("changes", [{}, {"ema_decay": 0.9, "mixup": 0.4, "optimizer": "sgd", "workers": 1}])
def test_an_interrupted_run_ends_like_one_that_was_not(tmp_path: Path, changes: dict[str, object]) -> None:
    whole = Trainer(network(dropout=0.5), settings(**changes), tmp_path / "whole").fit(Bars(), Bars())

    def interrupt(model: nn.Module) -> dict[str, float]:
        interrupt.calls += 1  # type: ignore[attr-defined]
        if interrupt.calls == 3:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        torch.rand(7)  # evaluation may draw numbers too
        return {}

    interrupt.calls = 0  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        Trainer(network(dropout=0.5), settings(**changes), tmp_path / "cut").fit(
            Bars(), Bars(), evaluate=interrupt
        )
    torch.manual_seed(99)
    again = Trainer(network(seed=5, dropout=0.5), settings(**{**changes, "workers": 0}), tmp_path / "cut")
    result = again.fit(Bars(), Bars(), resume=True)
    assert torch.equal(weights(result.model), weights(whole.model))
    timing = {"seconds", "clips_per_second", "waiting_share"}
    for ours, theirs in zip(result.epochs, whole.epochs, strict=True):
        assert {k: v for k, v in ours.items() if k not in timing} == {
            k: v for k, v in theirs.items() if k not in timing
        }


def test_accumulation_changes_nothing_but_rounding(tmp_path: Path) -> None:
    one = Trainer(network(), settings(), tmp_path / "1").fit(Bars(14))
    two = Trainer(network(), settings(accumulation_steps=2), tmp_path / "2").fit(Bars(14))
    assert torch.allclose(weights(one.model), weights(two.model), atol=1e-5)


def test_the_seed_changes_the_run(tmp_path: Path) -> None:
    one = Trainer(network(), settings(), tmp_path / "1").fit(Bars())
    two = Trainer(network(), settings(seed=1), tmp_path / "2").fit(Bars())
    assert not torch.equal(weights(one.model), weights(two.model))


def test_early_stopping_keeps_the_best(tmp_path: Path) -> None:
    scores = iter([0.2, 0.9, 0.5, 0.6, 0.7, 0.8])
    seen: list[torch.Tensor] = []

    def evaluate(model: nn.Module) -> dict[str, float]:
        seen.append(weights(model).clone())
        return {"accuracy": next(scores)}

    wanted = settings(epochs=6, monitor="accuracy", patience_epochs=2)
    result = Trainer(network(), wanted, tmp_path / "run").fit(Bars(), evaluate=evaluate)
    assert (result.best_epoch, len(result.epochs)) == (1, 4)
    assert torch.equal(weights(result.model), seen[1])


def test_frozen_layers_stay_and_their_statistics_too(tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4)), nn.Flatten(), nn.Linear(4 * 4 * 64, 2)
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    after = Trainer(model, settings(freeze=("0",)), tmp_path / "run").fit(Bars()).model.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {name for name in before if name.startswith("0.")}
    with pytest.raises(UnknownNameError, match="'stem'"):
        Trainer(network(), settings(freeze=("stem",)), tmp_path / "other")


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_processes_share_every_batch(world_size: int) -> None:
    joined = [[index for _, index in part] for part in BatchPlan(23, 8, seed=3)]
    shares = [
        [[index for _, index in part] for part in BatchPlan(23, 8, seed=3, rank=rank, world_size=world_size)]
        for rank in range(world_size)
    ]
    assert [list(chain(*parts)) for parts in zip(*shares, strict=True)] == joined
    assert sorted(chain(*joined)) == list(range(23))
    assert {len(batch) for batch in joined} == {7, 8}


SCRIPT = """
import sys, torch
sys.path[:0] = [{tests!r}]
from test_loop import Bars, network, settings, weights
from muybridge.training import Trainer
torch.set_num_threads(1)
trainer = Trainer(network(), settings({settings}), {folder!r}, quiet=True)
result = trainer.fit(Bars({items}), Bars(7), resume={resume})
if trainer.accelerator.is_main_process:
    torch.save({{"weights": weights(result.model), "rows": result.epochs}}, {folder!r} + "/result.pt")
"""


def script(folder: Path, *, arguments: str = "", items: int = 15, resume: bool = False) -> str:
    return textwrap.dedent(SCRIPT).format(
        tests=str(Path(__file__).parent), folder=str(folder), settings=arguments, items=items, resume=resume
    )


@pytest.mark.slow
def test_two_processes_equal_one_with_the_joined_batch(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text(script(tmp_path / "two"))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29613"]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    two = torch.load(tmp_path / "two" / "result.pt", weights_only=True)
    one = Trainer(network(), settings(), tmp_path / "one").fit(Bars(15), Bars(7))
    assert torch.allclose(two["weights"], weights(one.model), atol=1e-6)
    for row, expected in zip(two["rows"], one.epochs, strict=True):
        for name in ("train_loss", "validation_loss", "top1"):
            assert row[name] == pytest.approx(expected[name], abs=1e-5)


@pytest.mark.slow
def test_kill_9_loses_at_most_the_current_epoch(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = "epochs=40"
    running = subprocess.Popen([sys.executable, "-c", script(folder, arguments=arguments)])
    deadline = time.monotonic() + 120
    while not (folder / "log.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.13)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    finished = len((folder / "log.csv").read_text().splitlines()) - 1
    trainer = Trainer(network(seed=4), settings(epochs=40), folder)
    result = trainer.fit(Bars(15), Bars(7), resume=True)
    assert finished >= 1
    whole = Trainer(network(), settings(epochs=40), tmp_path / "whole").fit(Bars(15), Bars(7))
    assert torch.equal(weights(result.model), weights(whole.model))


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("auroc", [float("nan"), 0.5, 0.9, 0.7], 2),
        ("own loss", [float("nan"), 0.5, 0.9, float("nan")], 1),
        ("auroc", [0.5, float("nan"), float("nan"), 0.4], 0),
        ("auroc", [float("nan")] * 4, 0),
    ],
)
def test_a_number_that_is_none_is_the_worst(
    tmp_path: Path, name: str, values: list[float], best: int
) -> None:
    left = iter(values)
    trainer = Trainer(network(), settings(monitor=name), tmp_path / "run", quiet=True)
    assert trainer.fit(Bars(4), evaluate=lambda _: {name: next(left)}).best_epoch == best


def test_nan_names_the_step_and_the_files(tmp_path: Path) -> None:
    trainer = Trainer(network(), settings(), tmp_path / "run")
    with pytest.raises(TrainingError, match=r"loss is nan at step \d \(epoch 0\), in the batch of .*05\.mp4"):
        trainer.fit(Bars(broken=5))
    assert not (tmp_path / "run" / "state.pt").exists()


def test_infinite_gradient_is_named(tmp_path: Path) -> None:
    def loss(model: nn.Module, batch: object) -> torch.Tensor:
        return sum(weight.sum() for weight in model.parameters()).mul(0).abs().sqrt()  # type: ignore[union-attr]

    with pytest.raises(TrainingError, match="the gradient is nan at step 0"):
        Trainer(network(), settings(), tmp_path / "run", loss=loss).fit(Bars())


def test_full_disk_leaves_the_epoch_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    monkeypatch.setattr("muybridge.training.run_files._write_bytes", fails_at_call(3))
    with pytest.raises(
        OutputError,
        match=r"state\.pt could not be written.*No space left.*state\.pt is whole; make room, then resume",
    ):
        Trainer(network(), settings(), folder).fit(Bars())
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "log.csv",
        "model.safetensors",
        "state.pt",
    ]
    monkeypatch.undo()
    result = Trainer(network(seed=2), settings(), folder).fit(Bars(), resume=True)
    whole = Trainer(network(), settings(), tmp_path / "whole").fit(Bars())
    assert torch.equal(weights(result.model), weights(whole.model))


def fails_at_call(number: int) -> object:
    from muybridge.training.run_files import _write_bytes

    calls = 0

    def write(path: Path, content: memoryview) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            _write_bytes(path, content[:1000])
            raise OSError(28, "No space left on device", str(path))
        _write_bytes(path, content)

    return write


def test_a_file_system_that_refuses_more_is_reported(tmp_path: Path) -> None:
    """A real limit of the system (EFBIG), met by the writer of the model, which is not Python's."""
    code = script(tmp_path / "run") + ""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))\n"
    done = subprocess.run([sys.executable, "-c", limit + code], capture_output=True, text=True, timeout=120)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("muybridge.errors.OutputError")
    assert "model.safetensors could not be written" in last
    assert last.endswith("make room, then begin again, for no epoch was saved")
    assert not [path for path in (tmp_path / "run").iterdir() if path.is_file()]


def test_resuming_says_what_has_changed(tmp_path: Path) -> None:
    record = Weights("mine", labels=("left", "right"))
    Trainer(network(), settings(epochs=1), tmp_path, record=record).fit(Bars())
    with pytest.raises(OptionError, match="holds a run already; resume it"):
        Trainer(network(), settings(epochs=1), tmp_path, record=record).fit(Bars())
    other = Trainer(network(), settings(epochs=1, learning_rate=1.0), tmp_path, record=record)
    with pytest.raises(
        OptionError, match=r"learning_rate was 0\.003, is 1\.0; the dataset had 16 items, has 8"
    ):
        other.fit(Bars(8), resume=True)
    relabeled = Trainer(network(), settings(epochs=1), tmp_path, record=record.with_labels(("a", "b")))
    with pytest.raises(OptionError, match="the classes were left, right, are a, b"):
        relabeled.fit(Bars(), resume=True)
    with pytest.raises(WeightsError, match="holds no run to resume"):
        Trainer(network(), settings(), tmp_path / "empty").fit(Bars(), resume=True)


def test_resuming_another_model_is_refused(tmp_path: Path) -> None:
    Trainer(network(), settings(epochs=1), tmp_path).fit(Bars())
    stranger = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 64, 2))
    with pytest.raises(WeightsError, match=r"state\.pt does not fit Sequential: .*keys? missing"):
        Trainer(stranger, settings(epochs=1), tmp_path).fit(Bars(), resume=True)
    (tmp_path / "state.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(WeightsError, match=r"state\.pt is not a readable checkpoint"):
        Trainer(network(), settings(epochs=1), tmp_path).fit(Bars(), resume=True)


def test_resuming_with_other_data_is_refused(tmp_path: Path) -> None:
    class Others(Bars):
        def name_of(self, index: int) -> str:
            return f"others/{index:02d}.mp4"

    Trainer(network(), settings(epochs=1), tmp_path).fit(Bars(), item_weights=[1.0] * 16)
    trainer = Trainer(network(), settings(epochs=1), tmp_path)
    with pytest.raises(OptionError, match=r"have changed: the items are others; give the earlier ones"):
        trainer.fit(Others(), resume=True)
    with pytest.raises(OptionError, match=r"have changed: the item weights are others"):
        trainer.fit(Bars(), item_weights=[2.0] * 16, resume=True)
    # A list tells no names, and earlier versions kept none: there is nothing to compare.
    trainer.fit([Bars()[index] for index in range(16)], resume=True)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    del state["data"]
    torch.save(state, tmp_path / "state.pt")
    Trainer(network(), settings(epochs=1), tmp_path).fit(Others(), resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": None}, "KeyError: 'settings'"),
        ({"settings": {"epochs": 1, "speed": 3}}, "unexpected keyword argument 'speed'"),
        ({"settings": 3}, "TypeError"),
        ({"labels": 4, "optimizer": {}}, "TypeError"),
        ({"optimizer": {}}, "KeyError: 'param_groups'"),
    ],
)
def test_a_state_that_is_none_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    Trainer(network(), settings(epochs=1), tmp_path).fit(Bars())
    state = torch.load(tmp_path / "state.pt", weights_only=True) | changes
    torch.save({key: value for key, value in state.items() if value is not None}, tmp_path / "state.pt")
    with pytest.raises(
        WeightsError, match=rf"state\.pt is not the state of a run, or is damaged \(.*{message}"
    ):
        Trainer(network(), settings(epochs=1), tmp_path).fit(Bars(), resume=True)


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    trainer = Trainer(network(), settings(epochs=1), tmp_path / "file")
    with pytest.raises(OutputError, match=r"nothing can be written to .*file: .*; give another --output"):
        trainer.fit(Bars(broken=0))  # whose loss would be NaN
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"ema_decay": 1.5}, "ema_decay is 1.5"),
        ({"optimizer": "adam"}, "optimizer 'adam'"),
        ({"patience_epochs": 3}, "patience_epochs needs monitor"),
    ],
)
def test_settings_outside_what_is_allowed(changes: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        settings(**changes)


def test_batches_that_cannot_be_shared(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be shared by 1 processes with 8 accumulation steps"):
        Trainer(network(), settings(accumulation_steps=8), tmp_path).fit(Bars())
    with pytest.raises(OptionError, match="the dataset is empty"):
        Trainer(network(), settings(), tmp_path).fit(Bars(0))


def test_auto_takes_the_precision_in_which_the_device_is_fast(tmp_path: Path) -> None:
    named = "bfloat16" if has_fast_bfloat16(torch.device("cpu")) else "float32"
    results = []
    for precision in ("auto", named):
        torch.manual_seed(0)
        trainer = Trainer(
            network(), settings(epochs=1, precision=precision), tmp_path / precision, quiet=True
        )
        results.append(weights(trainer.fit(Bars()).model))
    assert torch.equal(*results)
