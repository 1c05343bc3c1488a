"""What `teach` promises beyond the fit: honest numbers, one look at each video, one process that speaks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import OptionError, OutputError
from muybridge.models import create_model, weights_of
from muybridge.training.annotations import read_folder
from muybridge.training.clip_cache import ClipCache, StoredFrames
from muybridge.training.clips import ClipDataset
from muybridge.training.few_shot import learn_from_few
from muybridge.training.fine_tuning import fine_tune
from muybridge.training.seeds import LARGEST_SEED
from muybridge.training.settings import TrainingSettings
from muybridge.training.splits import split_by_group
from muybridge.training.teach import teach
from muybridge.training.videos import VideoItem, VideoList
from muybridge.video.reader import Video


def in_stretches(colored: Path, *, wave_by: int = 0) -> VideoList:
    """Three stretches of each of so many videos of a class; `wave` is red too, by one person."""
    items = []
    for label, people in (("green", 3), ("red", 3), ("wave", wave_by)):
        for person in range(people):
            path = colored / ("green" if label == "green" else "red") / f"_p{person}_.mp4"
            times = [(0.5 * n, 0.5 * n + 0.5) for n in range(3)]
            items += [VideoItem(path, label, start, end, group=f"p{person}") for start, end in times]
    return VideoList(tuple(items), tuple(sorted({item.label for item in items})))


def test_a_class_of_one_person_is_learned_but_not_scored(colored: Path, base: Path, tmp_path: Path) -> None:
    cache = ClipCache(tmp_path / "cache")
    whole = in_stretches(colored)
    taught = teach(whole, tmp_path / "whole", start_from=base, cache=cache)
    assert (taught.details["num_scored"], taught.details["not_scored"]) == (18, [])
    assert "of the videos when each was left out in turn\n" in taught.text()

    partly = teach(in_stretches(colored, wave_by=1), tmp_path / "partly", start_from=base, cache=cache)
    assert (partly.details["num_scored"], partly.details["not_scored"]) == (18, ["wave"])
    assert "of 18 of the videos when each was left out in turn; not scored" in partly.text()
    record = weights_of(create_model("causal_tiny", weights=partly.path))
    assert record is not None
    assert record.protocol == "cross-validation over 18 of the 21 clips it was taught from"

    alone = whole.with_items(item for item in whole if item.group == ("p0" if item.label == "red" else "p1"))
    none = teach(alone, tmp_path / "none", start_from=base, cache=cache)
    assert none.details["expected_top1"] is None
    assert (none.details["num_scored"], none.details["strength"]) == (0, 0.1)
    assert "not tested: green, red came from one person, source or file each" in none.text()
    record = weights_of(create_model("causal_tiny", weights=none.path))
    assert record is not None
    assert (dict(record.accuracy), record.protocol) == ({}, "")


@pytest.mark.parametrize("epochs", [None, 1])
def test_each_video_is_decoded_once(
    colored: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int | None
) -> None:
    decoded: list[Path] = []
    original = ClipDataset._frames_at

    def count(self: ClipDataset, video: Video, item: VideoItem, places: np.ndarray) -> StoredFrames:
        decoded.append(item.path)
        return original(self, video, item, places)

    monkeypatch.setattr(ClipDataset, "_frames_at", count)
    train, test = split_by_group(read_folder(colored), test_share=0.2)
    settings = None if epochs is None else TrainingSettings(epochs=epochs, batch_size=4)
    cache = ClipCache(tmp_path / "cache")
    teach(train, tmp_path / "m", test=test, start_from=base, settings=settings, cache=cache, quiet=True)
    assert sorted(decoded) == sorted(item.path for item in (*train, *test))


@pytest.mark.parametrize("seed", [-1, 2**32, 17600000000000000])
def test_a_seed_that_is_none_is_refused_at_once(colored: Path, base: Path, tmp_path: Path, seed: int) -> None:
    arguments = ["train", "--data", str(colored), "--from", str(base), "--output", str(tmp_path / "m")]
    done = CliRunner().invoke(app, [*arguments, "--seed", str(seed)])
    assert isinstance(done.exception, OptionError)
    assert f"seed is {seed}; it must be a whole number from 0 to 4294967295" in str(done.exception)
    assert not (tmp_path / "m").exists()
    with pytest.raises(OptionError, match="seed is"):
        learn_from_few(read_folder(colored), tmp_path / "m.safetensors", model=base, seed=seed)


def test_the_largest_seed_works(colored: Path, base: Path, tmp_path: Path) -> None:
    videos, cache = read_folder(colored), ClipCache(tmp_path / "cache")
    settings = TrainingSettings(epochs=1, batch_size=5, seed=LARGEST_SEED)
    assert fine_tune(videos, tmp_path / "run", model=base, settings=settings, cache=cache, quiet=True).epochs
    few = learn_from_few(
        videos, tmp_path / "m.safetensors", model=base, num_looks=2, seed=LARGEST_SEED, cache=cache
    )
    assert few.path.is_file()


def test_several_processes_do_not_fit_one_last_layer(
    colored: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="2 processes cannot share the fit of a last layer"):
        teach(read_folder(colored), tmp_path / "m", start_from=base)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_of_several_processes_one_tests_and_prints(colored: Path, base: Path, tmp_path: Path) -> None:
    """Each decodes its half into the cache, and the damaged video is named once."""
    data, log = tmp_path / "data", tmp_path / "log"
    shutil.copytree(colored, data)
    (data / "red" / "_p5_.mp4").write_bytes(b"no video")
    script = tmp_path / "run.py"
    script.write_text(
        "import os\nfrom muybridge.training.clips import ClipDataset\n"
        "before = ClipDataset._frames_at\n"
        "def noting(self, video, item, places):\n"
        f"    with open({str(log)!r}, 'a') as file: file.write(f'{{item.path.name}} {{item.label}}\\n')\n"
        "    return before(self, video, item, places)\n"
        "ClipDataset._frames_at = noting\n"
        "from muybridge.cli.main import app\napp()\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29617"]
    words = ["--data", data, "--from", base, "--output", tmp_path / "m", "--epochs", "1", "--batch-size", "4"]
    words += ["--test-share", "0.2", "--workers", "0", "--quiet", "--json"]
    environment = os.environ | {"MUYBRIDGE_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script), "train", *map(str, words)],
        capture_output=True, text=True, timeout=250, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    document = json.loads(done.stdout)
    assert document["test"]["num_videos"] == document["train"]["num_videos"] // 4 == 2
    assert done.stderr.count("1 of 9 videos cannot be read and are left out") == 1
    assert sorted(log.read_text().splitlines()) == sorted(
        f"_p{person}_.mp4 {color}" for person in range(5) for color in ("red", "green")
    )
    assert (tmp_path / "m" / "evaluation.json").is_file()


def test_a_disk_without_room_for_a_fitted_layer_says_nothing_of_resuming(
    colored: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("muybridge.training.few_shot.save_checkpoint", refuse)
    with pytest.raises(OutputError, match="No space left on device; make room, then try again"):
        learn_from_few(read_folder(colored), tmp_path / "m.safetensors", model=base, num_looks=1)
