"""From a video file to labels, with a model whose answer is known: it names the color that a clip shows."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import muybridge
from muybridge.actions.classifier import Classifier, classify, load_classifier_model
from muybridge.actions.views import read_views
from muybridge.errors import OptionError, UnknownNameError, VideoError, VideoOpenError, WeightsError
from muybridge.models import registry
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.registry import create_model, register
from muybridge.models.weights import Weights, set_weights
from muybridge.video.writer import VideoWriter
from torchvision_oracle import torchvision_video_models

COLORS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}
RECORD = Weights("colors", labels=tuple(COLORS), num_frames=4, size_px=32, stride=1)


class ColorNet(nn.Module):
    """The mean of each channel as a logit, times a gain."""

    def __init__(self, gain: float = 20.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return clip.mean(dim=(2, 3, 4)) * self.gain


def color_model(record: Weights = RECORD) -> nn.Module:
    model = ColorNet()
    set_weights(model, record)
    return model


def write(path: Path, *parts: str, num_frames: int = 20) -> Path:
    """A video that shows each color for so many frames; `left|right` shows two side by side."""
    with VideoWriter(path, width=96, height=48, frames_per_second=10) as writer:
        for part in parts:
            picture = np.zeros((48, 96, 3), np.uint8)
            names = part.split("|")
            for i, name in enumerate(names):
                width = 96 // len(names)
                picture[:, i * width : (i + 1) * width] = COLORS[name]
            for _ in range(num_frames):
                writer.write(picture)
    return path


@pytest.mark.parametrize("color", list(COLORS))
def test_it_names_what_the_video_shows(tmp_path: Path, color: str) -> None:
    path = write(tmp_path / f"{color}.mp4", color)
    found = muybridge.classify(path, model=color_model(), top=2)
    assert found.label == color
    assert found.score > 0.99
    assert len(found.labels) == 2
    assert found.model == "ColorNet/colors"


def test_the_weights_own_normalization_is_applied(tmp_path: Path) -> None:
    # With green's mean moved up, green becomes the least likely although the video is green.
    path = write(tmp_path / "green.mp4", "green")
    odd = Weights("odd", labels=tuple(COLORS), mean=(0.1, 2.0, 0.2), num_frames=4, size_px=32)
    assert classify(path, model=color_model(odd), top=3).labels[-1] == "green"


def test_views_in_time_are_averaged_over_probabilities(tmp_path: Path) -> None:
    path = write(tmp_path / "both.mp4", "red", "blue")
    found = classify(path, model=color_model(), num_clips=2, top=3)
    assert dict(zip(found.labels, found.scores, strict=True)) == pytest.approx(
        {"red": 0.5, "blue": 0.5, "green": 0.0}, abs=0.01
    )


def test_views_in_space_see_both_ends(tmp_path: Path) -> None:
    path = write(tmp_path / "sides.mp4", "red|green|blue")
    center = classify(path, model=color_model())
    assert (center.label, center.score > 0.99) == ("green", True)
    three = classify(path, model=color_model(), num_crops=3, top=3)
    assert three.scores == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=0.1)


def test_a_video_shorter_than_a_clip_still_has_an_answer(tmp_path: Path) -> None:
    path = write(tmp_path / "short.mp4", "blue", num_frames=2)
    long = Weights("long", labels=tuple(COLORS), num_frames=16, stride=4, size_px=32, frames_per_second=15.0)
    for record in (RECORD, long):
        assert classify(path, model=color_model(record), num_clips=3).label == "blue"


def test_many_videos_fill_batches_and_keep_their_order(tmp_path: Path) -> None:
    names = ["red", "blue", "green", "blue", "red"]
    paths = [write(tmp_path / f"{i}.mp4", name) for i, name in enumerate(names)]
    paths.insert(2, tmp_path / "absent.mp4")
    failed: list[VideoError] = []
    classifier = Classifier(color_model())
    results = list(classifier.classify_many(paths, batch_size=2, on_error=failed.append))
    assert [prediction.label for _, prediction in results] == names
    assert [path for path, _ in results] == [path for path in paths if path.exists()]
    assert [error.path for error in failed] == [str(tmp_path / "absent.mp4")]
    with pytest.raises(VideoOpenError):
        list(classifier.classify_many(paths))
    single = [classifier.classify(path).scores for path, _ in results]
    assert [prediction.scores for _, prediction in results] == [pytest.approx(s, abs=1e-6) for s in single]


def test_a_checkpoint_that_describes_itself_is_enough(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("factorized3d", num_classes=3).eval()
    save_checkpoint(tmp_path / "mine.safetensors", model, name="factorized3d", weights=RECORD)
    path = write(tmp_path / "red.mp4", "red")
    found = classify(path, model=tmp_path / "mine.safetensors", top=3)
    views = torch.from_numpy(read_views(path, RECORD)).permute(0, 4, 1, 2, 3) / 255
    with torch.inference_mode():
        expected = model((views - 0.5) / 0.5).softmax(dim=1)[0]
    scores = dict(zip(found.labels, found.scores, strict=True))
    assert [scores[name] for name in COLORS] == pytest.approx(expected.tolist(), abs=2e-3)
    torch.save(model.state_dict(), tmp_path / "plain.pth")
    with pytest.raises(WeightsError, match="does not say which model it belongs to"):
        classify(path, model=tmp_path / "plain.pth")


def test_a_folder_of_the_hub_is_enough(tmp_path: Path) -> None:
    torchvision_video_models()  # transformers' processors import it
    transformers = pytest.importorskip("transformers")
    config = transformers.VideoMAEConfig(
        image_size=32,
        num_frames=4,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=48,
        id2label=dict(enumerate(COLORS)),
        label2id={name: i for i, name in enumerate(COLORS)},
    )
    theirs = transformers.VideoMAEForVideoClassification(config).eval()
    theirs.save_pretrained(tmp_path / "my-videomae")
    processor = transformers.VideoMAEImageProcessor(size={"shortest_edge": 32}, crop_size=32)
    processor.save_pretrained(tmp_path / "my-videomae")
    path = write(tmp_path / "red.mp4", "red")
    found = classify(path, model=str(tmp_path / "my-videomae"), top=3)
    assert found.model == "my-videomae"
    (frames,) = read_views(path, Classifier(tmp_path / "my-videomae").record)
    inputs = processor(list(frames), return_tensors="pt")
    with torch.inference_mode():
        expected = theirs(**inputs).logits.softmax(dim=1)[0]
    scores = dict(zip(found.labels, found.scores, strict=True))
    assert [scores[name] for name in COLORS] == pytest.approx(expected.tolist(), abs=5e-3)


def test_no_label_comes_from_random_weights(tmp_path: Path) -> None:
    path = write(tmp_path / "red.mp4", "red")
    with pytest.raises(WeightsError, match="no trained head with known labels"):
        classify(path, model=create_model("simple3d", num_classes=3))
    with pytest.raises(
        WeightsError, match=r"no weights are published for simple3d, and random ones know no label"
    ):
        classify(path, model="simple3d")
    model = create_model("simple3d", num_classes=4)
    set_weights(model, RECORD)
    with pytest.raises(WeightsError, match="gives 4 scores, its weights name 3 labels"):
        classify(path, model=model)


@pytest.fixture
def _empty_caches(own_registry: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("muybridge.models.available.cached_hub_folder", lambda reference: None)
    own = dataclasses.replace(registry.model_entry("causal_light"), weights={})  # as if none came along
    monkeypatch.setitem(registry._ENTRIES, "causal_light", own)


@pytest.mark.usefixtures("_empty_caches")
def test_without_weights_and_network_it_says_what_can_be_done(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        classify(write(tmp_path / "red.mp4", "red"))
    message = str(caught.value)
    assert "random ones know no label" in message
    assert "model='r2plus1d_18'" in message
    assert "https://download.pytorch.org/models/r2plus1d_18-91a641e6.pth" in message
    assert str(tmp_path / "cache" / "weights") in message


@pytest.mark.usefixtures("_empty_caches")
def test_the_most_accurate_cached_weights_answer(tmp_path: Path) -> None:
    torch.save(ColorNet().state_dict(), tmp_path / "net.pth")
    content = (tmp_path / "net.pth").read_bytes()
    digits = hashlib.sha256(content).hexdigest()[:8]

    def published(name: str, top1: float) -> Weights:
        url = f"https://example.org/{name}-{digits}.pth"
        accuracy = {"top1": top1} if top1 else {}
        return Weights(
            name, url=url, sha256=digits, labels=tuple(COLORS), num_frames=4, size_px=32, accuracy=accuracy
        )

    records = (published("kinetics_a", 60.0), published("kinetics_b", 70.0), published("starter", 0.0))

    @register(inputs=((3, 4, 32, 32),), weights=records)
    def color_net() -> nn.Module:
        """Names colors."""
        return ColorNet()

    cache = tmp_path / "cache" / "weights"
    cache.mkdir(parents=True)
    path = write(tmp_path / "green.mp4", "green")
    for expected in ("starter", "kinetics_a", "kinetics_b"):
        (cache / f"{expected}-{digits}.pth").write_bytes(content)
        found = classify(path)
        assert (found.model, found.label) == (f"color_net/{expected}", "green")
    (cache / f"kinetics_b-{digits}.pth").write_bytes(content + b"tampered")
    with pytest.raises(WeightsError, match="damaged or was tampered with"):
        classify(path)


def test_wrong_choices_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "red.mp4", "red")
    with pytest.raises(UnknownNameError, match="did you mean 'r3d_18'"):
        classify(path, model="r3d18")
    for options, message in (
        ({"top": 0}, "top is 0"),
        ({"top": 2.5}, "top is 2.5; it must be a whole number of at least 1"),
        ({"num_clips": 1.5}, "num_clips is 1.5; it must be a whole number from 1 to 64"),
        ({"num_clips": 0}, "num_clips is 0"),
        ({"num_crops": 2}, "num_crops is 2; it is 1"),
    ):
        with pytest.raises(OptionError, match=message):
            classify(path, model=color_model(), **options)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="precision is 'half'"):
        Classifier(color_model(), precision="half")  # type: ignore[arg-type]


def test_weights_that_nobody_would_look_at_are_refused(tmp_path: Path) -> None:
    save_checkpoint(
        tmp_path / "mine.safetensors",
        create_model("factorized3d", num_classes=3),
        name="factorized3d",
        weights=RECORD,
    )
    (tmp_path / "hub").mkdir()
    for model, message in (
        (None, "name the model that they belong to"),
        (color_model(), "ColorNet is a module that has its own"),
        (tmp_path / "mine.safetensors", "mine.safetensors brings its own: leave weights out"),
        (tmp_path / "hub", "hub brings its own: leave weights out"),
        ("somebody/some-model", "some-model brings its own: leave weights out"),
    ):
        with pytest.raises(OptionError, match=f"weights is 'zzz'.*{message}"):
            load_classifier_model(model, weights="zzz")


def test_a_module_keeps_its_own_name() -> None:
    model = color_model()
    assert load_classifier_model(model) == ("ColorNet", model)
    built = create_model("simple3d", num_classes=3)
    assert load_classifier_model(built) == ("simple3d", built)


def test_a_model_that_takes_more_than_a_clip_is_refused(tmp_path: Path) -> None:
    two = create_model("two_stream", num_classes=3, width=4)
    record = dataclasses.replace(RECORD, options={"width": 4, "num_classes": 3})
    save_checkpoint(tmp_path / "mine.safetensors", two, name="two_stream", weights=record)
    set_weights(two, record)
    for model in (two, tmp_path / "mine.safetensors"):
        with pytest.raises(
            OptionError, match="two_stream takes rgb and flow; only a model that takes the frames"
        ):
            Classifier(model)
    for weights in (None, tmp_path / "mine.safetensors"):
        with pytest.raises(OptionError, match=r"two_stream takes 2 inputs; only .*, such as .*r3d_18"):
            Classifier("two_stream", weights=weights)


def test_the_starter_answers_where_nothing_larger_is_at_hand(
    shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """People it has never seen: subjects 1 and 2 were kept out of its training."""
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("muybridge.models.available.cached_hub_folder", lambda reference: None)
    classifier = Classifier()
    folder = shared / "actions" / "utd-mhad-rgb"
    names = {"a01": "swipe left", "a02": "swipe right", "a03": "wave", "a04": "clap", "a05": "throw"}
    paths = [path for path in sorted(folder.glob("*/*_t1.mp4")) if "_s1_" in path.name or "_s2_" in path.name]
    found = [prediction for _, prediction in classifier.classify_many(paths, top=1)]
    assert {prediction.model for prediction in found} == {"causal_light/starter"}
    right = [p.label == names[path.parent.name] for path, p in zip(paths, found, strict=True)]
    assert sum(right) >= len(paths) - 1
