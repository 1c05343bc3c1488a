"""Evaluation on a network whose every answer can be worked out: it compares how red and how green a clip is."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import DatasetError, VideoOpenError, WeightsError
from muybridge.models.weights import Weights, set_weights
from muybridge.training.annotations import read_folder
from muybridge.training.evaluation import evaluate
from muybridge.training.splits import group_by_name
from muybridge.training.videos import VideoItem, VideoList


class ColorNet(nn.Module):
    """Logits: 20 times the mean of red, and of green."""

    def __init__(self, labels: tuple[str, ...] = ("red", "green")) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(20.0))
        record = Weights(
            "color", labels=labels, num_frames=4, frames_per_second=5.0, size_px=32, resize_px=36
        )
        set_weights(self, record)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.gain * clips.mean(dim=(2, 3, 4))[:, :2]


def test_every_number_of_a_perfect_model(colored: Path, tmp_path: Path) -> None:
    videos = group_by_name(read_folder(colored), r"_(p\d)_")
    unknown = [VideoItem(path, "") for path in sorted((colored / "red").iterdir())[:2]]
    seen: list[tuple[float, float]] = []
    result = evaluate(
        ColorNet(), videos, num_clips=2, num_crops=3, unknown=unknown, on_progress=lambda *at: seen.append(at)
    )
    assert result.labels == ("red", "green")
    assert result.confusion.tolist() == [[5, 0], [0, 5]]
    assert (seen[0], seen[-1]) == ((1, 12), (12, 12))
    summary = result.summary()
    # Five people are five witnesses: Wilson's lower bound of 5 of 5 is 5 / (5 + 1.96²).
    assert summary["top1"] == summary["top5"] == summary["mean_class_accuracy"] == [1.0, 0.5655, 1.0]
    assert (summary["num_videos"], summary["num_groups"], summary["num_unknown"]) == (10, 5, 2)
    # The unknown ones are known in truth, so nothing can tell them apart better than chance allows.
    assert 0.0 <= summary["rejection_auroc"] <= 0.9
    files = result.save(tmp_path / "out")
    document = json.loads(files[0].read_text())
    assert document["videos"][0]["label"] == document["videos"][0]["predicted"]
    rows = list(csv.reader(files[1].read_text().splitlines()))
    assert rows[1:] == [["red", "5", "0"], ["green", "0", "5"]]
    for file in files[2:]:
        picture = cv2.imread(str(file))
        assert picture is not None
        assert picture.std() > 10


def test_what_is_wrong_is_counted_and_found(colored: Path, tmp_path: Path) -> None:
    videos = read_folder(colored)
    # One clip is filed in the wrong folder, one is damaged beyond use.
    items = list(videos.items)
    green = next(place for place, item in enumerate(items) if item.label == "green")
    items[green] = VideoItem(items[green].path, "red")
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    items.append(VideoItem(tmp_path / "bad.mp4", "red"))
    result = evaluate(ColorNet(), videos.with_items(items))
    assert result.confusion.tolist() == [[5, 1], [0, 4]]
    assert result.worst(1) == [green]
    # Ten videos of ten people, one of them wrong: Wilson's interval of 9 of 10.
    assert result.summary()["top1"] == [0.9, 0.5958, 0.9821]
    value, low, high = result.summary()["mean_class_accuracy"]
    assert value == pytest.approx((5 / 6 + 1) / 2, abs=1e-4)
    assert low < value < high
    assert [Path(name).name for name, _ in result.unreadable] == ["bad.mp4"]
    assert result.summary()["classes"] == {
        "red": {"num_videos": 6, "right": 5},
        "green": {"num_videos": 4, "right": 4},
    }


def test_classes_and_models_that_do_not_fit(colored: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the model does not know green; it knows red, blue"):
        evaluate(ColorNet(("red", "blue")), read_folder(colored))
    with pytest.raises(WeightsError, match="carries no labels"):
        evaluate(nn.Linear(2, 2), read_folder(colored))
    lost = VideoList((VideoItem(tmp_path / "none.mp4", "red"),), ("red",))
    with pytest.raises(DatasetError, match=r"no video of the test set can be read; the first: .*none\.mp4"):
        evaluate(ColorNet(), lost)


def test_unknown_videos_that_cannot_be_read(colored: Path, tmp_path: Path) -> None:
    videos, red = read_folder(colored), next((colored / "red").iterdir())
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    bad = VideoItem(tmp_path / "bad.mp4", "")
    with pytest.raises(DatasetError, match=r"no unknown video can be read; the first: .*bad\.mp4: "):
        evaluate(ColorNet(), videos, unknown=[bad])
    result = evaluate(ColorNet(), videos, unknown=[bad, VideoItem(red, "")])
    assert result.summary()["num_unknown"] == 1
    assert [Path(name).name for name, _ in result.unreadable] == ["bad.mp4"]


def test_the_verb_looks_for_the_unknown_videos_first(
    colored: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated: list[object] = []
    monkeypatch.setattr("muybridge.training.evaluation.evaluate", lambda *_, **__: evaluated.append(1))
    words = ["evaluate", "--data", str(colored), "--model", str(base), "--unknown", str(colored / "red")]
    done = CliRunner().invoke(app, [*words, "--unknown", str(tmp_path / "nothere")])
    assert isinstance(done.exception, VideoOpenError)
    assert (
        str(done.exception)
        == f"{tmp_path / 'nothere'}: no such file; --unknown takes videos and folders of them"
    )
    assert evaluated == []


@pytest.mark.parametrize(
    ("parts", "options", "num_tested"),
    [
        (["test", "train", "train", "train", "val"], [], 2),
        (["test", "train", "train", "train", "val"], ["--subset", "train"], 3),
        (["val", "test", "val", "test", "val"], [], 5),
        (["indoor", "outdoor", "indoor", "outdoor", ""], [], 5),
    ],
)
def test_the_verb_tests_what_is_held_back(
    colored: Path, base: Path, tmp_path: Path, parts: list[str], options: list[str], num_tested: int
) -> None:
    clips = sorted(colored.glob("*/*.mp4"))
    rows = [f"{clip},{label},{part}" for clip, label, part in zip(clips, "abcab", parts, strict=False)]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,subset", *rows]))
    words = ["evaluate", "--data", str(tmp_path / "list.csv"), "--model", str(base), "--json", "--quiet"]
    done = CliRunner().invoke(app, [*words, *options])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["summary"]["num_videos"] == num_tested


@pytest.mark.parametrize(
    ("groups", "right", "interval"),
    [
        # One group is one trial: 0.5 ± z / (2 √(1 + z²)) with z = 1.96.
        ("aaaa", "1100", [0.5, 0.0546, 0.9454]),
        # Two groups with 4 of 5 right each: Wilson's interval of a share of 0.8 in 2 trials.
        ("aaaaabbbbb", "1111011110", [0.8, 0.2231, 0.9824]),
        # All wrong: from 0 to z² / (n + z²).
        ("aabb", "0000", [0.0, 0.0, 0.6576]),
    ],
)
def test_groups_that_say_the_same_have_an_interval(groups: str, right: str, interval: list[float]) -> None:
    from muybridge.training.evaluation import Evaluation

    # Six classes, so that five guesses do not hold the truth by themselves.
    items = tuple(VideoItem(Path(f"{n}.mp4"), "a", group=group) for n, group in enumerate(groups))
    probabilities = np.array([np.eye(6)[0 if hit == "1" else 1] for hit in right])
    summary = Evaluation(items, tuple("abcdef"), probabilities, np.zeros((0, 6))).summary()
    assert summary["top1"] == pytest.approx(interval, abs=1e-4)
    assert summary["mean_class_accuracy"] == summary["top1"]


def test_pictures_are_drawn_for_many_classes() -> None:
    from muybridge.training.evaluation import Evaluation
    from muybridge.training.evaluation_pictures import draw_confusion

    labels = tuple(f"class {index}" for index in range(27))
    items = tuple(VideoItem(Path(f"{index}.mp4"), label) for index, label in enumerate(labels))
    probabilities = np.random.default_rng(0).dirichlet(np.ones(27), 27)
    picture = draw_confusion(Evaluation(items, labels, probabilities, np.zeros((0, 27))))
    assert picture.shape[0] == picture.shape[1] > 27 * 34


def test_the_worst_clips_are_drawn_as_judged(write_video, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Half of a video is black, half white; one stretch of each is judged, and one beyond the end."""
    from muybridge.training.evaluation import Evaluation
    from muybridge.training.evaluation_pictures import draw_worst
    from muybridge.video.writer import VideoWriter

    path = tmp_path / "halves.mp4"
    with VideoWriter(path, width=64, height=48, frames_per_second=10) as writer:
        for index in range(20):
            writer.write(np.full((48, 64, 3), 0 if index < 10 else 255, np.uint8))
    stretches = [(0.0, 1.0), (1.0, 2.0), (5.0, 6.0)]
    items = tuple(VideoItem(path, "a", start, end) for start, end in stretches)
    probabilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])
    evaluation = Evaluation(items, ("a", "b"), probabilities, np.zeros((0, 2)))
    sheet = draw_worst(evaluation, num_frames=3, height_px=60)
    assert sheet.shape == (3 * 98, 3 * 80, 3)
    assert sheet[38:98].max() < 20
    assert sheet[98 + 38 : 2 * 98].min() > 235


