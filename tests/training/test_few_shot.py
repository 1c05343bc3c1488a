"""Few examples, fine-tuning and the two verbs, from a folder to a model that `classify` takes by path."""

import json
import re
from pathlib import Path

import pytest
import torch
from torch.nn import functional
from typer.testing import CliRunner

from muybridge import classify
from muybridge.cli.main import app
from muybridge.errors import DatasetError, DatasetWarning, OptionError, OutputError, WeightsError
from muybridge.models import create_model, weights_of
from muybridge.models.weights import Weights
from muybridge.training.annotations import read_folder
from muybridge.training.clip_cache import ClipCache
from muybridge.training.few_shot import _fit_head, head_features, learn_from_few
from muybridge.training.fine_tuning import fine_tune, model_for
from muybridge.training.settings import TrainingSettings
from muybridge.training.splits import split_by_group
from muybridge.training.teach import read_examples, teach
from muybridge.training.videos import VideoItem, VideoList


def test_from_folder_to_classify(colored: Path, base: Path, tmp_path: Path) -> None:
    train, test = split_by_group(read_folder(colored), test_share=0.2)
    result = learn_from_few(train, tmp_path / "mine.safetensors", model=base)
    # Features of a random network, and 8 clips: one may be mistaken when it is left out.
    assert result.expected_top1 >= 0.85
    for item in test:
        prediction = classify(item.path, model=result.path)
        assert prediction.labels[0] == item.label
    record = weights_of(create_model("causal_tiny", weights=result.path))
    assert record is not None
    # What it learned from are whole pictures, one clip of each video.
    assert (record.closest_zoom, record.num_clips) == (1.0, 1)
    assert (record.labels, record.size_px) == (("green", "red"), 32)
    assert record.accuracy == {"top1": 100 * result.expected_top1}
    # Everything below the head is as it was.
    old = create_model("causal_tiny", weights=base).state_dict()
    new = result.model.state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old if not name.startswith("head."))


def test_the_head_is_the_minimum_of_its_loss() -> None:
    torch.manual_seed(0)
    features, targets = 3 * torch.randn(30, 4) + 1, torch.arange(30) % 3
    weight, bias = _fit_head(features, targets, 3, 0.1)
    # In the standardized features the gradient of loss and penalty must vanish.
    x = features.double()
    mean, std = x.mean(0), x.std(0, correction=0)
    w = (weight.double() * std).requires_grad_()
    b = (bias.double() + weight.double() @ mean).requires_grad_()
    loss = (
        functional.cross_entropy(functional.linear((x - mean) / std, w, b), targets)
        + 0.1 * w.square().sum() / 4
    )
    for gradient in torch.autograd.grad(loss, (w, b)):
        assert gradient.abs().max() < 1e-3


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("simple3d", {}, (2, 256)),
        ("r3d_18", {}, (2, 512)),
        (
            "vivit",
            {"num_frames": 4, "size_px": 32, "dim": 24, "depth": 1, "num_heads": 2, "mlp_dim": 48},
            (2, 24),
        ),
    ],
)
def test_features_of_any_model(name: str, options: dict[str, object], shape: tuple[int, int]) -> None:
    from muybridge.models.registry import model_entry

    model = create_model(name, num_classes=3, **options).eval()
    clips = torch.rand(2, 3, 4, 32, 32)
    assert head_features(model, str(model_entry(name).head), clips).shape == shape


def test_one_clip_of_each_class_is_learned_but_not_tested(colored: Path, base: Path, tmp_path: Path) -> None:
    videos = read_folder(colored)
    few = videos.with_items([videos.items[0], videos.items[-1]])
    result = learn_from_few(few, tmp_path / "m.safetensors", model=base, num_looks=1)
    assert result.expected_top1 is None
    with pytest.raises(DatasetError, match="have one clip"):
        split_by_group(few)


def test_what_cannot_be_taught(colored: Path, base: Path, tmp_path: Path) -> None:
    videos = read_folder(colored)
    one = VideoList(videos.items[:5], ("green",))
    with pytest.raises(DatasetError, match="only green; give at least two classes"):
        learn_from_few(one, tmp_path / "m.safetensors", model=base)
    with pytest.raises(OptionError, match=r"must end in \.safetensors"):
        learn_from_few(videos, tmp_path / "m.pt", model=base)
    with pytest.raises(WeightsError, match="no weights are published for causal_tiny"):
        learn_from_few(videos, tmp_path / "m.safetensors", model="causal_tiny")
    with pytest.raises(OptionError, match="say either --from"):
        teach(videos, tmp_path)
    with pytest.raises(OptionError, match="two_stream does not take clips"):
        model_for("two_stream", ("a", "b"))
    with pytest.raises(OptionError, match="must be trained: say for how many --epochs"):
        teach(videos, tmp_path, model="causal_tiny")


