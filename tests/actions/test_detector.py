"""Detection with a model that tells which of two squares moves: labels, times, cuts, long runs, resuming, bad input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import muybridge
from muybridge.actions.detection_rule import DetectionRule
from muybridge.actions.detector import ActionsObserver, detect_actions
from muybridge.actions.stream_prediction import StreamPrediction
from muybridge.errors import OptionError, ShapeError, VideoOpenError, WeightsError
from muybridge.models.weights import Weights, set_weights
from muybridge.pipeline.analyze import analyze, default_observers
from muybridge.pipeline.encoding import decode, encode
from muybridge.values import Frame, Segment, VideoMetadata
from muybridge.video.writer import VideoWriter

LABELS = ("red moves", "green moves", "none of these")
RATE = 15


class WhichMoves(nn.Module):
    """Logits from how much each color channel changes from frame to frame."""

    def forward(self, clip: Tensor) -> Tensor:
        change = (clip[:, :, 1:] - clip[:, :, :-1]).abs().mean(dim=(2, 3, 4))
        return torch.stack([change[:, 0], change[:, 1], torch.full_like(change[:, 0], 0.005)], dim=1) * 300


def model(*, frames_per_second: float | None = 8.0, stride: int = 1) -> nn.Module:
    module = WhichMoves().eval()
    rate = {"frames_per_second": frames_per_second, "stride": stride}
    set_weights(
        module, Weights("squares", labels=LABELS, num_frames=8, size_px=48, resize_px=(48, 64), **rate)
    )
    return module


def room(red: float, green: float, *, scene: int = 0) -> np.ndarray:
    """A textured room with two squares at places in [0, 1]."""
    pixels = (
        np.random.default_rng(scene)
        .integers(40, 90, (6, 8, 1), np.uint8)
        .repeat(8, 0)
        .repeat(8, 1)
        .repeat(3, 2)
    )
    for channel, place, top in ((0, red, 8), (1, green, 28)):
        left = int(4 + 44 * place)
        pixels[top : top + 12, left : left + 12] = 0
        pixels[top : top + 12, left : left + 12, channel] = 250
    return pixels


def play(*parts: tuple[str, float]) -> list[Frame]:
    """Frames of "red", "green" and "rest", each for so many seconds; "cut" begins another scene."""
    frames: list[Frame] = []
    places, scene = {"red": 0.0, "green": 0.0}, 0
    for what, seconds in parts:
        scene += what == "cut"
        for _ in range(round(seconds * RATE)):
            if what in places:
                number = len(frames)
                places[what] = 0.5 + 0.45 * np.sin(number / 2)
            pixels = room(places["red"], places["green"], scene=scene)
            frames.append(Frame(pixels, len(frames) / RATE, 1 / RATE, len(frames)))
    return frames


def watch(observer: ActionsObserver, frames: list[Frame]) -> list[Segment]:
    observer.start(VideoMetadata("squares"))
    found = [finding for frame in frames for finding in observer.observe(frame)]
    found += observer.finish(frames[-1].pts_seconds + frames[-1].duration_seconds)
    return [finding for finding in found if isinstance(finding, Segment)]


def rows(segments: list[Segment]) -> list[tuple[str, float, float]]:
    return [(s.label, round(s.start_seconds, 1), round(s.end_seconds, 1)) for s in segments]


def near(segments: list[Segment], expected: list[tuple[str, float, float]], *, within: float = 0.15) -> None:
    assert [s.label for s in segments] == [label for label, _, _ in expected], rows(segments)
    for segment, (_, start, end) in zip(segments, expected, strict=True):
        assert segment.start_seconds == pytest.approx(start, abs=within), rows(segments)
        assert segment.end_seconds == pytest.approx(end, abs=within), rows(segments)


FILM = play(("rest", 1.0), ("red", 1.6), ("rest", 1.5), ("green", 1.2), ("rest", 1.0))
TRUTH = [("red moves", 1.0, 2.6), ("green moves", 4.1, 5.3)]


def test_finds_what_moves_and_when() -> None:
    segments = watch(ActionsObserver(model()), FILM)
    near(segments, TRUTH)
    first = segments[0]
    assert first.kind == "action"
    assert first.score is not None
    assert first.score > 0.8
    assert 0.5 < first.attributes["actionness"] < 1
    assert first.attributes["latency_seconds"] == pytest.approx(1.6 + 0.5, abs=0.2)
    assert first.attributes["alternatives"][0][0] in LABELS


def test_where_nothing_moves_nothing_is_done_and_nothing_is_computed() -> None:
    observer = ActionsObserver(model())
    pushed = []
    observer.classifier.push = lambda frame: pushed.append(frame)  # type: ignore[method-assign, assignment]
    assert watch(observer, play(("rest", 6.0))) == []
    assert pushed == []


def test_a_jerk_is_no_action() -> None:
    assert watch(ActionsObserver(model()), play(("rest", 1.0), ("red", 0.15), ("rest", 1.5))) == []


@pytest.mark.parametrize("stride", [1, 6, 32])
def test_weights_that_tell_no_rate_find_what_is_shorter_than_their_window(stride: int) -> None:
    # At 15 frames a second, eight frames of stride 6 take 3.2 s, and of stride 32 17 s.
    near(watch(ActionsObserver(model(frames_per_second=None, stride=stride)), FILM), TRUTH)


def test_a_window_of_every_fourth_frame_is_one_evidence() -> None:
    # Half a window of green, 0.7 of 1.28 s, is not worth two changes of the label.
    frames = play(("rest", 1.0), ("red", 4.0), ("green", 1.2), ("red", 4.0), ("rest", 1.5))
    frames = [Frame(frame.pixels, index / 25, 1 / 25, index) for index, frame in enumerate(frames)]
    told = watch(ActionsObserver(model(frames_per_second=25.0, stride=4)), frames)
    counted = watch(ActionsObserver(model(frames_per_second=None, stride=4)), frames)
    assert len(told) == 1
    near(counted, rows(told))


def test_a_long_run_is_parted_where_its_scores_change() -> None:
    frames = play(("rest", 0.5), ("red", 6.0), ("green", 5.0), ("rest", 1.0))
    segments = watch(ActionsObserver(model()), frames)
    near(segments, [("red moves", 0.5, 6.5), ("green moves", 6.5, 11.5)], within=0.5)


def test_memory_does_not_grow_with_a_run() -> None:
    observer = ActionsObserver(model())
    observer.start(VideoMetadata("squares"))
    sizes = []
    for frame in play(("rest", 0.5), ("red", 20.0)):
        list(observer.observe(frame))
        held = len(observer._shown) + len(observer._recent) + len(observer._chunk)
        sizes.append(held + (len(observer._run.predictions) if observer._run else 0))
    assert max(sizes) <= max(sizes[: 6 * RATE]) + 1


def test_a_cut_parts_scenes_but_not_an_action() -> None:
    # The same label on both sides of a cut is one action; what stood before the cut is not dragged along.
    segments = watch(ActionsObserver(model()), play(("red", 1.5), ("cut", 0.1), ("red", 1.5), ("rest", 1.0)))
    near(segments, [("red moves", 0.0, 3.1)], within=0.3)
    segments = watch(
        ActionsObserver(model()), play(("red", 1.5), ("cut", 0.1), ("green", 1.5), ("rest", 1.0))
    )
    near(segments, [("red moves", 0.0, 1.5), ("green moves", 1.6, 3.1)], within=0.3)


def watch_in_two_goes(
    first: ActionsObserver, second: ActionsObserver, frames: list[Frame], stop: int
) -> list[Segment]:
    first.start(VideoMetadata("squares"))
    found = [finding for frame in frames[:stop] for finding in first.observe(frame)]
    second.start(VideoMetadata("squares"))
    second.restore(decode(encode(dict(first.state()))))
    found += [finding for frame in frames[stop:] for finding in second.observe(frame)]
    found += second.finish(frames[-1].pts_seconds + frames[-1].duration_seconds)
    return [finding for finding in found if isinstance(finding, Segment)]


def dicts(segments: list[Segment]) -> list[dict[str, Any]]:
    return [segment.to_dict() for segment in segments]


@pytest.mark.parametrize("stop", [20, 33, 60, 75])
def test_goes_on_where_it_was_stopped(stop: int) -> None:
    found = watch_in_two_goes(ActionsObserver(model()), ActionsObserver(model()), FILM, stop)
    assert dicts(found) == dicts(watch(ActionsObserver(model()), FILM))


LONG_FILM = play(("rest", 0.5), ("red", 5.0), ("green", 4.0), ("rest", 1.0))


def test_a_long_run_goes_on_where_it_was_stopped() -> None:
    found = watch_in_two_goes(ActionsObserver(model()), ActionsObserver(model()), LONG_FILM, 100)
    assert dicts(found) == dicts(watch(ActionsObserver(model()), LONG_FILM))


@pytest.mark.parametrize(("stride", "stop"), [(2, 60), (2, 100), (3, 121), (4, 77)])
def test_weights_that_tell_no_rate_go_on_where_they_were_stopped(stride: int, stop: int) -> None:
    def observer() -> ActionsObserver:
        rule = DetectionRule(max_single_seconds=1.0, switch_cost=0.5)  # so that every prediction counts
        return ActionsObserver(model(frames_per_second=None, stride=stride), rule=rule)

    whole = watch(observer(), LONG_FILM)
    assert {s.label for s in whole} == {"red moves", "green moves"}
    assert dicts(watch_in_two_goes(observer(), observer(), LONG_FILM, stop)) == dicts(whole)


@pytest.mark.parametrize("stop", [60, 93, 101, 120])
def test_goes_on_after_a_hole_in_the_times(stop: int) -> None:
    # The window begins anew after the hole; a restored run predicts at the frames of that window.
    frames = [Frame(f.pixels, f.pts_seconds + 3.0 * (f.index > 57), 1 / RATE, f.index) for f in LONG_FILM]

    def observer() -> ActionsObserver:
        # A run that goes on through the hole.
        rule = DetectionRule(max_single_seconds=1.0, rest_seconds=4.0)
        return ActionsObserver(model(frames_per_second=None), rule=rule, stride=5)

    whole = watch(observer(), frames)
    assert [segment.label for segment in whole] == ["red moves", "green moves"]
    assert dicts(watch_in_two_goes(observer(), observer(), frames, stop)) == dicts(whole)


# Five frames a second, of which the weights' eight slots show each once or twice.
SLOW_FILM = [Frame(f.pixels, i / 5, 1 / 5, i) for i, f in enumerate(LONG_FILM[::3])]


def test_windows_of_a_slow_source_last_as_long_as_in_training() -> None:
    observer, lengths = ActionsObserver(model()), []
    push = observer.classifier.push

    def measured(frame: Frame) -> StreamPrediction | None:
        found = push(frame)
        lengths.extend([] if found is None else [found.end_seconds - found.start_seconds])
        return found

    observer.classifier.push = measured  # type: ignore[method-assign, assignment]
    near(watch(observer, SLOW_FILM), [("red moves", 0.5, 5.5), ("green moves", 5.5, 9.5)], within=0.5)
    assert len(lengths) > 20
    # Eight frames of eight a second; where a frame comes late in its slot, what stays before it is as late.
    assert 7 / 8 - 1 / 8 < min(lengths) <= max(lengths) < 7 / 8 + 1 / 8


@pytest.mark.parametrize(("stride", "stop"), [(1, 12), (2, 20), (3, 27), (3, 41), (5, 44)])
def test_a_slow_source_goes_on_where_it_was_stopped(stride: int, stop: int) -> None:
    def observer() -> ActionsObserver:
        rule = DetectionRule(max_single_seconds=1.0, switch_cost=0.5)  # so that every prediction counts
        return ActionsObserver(model(), rule=rule, stride=stride)

    whole = watch(observer(), SLOW_FILM)
    assert {s.label for s in whole} == {"red moves", "green moves"}
    assert dicts(watch_in_two_goes(observer(), observer(), SLOW_FILM, stop)) == dicts(whole)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detector") / "squares.mp4"
    with VideoWriter(path, width=64, height=48, frames_per_second=RATE) as writer:
        for frame in FILM:
            writer.write(frame.pixels)
    return path


def test_a_file_and_the_analysis_give_the_same(film: Path) -> None:
    done: list[tuple[float, float]] = []
    segments = detect_actions(film, model=model(), progress=lambda now, end: done.append((now, end)))
    near(segments, TRUTH, within=0.2)
    assert done[-1][0] == pytest.approx(done[-1][1])
    timeline = analyze(film, observers=[ActionsObserver(model())])
    # Which observer converts a picture first may change a gray level here and there, not what is found.
    assert rows(timeline.of("action")) == rows(segments)
    signal = timeline.signal("actionness")
    assert signal is not None
    assert len(signal) == len(FILM) - 1
    assert muybridge.detect_actions is detect_actions


def test_analyze_looks_for_actions_where_weights_are_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    def names(**options: Any) -> list[str]:
        return [observer.name for observer in default_observers(**options)]

    monkeypatch.setattr("muybridge.models.available.available_weights", lambda: [])
    assert "actions" not in names()
    assert names(without=["actions"]) == names()
    monkeypatch.setattr("muybridge.models.available.available_weights", lambda: [("squares", None)])
    monkeypatch.setattr(
        "muybridge.actions.detection_input.load_classifier_model", lambda *_, **__: ("squares", model())
    )
    assert names() == ["scenes", "motion", "text", "actions"]
    assert "actions" not in names(without=["actions"])


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(VideoOpenError):
        detect_actions(tmp_path / "missing.mp4", model=model())
    with pytest.raises(WeightsError, match="labels"):
        ActionsObserver(WhichMoves())
    observer = ActionsObserver(model())
    observer.start(VideoMetadata("gray"))
    with pytest.raises(ShapeError, match="H, W, 3"):
        observer.observe(Frame(np.zeros((48, 64), np.uint8), 0.0))


@pytest.mark.parametrize(
    "options",
    [{"on_actionness": 1.5}, {"off_actionness": 0.9}, {"min_score": float("nan")}, {"rest_seconds": -1},
     {"max_single_seconds": float("inf")}],
)  # fmt: skip
def test_rules_that_cannot_be_kept(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        DetectionRule(**options)


def test_an_empty_source_has_no_actions() -> None:
    observer = ActionsObserver(model())
    observer.start(VideoMetadata("nothing"))
    assert observer.finish(0.0) == []