def test_titles_name_the_file_and_the_stretch() -> None:
    from muybridge.training.evaluation_pictures import _title

    item = VideoItem(Path("/folder/clip.mp4"), "a", 1.5, 3.0)
    assert _title(item, 12, 768) == "clip.mp4 (1.50 s to 3.00 s), videos[12]"
    assert _title(VideoItem(Path("/folder/拍手.mp4"), "a"), 0, 768) == ".mp4, videos[0]"
    long = _title(VideoItem(Path("anna" * 60 + "_take2.mp4"), "a"), 3, 768)
    assert long.startswith("annaanna")
    assert long.endswith("_take2.mp4, videos[3]")
    assert "..." in long


@pytest.mark.parametrize(
    "labels",
    [
        ["拍手", "挥手", "wave"],
        [
            f"put the phone into the {side} pocket of the {thing}"
            for side in ("left", "right")
            for thing in "ab"
        ],
        ["schön", "schon"],
        ["#1 wave", "wave"],
    ],
)
def test_classes_are_told_apart_in_pictures(labels: list[str]) -> None:
    from muybridge.training.evaluation_pictures import drawn_names

    names = drawn_names(labels)
    assert len(set(names)) == len(labels)
    assert all(name.isascii() and 0 < len(name) <= 28 for name in names)