def test_fine_tuning_changes_all_layers_and_keeps_the_record(
    colored: Path, base: Path, tmp_path: Path
) -> None:
    train, test = split_by_group(read_folder(colored), test_share=0.2)
    settings = TrainingSettings(epochs=2, batch_size=4, learning_rate=3e-3)
    result = fine_tune(train, tmp_path / "run", model=base, validation=test, settings=settings, quiet=True)
    assert set(result.epochs[-1]) >= {"top1", "validation_loss"}
    record = weights_of(create_model("causal_tiny", weights=result.path))
    assert record is not None
    assert (record.closest_zoom, record.num_clips) == (1.0, 1)
    assert (record.labels, record.num_frames, record.source) == (
        ("green", "red"),
        4,
        "fine-tuned from causal_tiny/base",
    )
    old, new = create_model("causal_tiny", weights=base).state_dict(), result.model.state_dict()
    assert not torch.equal(old["stem.conv.weight"], new["stem.conv.weight"])
    assert len(classify(test.items[0].path, model=result.path).labels) == 2


def test_train_and_test_must_have_the_same_classes(colored: Path, base: Path, tmp_path: Path) -> None:
    videos = read_folder(colored)
    reds = VideoList(tuple(item for item in videos if item.label == "red"), ("red",))
    with pytest.raises(DatasetError, match="only in train: green"):
        fine_tune(videos, tmp_path, model=base, validation=reds)
    with pytest.warns(DatasetWarning, match="training and test share 10 groups"):
        read_examples(colored, test=colored)


def test_the_verbs(colored: Path, base: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    (tmp_path / "data" / "red").mkdir(parents=True)
    (tmp_path / "data" / "green").mkdir()
    for color in ("red", "green"):
        for file in (colored / color).iterdir():
            (tmp_path / "data" / color / file.name).symlink_to(file)
    arguments = [
        "train",
        "--data",
        str(tmp_path / "data"),
        "--from",
        str(base),
        "--output",
        str(tmp_path / "model"),
    ]
    done = run(app, [*arguments, "--test-share", "0.2", "--group", r"_(p\d)_", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["test"]["top1"][0] == 1.0
    assert document["test"]["num_videos"] == 2
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "model.safetensors",
        "evaluation.json",
        "confusion.csv",
        "confusion.png",
        "worst.png",
    }
    evaluated = run(app, ["evaluate", "--data", str(colored), "--model", document["path"], "--clips", "2"])
    assert evaluated.exit_code == 0, evaluated.output
    assert "   5 of 5    red" in evaluated.stdout
    assert "top1" in evaluated.stdout


def test_the_verb_trains_all_layers_and_resumes(colored: Path, base: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    arguments = ["train", "--data", str(colored), "--from", str(base), "--output", str(tmp_path / "model")]
    arguments += ["--epochs", "1", "--batch-size", "5", "--workers", "0", "--quiet"]
    done = run(app, arguments)
    assert done.exit_code == 0, done.output
    assert "taught 2 classes from 10 videos" in done.stdout
    assert "\nthe classes: green, red\n" in done.stdout
    assert "not tested: give --test" in done.stdout
    again = run(app, arguments)
    assert isinstance(again.exception, OptionError)
    assert "holds a run already; resume it (--resume, in Python resume=True)" in str(again.exception)
    assert run(app, [*arguments, "--resume"]).exit_code == 0
    changed = run(app, [*arguments, "--resume", "--learning-rate", "0.5"])
    assert "learning_rate was 0.001, is 0.5" in str(changed.exception)
    mirrored = run(app, [*arguments, "--resume", "--mirror", "red=green"])
    assert "mirror was {'green': 'green', 'red': 'red'}, is " in str(mirrored.exception)
    # The fit of the last layer must not overwrite the model that the run goes on from.
    model = (tmp_path / "model" / "model.safetensors").read_bytes()
    fitted = run(app, arguments[:7])
    assert "holds a run already" in str(fitted.exception)
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == model


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--resume"], "--resume: of no effect on the last layer"),
        (["--batch-size", "16", "--workers", "2"], "--batch-size, --workers: of no effect .* leave them out"),
        (
            ["--freeze", "stem", "--layer-decay", "0.7", "--learning-rate", "0.1"],
            "--learning-rate, --layer-decay",
        ),
        (["--test-share", "-0.2"], r"test_share is -0\.2; it must be above 0"),
    ],
)
def test_options_of_a_training_do_not_vanish(
    colored: Path, base: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    arguments = ["train", "--data", str(colored), "--from", str(base), "--output", str(tmp_path / "model")]
    done = CliRunner().invoke(app, [*arguments, *words])
    assert isinstance(done.exception, OptionError)
    assert re.search(message, str(done.exception))
    assert not (tmp_path / "model").exists()


def test_the_seed_reaches_the_last_layer(colored: Path, base: Path, tmp_path: Path) -> None:
    videos, cache = read_folder(colored), ClipCache(tmp_path / "cache")
    heads = []
    for number, seed in enumerate((0, 0, 1)):
        taught = teach(videos, tmp_path / str(number), start_from=base, cache=cache, seed=seed)
        heads.append(create_model("causal_tiny", weights=taught.path).state_dict()["head.weight"])
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


@pytest.mark.parametrize("epochs", [None, 1])
def test_an_output_that_is_a_file_is_refused_before_anything_is_read(
    base: Path, tmp_path: Path, epochs: int | None
) -> None:
    (tmp_path / "file").touch()
    videos = VideoList(
        (VideoItem(tmp_path / "none.mp4", "a"), VideoItem(tmp_path / "no.mp4", "b")), ("a", "b")
    )
    settings = None if epochs is None else TrainingSettings(epochs=epochs)
    with pytest.raises(OutputError, match=r"nothing can be written to .*; give another --output"):
        teach(videos, tmp_path / "file", start_from=base, settings=settings)
    with pytest.raises(OutputError, match="nothing can be written to"):
        learn_from_few(videos, tmp_path / "file" / "m.safetensors", model=base)


def test_the_part_of_the_data_that_is_called_test(colored: Path, tmp_path: Path) -> None:
    for color in ("red", "green"):
        for index, file in enumerate(sorted((colored / color).iterdir())):
            target = tmp_path / ("test" if index == 0 else "train") / color / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(file)
    train, test = read_examples(tmp_path)
    assert test is not None
    assert (len(train), len(test)) == (8, 2)
    (tmp_path / "test" / "blue").mkdir()
    (tmp_path / "test" / "blue" / "x.mp4").symlink_to(test.items[0].path)
    with pytest.raises(DatasetError, match="only in test: blue"):
        read_examples(tmp_path)


@pytest.mark.parametrize("of_training", ["Train", "", "train"])
def test_the_column_that_says_which_rows_are_the_test(tmp_path: Path, of_training: str) -> None:
    rows = [("a.mp4", "x", of_training), ("b.mp4", "y", "train" if of_training == "train" else "")]
    rows += [("c.mp4", "x", "Test"), ("d.mp4", "y", " test")]
    for name, _, _ in rows:
        (tmp_path / name).touch()
    lines = ["path,label,subset", *map(",".join, rows)]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    train, test = read_examples(tmp_path / "mine.csv")
    assert test is not None
    assert [item.path.name for item in train] == ["a.mp4", "b.mp4"]
    assert [item.path.name for item in test] == ["c.mp4", "d.mp4"]


def test_the_seed_decides_the_first_weights_and_the_callers_chance_goes_on(
    moving: Path, tmp_path: Path
) -> None:
    record = Weights("tiny", num_frames=4, frames_per_second=5.0, size_px=32, resize_px=36)
    videos = read_folder(moving)

    def run(name: str, *, seed: int, before: int) -> float:
        torch.manual_seed(before)
        settings = TrainingSettings(epochs=1, batch_size=12, seed=seed)
        result = fine_tune(
            videos, tmp_path / name, model="causal_tiny", record=record, settings=settings, quiet=True
        )
        return result.epochs[0]["train_loss"]

    assert run("one", seed=3, before=1) == run("again", seed=3, before=2)
    assert run("other", seed=4, before=1) != run("one more", seed=3, before=1)
    drawn: list[torch.Tensor] = []
    with pytest.MonkeyPatch.context() as patch:
        # What comes after the model is made seeds torch for each epoch, so look before.
        patch.setattr("muybridge.training.fine_tuning.Trainer", lambda *_, **__: drawn.append(torch.rand(1)))
        torch.manual_seed(1)
        with pytest.raises(AttributeError):
            fine_tune(videos, tmp_path / "never", model="causal_tiny", record=record)
    assert drawn == [torch.rand(1, generator=torch.Generator().manual_seed(1))]


def test_a_split_of_its_own_is_kept(tmp_path: Path) -> None:
    rows = [f"{label}{n}.mp4,{label},{'test' if n == 3 else 'train'}" for label in "xy" for n in range(4)]
    for row in (*rows, "other0.mp4,x", "other1.mp4,y"):
        (tmp_path / row.partition(",")[0]).touch()
    (tmp_path / "mine.csv").write_text("\n".join(["path,label,subset", *rows]))
    with pytest.raises(OptionError, match=r"a split of its own \(test, train\).*leave --test-share out"):
        read_examples(tmp_path / "mine.csv", test_share=0.25)
    (tmp_path / "other.csv").write_text("path,label\nother0.mp4,x\nother1.mp4,y\n")
    train, test = read_examples(tmp_path / "mine.csv", test=tmp_path / "other.csv")
    assert test is not None
    assert {item.path.name for item in test} == {"other0.mp4", "other1.mp4"}
    assert not any("3" in item.path.name for item in train)
    # Where all is called the same, nothing is split.
    (tmp_path / "mine.csv").write_text("\n".join(["path,label,subset", *rows]).replace("train", "test"))
    train, test = read_examples(tmp_path / "mine.csv", test_share=0.25)
    assert test is not None
    assert (len(train), len(test)) == (6, 2)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("train", "holdout"), "a split of its own with holdout, which may be to learn from or to test on"),
        (("", "eval"), "a split of its own with eval"),
        (("train", "test", "dev"), "a split of its own with dev"),
        (("test", "validation"), r"holds all of its videos back \(test, validation\)"),
    ],
)
@pytest.mark.parametrize("test_share", [0.0, 0.3])
def test_parts_that_may_be_held_back_are_not_learned_from(
    tmp_path: Path, parts: tuple[str, ...], message: str, test_share: float
) -> None:
    rows = [f"{label}{part}{n}.mp4,{label},{part}" for label in "xy" for part in parts for n in range(2)]
    for row in rows:
        (tmp_path / row.partition(",")[0]).touch()
    (tmp_path / "mine.csv").write_text("\n".join(["path,label,subset", *rows]))
    with pytest.raises(DatasetError, match=message):
        read_examples(tmp_path / "mine.csv", test_share=test_share)


def test_the_folder_of_videos_is_for_the_lists(tmp_path: Path) -> None:
    for name in ("classes/x/1.mp4", "classes/y/2.mp4", "videos/3.mp4", "videos/4.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "mine.csv").write_text("path,label\n3.mp4,x\n4.mp4,y\n")
    one, other, videos = tmp_path / "classes", tmp_path / "mine.csv", tmp_path / "videos"
    for data, test in ((one, other), (other, one)):
        learned, tested = read_examples(data, test=test, folder=videos)
        assert tested is not None
        assert learned.counts == tested.counts == {"x": 1, "y": 1}
    with pytest.raises(OptionError, match=r"--videos .* has no effect"):
        read_examples(one, test=one, folder=videos)


def test_a_split_by_groups_tests_every_class(tmp_path: Path) -> None:
    rows = [f"{label}{n}.mp4,{label},{label}{n % 2}" for label in ("wave", "clap") for n in range(4)]
    for row in rows:
        (tmp_path / row.partition(",")[0]).touch()
    (tmp_path / "mine.csv").write_text("\n".join(["path,label,group", *rows]))
    train, test = read_examples(tmp_path / "mine.csv", test_share=0.2)
    assert test is not None
    assert train.counts == test.counts == {"clap": 2, "wave": 2}


def test_items_know_their_names() -> None:
    assert VideoItem(Path("a.mp4"), "x", end_seconds=2.0).name == "a.mp4 (0.00 s to 2.00 s)"


def test_analyze_takes_the_model_too(colored: Path, base: Path, tmp_path: Path) -> None:
    from muybridge.pipeline.analyze import analyze, default_observers

    model = learn_from_few(read_folder(colored), tmp_path / "m.safetensors", model=base, num_looks=1).path
    observers = default_observers(without=["text", "motion"], actions_model=model)
    video = next((colored / "red").iterdir())
    timeline = analyze(video, observers=observers, use_cache=False)
    assert timeline.of("shot")
    assert {segment.label for segment in timeline.of("action")} <= {"red", "green"}
    assert "actionness" in [signal.name for signal in timeline.signals]
