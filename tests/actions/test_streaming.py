"""A window over a stream: what is kept equals what is computed anew, and a stream equals its file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from muybridge.actions.events import EventRule
from muybridge.actions.scorers import CausalScorer, FrameRing, MomentScorer, WindowScorer, make_scorer
from muybridge.actions.stream_prediction import PredictionEvents, StreamPrediction
from muybridge.actions.streaming import StreamingClassifier
from muybridge.errors import OptionError, ShapeError, WeightsError
from muybridge.models.causal import CausalNet
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.registry import create_model
from muybridge.models.weights import Weights, set_weights
from muybridge.observer import Observer, View
from muybridge.pipeline.passes import watch
from muybridge.values import Frame
from muybridge.video.reader import open_video
from muybridge.video.transforms import to_model_tensor
from muybridge.video.writer import VideoWriter

PLAIN = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def noise(num_frames: int, size_px: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (num_frames, size_px, size_px, 3), np.uint8)


def model(name: str, **options: object) -> nn.Module:
    torch.manual_seed(1)
    net = create_model(name, num_classes=5, **options)
    with torch.no_grad():
        for module in net.modules():  # statistics of a trained net, so that folding them has something to do
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    return net.eval()


def small_vivit(num_frames: int = 8) -> nn.Module:
    options = {"size_px": 32, "dim": 24, "depth": 2, "num_heads": 2, "mlp_dim": 48, "temporal_depth": 2}
    return model("vivit", attention="factorized_encoder", num_frames=num_frames, **options)


def pushed(scorer: object, frames: NDArray[np.uint8], window: int, stride: int) -> NDArray[np.float64]:
    rows = []
    for count, frame in enumerate(frames, start=1):
        scorer.push(frame)  # type: ignore[attr-defined]
        if count >= window and (count - window) % stride == 0:
            rows.append(scorer.scores())  # type: ignore[attr-defined]
    return np.array(rows)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 11])
@pytest.mark.parametrize("net", [small_vivit, lambda: model("frame_encoder", head="gru", width=8)])
def test_moments_that_are_kept_equal_the_window_computed_anew(net: object, stride: int) -> None:
    network, frames = net(), noise(30)  # type: ignore[operator]
    options = {"window_size": 8, "stride": stride, "normalization": PLAIN}
    kept = make_scorer(network, **options)
    anew = make_scorer(network, **options, recompute=True)
    assert isinstance(kept, MomentScorer)
    assert not isinstance(anew, MomentScorer)
    first, second = pushed(kept, frames, 8, stride), pushed(anew, frames, 8, stride)
    assert first.shape == ((30 - 8) // stride + 1, 5)
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_each_moment_is_encoded_once() -> None:
    frames = noise(40)
    for stride, encoded in ((1, 3 + 33 + 1), (2, 4 + 16), (4, 4 + 2 * 8)):
        scorer = make_scorer(small_vivit(), window_size=8, stride=stride, normalization=PLAIN)
        pushed(scorer, frames, 8, stride)
        # At stride 1 the even and the odd tubelets: 4 for the first window, 4 for the second, then one per frame.
        assert scorer.num_encoded == (8 + 31 if stride == 1 else encoded)  # type: ignore[attr-defined]
        assert len(scorer._moments) <= 8  # type: ignore[attr-defined]


def looks_back(net: CausalNet) -> int:
    """Frames before its window that a causal network's answer depends on: each convolution two, the difference one."""
    return sum(block.time.kernel_size - 1 for block in net.blocks) + 1  # type: ignore[union-attr,misc]


@pytest.mark.parametrize(
    ("name", "stride"), [("causal_tiny", 3), ("causal_shift_small", 4), ("causal_small", 1)]
)
def test_a_causal_network_equals_the_window_with_what_it_looks_back_to(name: str, stride: int) -> None:
    net, frames, window = model(name), noise(40), 8
    assert isinstance(net, CausalNet)
    scorer = make_scorer(net, window_size=window, stride=stride, normalization=PLAIN)
    assert isinstance(scorer, CausalScorer)
    found = pushed(scorer, frames, window, stride)
    net.memory_frames = window
    clip = to_model_tensor(frames, mean=PLAIN[0], std=PLAIN[1])[None]
    with torch.no_grad():
        whole = net.frame_logits(clip)[0].softmax(-1).numpy()
        np.testing.assert_allclose(found, whole[window - 1 :: stride], atol=1e-5)
        if name != "causal_shift_small":
            for number in range(len(found))[-2:]:
                end = window + number * stride
                recomputed = net(clip[:, :, end - window - looks_back(net) : end])[0].softmax(-1).numpy()
                np.testing.assert_allclose(found[number], recomputed, atol=1e-5)


def test_every_kind_of_model_runs_on_a_stream() -> None:
    frames = noise(6)
    for name in ("simple3d", "factorized3d", "causal_tiny", "frame_encoder"):
        net = model(name)
        classifier = StreamingClassifier(net, window_size=4, stride=2)
        found = [p for p in map(classifier.push, frames) if p]
        assert [p.index for p in found] == [3, 5]
        clip = torch.from_numpy(frames[:4]).permute(3, 0, 1, 2)[None] / 255
        with torch.no_grad():
            np.testing.assert_allclose(found[0].scores, net(clip)[0].softmax(0).numpy(), atol=1e-5)
        assert found[0].labels[0] == "class 0"


def test_any_function_of_a_clip() -> None:
    shapes = []

    def function(clip: torch.Tensor) -> list[float]:
        shapes.append((tuple(clip.shape), clip.dtype))
        return [float(clip[0, :, t].mean()) for t in range(3)]

    classifier = StreamingClassifier(function, window_size=3, stride=1, outputs="probabilities")
    found = [classifier.push(np.full((4, 6, 3), 51 * level, np.uint8)) for level in range(5)]
    assert found[:2] == [None, None]
    np.testing.assert_allclose(
        [p.scores for p in found[2:] if p], [[0, 0.2, 0.4], [0.2, 0.4, 0.6], [0.4, 0.6, 0.8]]
    )
    assert shapes == [((1, 3, 3, 4, 6), torch.float32)] * 3


@pytest.fixture
def clip30(tmp_path: Path) -> Path:
    """Two seconds of noise at 30 frames per second, 72×54 pixels."""
    with VideoWriter(tmp_path / "clip.mp4", width=72, height=54, frames_per_second=30) as writer:
        for frame in np.random.default_rng(3).integers(0, 256, (60, 54, 72, 3), np.uint8):
            writer.write(frame)
    return tmp_path / "clip.mp4"


def trained(rate: float | None, stride: int = 1) -> nn.Module:
    net = model("factorized3d")
    labels = ("a", "b", "c", "d", "none of these")
    record = Weights(
        "mine", labels=labels, num_frames=4, size_px=32, resize_px=40, frames_per_second=rate, stride=stride
    )
    set_weights(net, record)
    return net


@pytest.mark.parametrize(("rate", "every"), [(None, 1), (30.0, 1), (15.0, 2), (10.0, 3)])
def test_a_stream_equals_its_file_read_whole(clip30: Path, rate: float | None, every: int) -> None:
    net = trained(rate)
    classifier = StreamingClassifier(net, stride=2)
    assert classifier.window_size == 4
    with open_video(clip30) as video:
        by_push = [p for frame in video if (p := classifier.push(frame))]
        classifier.reset()
        by_view = [p for frame in video.frames(classifier.view) if (p := classifier.push(frame))]
        whole = np.stack([frame.pixels for frame in video.frames(View(short_side_px=40))])
    taken = whole[::every, 4:36, (whole.shape[2] - 32) // 2 :][:, :, :32]
    windows = [taken[start : start + 4] for start in range(0, len(taken) - 3, 2)]
    with torch.no_grad():
        clips = to_model_tensor(windows, mean=PLAIN[0], std=PLAIN[1])
        expected = net(clips).softmax(1).numpy()
    for found in (by_push, by_view):
        assert len(found) == len(windows)
        np.testing.assert_allclose([p.scores for p in found], expected, atol=1e-5)
        assert found[0].start_seconds == 0.0
        assert found[0].end_seconds == pytest.approx(3 * every / 30, abs=1e-3)
        assert found[1].index == found[0].index + 2 * every


def test_a_stride_without_a_rate_counts_frames_of_the_source_even_where_some_are_lost() -> None:
    classifier = StreamingClassifier(trained(None, stride=2), stride=1)
    pixels = noise(1, 40)[0]
    kept = [i for i in range(24) if i not in (5, 6, 7, 13)]
    found = [p for i in kept if (p := classifier.push(Frame(pixels, i / 30, index=i)))]
    # Slots of two frames: 0, 2, 4, (6, 7 lost), 8, 10, 12, 14, …
    assert [p.index for p in found] == [8, 10, 12, 14, 16, 18, 20, 22]


def levels(clip: torch.Tensor) -> list[float]:
    """The gray levels of a clip's frames."""
    return (255 * clip[0, :, :, 0, 0].mean(dim=0)).round().tolist()


def of_levels(**options: Any) -> StreamingClassifier:
    return StreamingClassifier(levels, outputs="probabilities", **options)


def gray(level: int, seconds: float, index: int) -> Frame:
    return Frame(np.full((4, 4, 3), level, np.uint8), seconds, index=index)


def windows(classifier: StreamingClassifier, frames: Iterable[Frame]) -> list[tuple[float, list[float]]]:
    return [(p.end_seconds, p.scores.tolist()) for frame in frames if (p := classifier.push(frame))]


def test_frames_of_a_slow_source_are_seen_as_long_as_they_are_shown() -> None:
    # Two frames a second, at the weights' four: 0 0 1 1 2 2 …; windows of a second end with the slots 3, 5, 7, ….
    classifier = of_levels(window_size=4, stride=2, frames_per_second=4.0)
    frames = [gray(i, 7.0 + i / 2, i) for i in range(5)]
    assert windows(classifier, frames) == [(7.75, [0, 0, 1, 1]), (8.25, [1, 1, 2, 2]), (8.75, [2, 2, 3, 3])]
    # Of 2.5 frames a second some are shown in two slots and some in one: slots 0, 1, 3, 4, 6, 8.
    uneven = of_levels(window_size=9, stride=1, frames_per_second=4.0)
    assert windows(uneven, [gray(i, i / 2.5, i) for i in range(6)]) == [(2.0, [0, 1, 1, 2, 3, 3, 4, 4, 5])]


@pytest.mark.parametrize("net", [small_vivit, lambda: model("causal_tiny"), lambda: model("simple3d")])
def test_a_slow_source_gives_what_its_pictures_repeated_at_the_rate_give(net: Any) -> None:
    pictures = noise(14, seed=5)
    for rate, every in ((4, 1), (2, 1), (1, 2)):  # of two predictions that one frame brings, the later one
        slow, full = (StreamingClassifier(net(), window_size=8, frames_per_second=8.0) for _ in range(2))
        found = [p for i, x in enumerate(pictures) if (p := slow.push(Frame(x, i / rate, index=i)))]
        shown = [Frame(pictures[i * rate // 8], i / 8, index=i) for i in range(len(pictures) * 8 // rate)]
        last = (len(pictures) - 1) / rate
        expected = [p for frame in shown if (p := full.push(frame)) and p.end_seconds <= last][::every]
        spans = [(p.start_seconds, p.end_seconds, p.is_first) for p in found]
        assert spans == [(p.start_seconds, p.end_seconds, p.is_first) for p in expected]
        np.testing.assert_allclose([p.scores for p in found], [p.scores for p in expected], atol=1e-5)


def test_what_was_dropped_is_not_made_up() -> None:
    # A camera of 16 frames a second gives one for each slot; a machine that is too slow for its model drops some.
    fast = of_levels(window_size=4, stride=1, frames_per_second=8.0)
    kept = [gray(i, i / 16, i) for i in range(20) if not 4 <= i < 12]
    assert windows(fast, kept)[0] == (14 / 16, [0, 2, 12, 14])
    # Of 4 frames a second each takes two slots. One is dropped: of its two, one is filled.
    slow = of_levels(window_size=6, stride=1, frames_per_second=8.0)
    assert windows(slow, [gray(i, i / 4, i) for i in (0, 1, 3)]) == [(3 / 4, [0, 0, 1, 1, 1, 3])]


def test_a_frame_that_stays_for_long_costs_no_more_than_a_window() -> None:
    classifier, seen = of_levels(window_size=4, stride=1, frames_per_second=8.0), []
    push = classifier._scorer.push
    classifier._scorer.push = lambda pixels: (seen.append(int(pixels[0, 0, 0])), push(pixels))[1]  # type: ignore[method-assign]
    found = windows(classifier, [gray(i, 3600.0 * i, i) for i in range(3)])
    assert seen == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2]
    assert found == [(3600.0, [0, 0, 0, 1]), (7200.0, [1, 1, 1, 2])]


def test_an_event_is_known_when_the_frame_came_that_brought_it() -> None:
    def lit(clip: torch.Tensor) -> list[float]:
        return [float(clip.mean())]

    watcher = StreamingClassifier(
        lit, window_size=4, stride=4, labels=["on"], outputs="probabilities", frames_per_second=4.0
    )
    found = [event for i in range(4) for event in watcher.see(gray(255, float(i), i))[1]]
    # The window of slots 0 to 3 ends at 0.75 s, but only the frame of second 1 shows that the first one stayed.
    assert [(e.start_seconds, e.latency_seconds) for e in found] == [(0.0, 1.0)]


def test_a_source_that_ends_before_its_first_window_is_full_stands_still() -> None:
    classifier = of_levels(window_size=5, stride=1, frames_per_second=5)
    frames = [Frame(np.full((4, 4, 3), 10 * i, np.uint8), i / 10, index=i) for i in range(20)]
    # Every other frame of ten a second is taken; the last one stands still, though none of those.
    assert [classifier.push(frame) for frame in frames[:4]] == [None] * 4
    assert (classifier.num_taken, classifier.newest_seconds) == (2, 0.2)
    found = classifier.hold(frames[3])
    assert found is not None
    assert found.scores.tolist() == [0, 20, 30, 30, 30]
    assert (found.start_seconds, found.end_seconds, found.index) == (0.0, 0.3, 3)
    assert classifier.hold(frames[3]) is None  # the window is full by now
    classifier.reset()
    assert (classifier.num_taken, classifier.newest_seconds) == (0, None)


def test_it_is_an_observer_and_gives_segments(clip30: Path) -> None:
    def flash(clip: torch.Tensor) -> list[float]:
        bright = float(clip.mean() > 0.5)
        return [bright, 1 - bright]

    path = clip30.parent / "flash.mp4"
    with VideoWriter(path, width=64, height=48, frames_per_second=10) as writer:
        for index in range(60):
            writer.write(np.full((48, 64, 3), 250 if 20 <= index < 40 else 20, np.uint8))
    classifier = StreamingClassifier(
        flash,
        window_size=5,
        stride=1,
        labels=["flash", "dark"],
        outputs="probabilities",
        ignored=["dark"],
        rule=EventRule(min_duration_seconds=0.5),
    )
    assert isinstance(classifier, Observer)
    with open_video(path) as video:
        first = watch(video.pictures(), [classifier], video.metadata)
        again = watch(video.pictures(), [classifier], video.metadata)
    (segment,) = first
    assert segment.kind == "action"
    assert segment.label == "flash"
    # Times are those of the windows' middles, so they lie on the truth within a frame.
    assert segment.start_seconds == pytest.approx(2.0, abs=0.1 + 1e-6)
    assert segment.end_seconds == pytest.approx(4.0, abs=0.1 + 1e-6)
    assert 0.4 < segment.attributes["latency_seconds"] < 1.0
    assert [s.to_dict() for s in again] == [s.to_dict() for s in first]


def test_a_gap_begins_the_window_anew() -> None:
    classifier = StreamingClassifier(lambda clip: [1.0], window_size=3, stride=1, outputs="probabilities")
    pixels = noise(1)[0]
    times = [0.0, 0.1, 0.2, 0.3, 10.0, 10.1, 10.2, 10.3]
    found = [(p.end_seconds, p.is_first) for t in times if (p := classifier.push(pixels, pts_seconds=t))]
    assert found == [(0.2, True), (0.3, False), (10.2, True), (10.3, False)]
    slow = StreamingClassifier(lambda clip: [1.0], window_size=3, stride=1, outputs="probabilities")
    assert [bool(slow.push(pixels, pts_seconds=10.0 * i)) for i in range(4)] == [False, False, True, True]


def test_a_source_that_slows_down_is_seen_on() -> None:
    classifier = StreamingClassifier(lambda clip: [1.0], window_size=3, stride=1, outputs="probabilities")
    pixels = noise(1)[0]
    times = [0.1 * i for i in range(10)] + [3.5 * i for i in range(1, 6)]
    found = [(p.start_seconds, p.is_first) for t in times if (p := classifier.push(pixels, pts_seconds=t))]
    # The first long step is a gap; the next shows that it is now the usual one.
    assert found[8:] == [(3.5, True), (7.0, False), (10.5, False)]


def test_events_across_a_gap_end_where_the_frames_ended() -> None:
    events = PredictionEvents(("a",))

    def see(
        start: float, end: float, score: float, is_first: bool = False
    ) -> list[tuple[float, float, bool]]:
        found = events.see(StreamPrediction(("a",), np.array([score]), start, end, 0, is_first))
        return [(e.start_seconds, e.end_seconds, e.is_over) for e in found]

    assert see(0.0, 1.0, 0.9, is_first=True) == [(0.0, 0.5, False)]
    assert see(0.5, 1.5, 0.9) == []
    assert see(20.0, 21.0, 0.9, is_first=True) == [(0.0, 1.5, True), (20.0, 20.5, False)]
    assert [(e.start_seconds, e.end_seconds) for e in events.finish()] == [(20.0, 21.0)]


@pytest.mark.parametrize(
    ("window", "stride", "start", "end"),
    [
        # Frames 100 to 149 of ten a second are on. Windows end every 40th frame: their middles lie at 8.15, 12.15 and
        # 16.15 s, and the one at 12.15 alone is on.
        (4, 40, 10.15, 14.15),
        # At 8.15, 10.15, 12.15, 14.15 and 16.15 s.
        (4, 20, 9.15, 15.15),
        # At 9.95, 10.15, …, 14.75, 14.95: half on, on, …, on, half on; half on is below the threshold of 0.6 to begin,
        # and above that of 0.4 to end.
        (4, 2, 10.05, 15.05),
    ],
)
def test_events_begin_and_end_halfway_between_the_windows(
    window: int, stride: int, start: float, end: float
) -> None:
    def lit(clip: torch.Tensor) -> list[float]:
        return [float(clip.mean()), 1 - float(clip.mean())]

    watcher = StreamingClassifier(
        lit, window_size=window, stride=stride, labels=["on", "off"], ignored=["off"], outputs="probabilities"
    )
    pixels = {is_on: np.full((4, 4, 3), 255 * is_on, np.uint8) for is_on in (False, True)}
    moments = [Frame(pixels[100 <= i < 150], i / 10, index=i) for i in range(240)]
    found = [event for moment in moments for event in watcher.see(moment)[1]] + watcher.end()
    (event,) = [event for event in found if event.is_over]
    assert (event.start_seconds, event.end_seconds) == pytest.approx((start, end))


def test_halfway_holds_from_the_second_window_on_and_through_a_saved_state() -> None:
    events = PredictionEvents(("a",))
    found = []
    for start, score in ((0.0, 0.9), (4.0, 0.1), (8.0, 0.9), (12.0, 0.1)):
        window = StreamPrediction(("a",), np.array([score]), start, start + 1.0, 0, is_first=start == 0)
        found += [(e.start_seconds, e.end_seconds) for e in events.see(window) if e.is_over]
        saved, events = events.state(), PredictionEvents(("a",))
        events.restore(saved)
    # Middles lie at 0.5, 4.5, 8.5 and 12.5 s.
    assert found == [(0.0, 2.5), (6.5, 10.5)]


def test_reset_is_a_new_classifier() -> None:
    frames = noise(20, seed=4)
    for net in (model("causal_tiny"), small_vivit(), model("simple3d")):
        classifier = StreamingClassifier(net, window_size=8, stride=3)
        first = [p.scores for p in map(classifier.push, frames) if p]
        classifier.reset()
        again = [p.scores for p in map(classifier.push, frames) if p]
        np.testing.assert_array_equal(first, again)


def test_frames_of_any_size_reach_a_model_that_has_its_own() -> None:
    classifier = StreamingClassifier(trained(None), stride=1)
    sizes = [(60, 80), (60, 80), (120, 90), (64, 200), (33, 32)]
    found = [classifier.push(np.zeros((*size, 3), np.uint8)) for size in sizes]
    assert [p is not None for p in found] == [False, False, False, True, True]


def test_a_size_that_changes_is_named_where_the_model_has_none() -> None:
    for subject in (lambda clip: [1.0], model("causal_tiny")):
        classifier = StreamingClassifier(subject, window_size=2)
        classifier.push(np.zeros((32, 32, 3), np.uint8))
        with pytest.raises(ShapeError, match="size_px"):
            classifier.push(np.zeros((32, 40, 3), np.uint8))


def test_times_that_repeat_or_jump_back_are_named() -> None:
    classifier = StreamingClassifier(lambda clip: [1.0], window_size=2)
    pixels = np.zeros((8, 8, 3), np.uint8)
    classifier.push(pixels, pts_seconds=1.0)
    for bad in (1.0, 0.5, float("nan")):
        with pytest.raises(OptionError, match=r"ascend|finite"):
            classifier.push(pixels, pts_seconds=bad)
    classifier.reset()
    classifier.push(pixels, pts_seconds=0.0)


@pytest.mark.parametrize(
    "pixels", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((0, 8, 3), np.uint8)]
)
def test_what_is_not_a_frame(pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(ShapeError, match="uint8"):
        StreamingClassifier(lambda clip: [1.0]).push(pixels)


def test_options_that_cannot_be() -> None:
    for options in ({"window_size": 0}, {"stride": 0}, {"frames_per_second": 0.0}, {"stride": 1.5}):
        with pytest.raises(OptionError):
            StreamingClassifier(lambda clip: [1.0], **options)  # type: ignore[arg-type]
    for model_or_function in (lambda clip: [1.0], model("simple3d"), model("causal_tiny")):
        with pytest.raises(OptionError, match="outputs is 'probability'; it is 'logits' or 'probabilities'"):
            StreamingClassifier(model_or_function, outputs="probability")  # type: ignore[arg-type]
        with pytest.raises(
            OptionError, match="precision is 'float16'; it is 'auto', 'float32' or 'bfloat16'"
        ):
            StreamingClassifier(model_or_function, precision="float16")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="outputs is 'probs'"):
        WindowScorer(lambda clip: [1.0], window_size=1, normalization=PLAIN, outputs="probs")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="8 frames"):
        StreamingClassifier(small_vivit(), window_size=16)
    with pytest.raises(OptionError, match="multiple"):
        make_scorer(_without_length(small_vivit()), window_size=7, stride=1, normalization=PLAIN)
    with pytest.raises(OptionError, match="ignored label"):
        StreamingClassifier(lambda clip: [1.0], labels=["a"], ignored=["b"])


def test_integers_of_numpy_count() -> None:
    numbers = {"window_size": np.int64(4), "stride": np.int32(2), "size_px": np.int16(8)}
    classifier = StreamingClassifier(lambda clip: [1.0], **numbers)  # type: ignore[arg-type]
    assert [p.index for p in map(classifier.push, noise(6)) if p] == [3, 5]
    settings = json.loads(json.dumps(classifier.settings()))
    assert (settings["window_size"], settings["stride"], settings["size_px"]) == (4, 2, 8)


def _without_length(net: nn.Module) -> nn.Module:
    net.num_frames = None  # type: ignore[assignment]
    return net


def test_functions_that_give_nonsense() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ShapeError, match=r"\(K,\)"):
        StreamingClassifier(lambda clip: [[1.0], [2.0]], window_size=1).push(pixels)
    with pytest.raises(WeightsError, match="NaN"):
        StreamingClassifier(lambda clip: [float("nan")], window_size=1).push(pixels)
    with pytest.raises(WeightsError, match="2 scores for 1 labels"):
        StreamingClassifier(lambda clip: [0.5, 0.5], window_size=1, labels=["a"]).push(pixels)


def test_a_checkpoint_brings_its_rate_labels_and_size(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    record = Weights("mine", labels=("a", "b", "none of these"), size_px=32, frames_per_second=15.0)
    save_checkpoint(path, create_model("causal_tiny", num_classes=3), name="causal_tiny", weights=record)
    classifier = StreamingClassifier(path)
    assert classifier.view == View(frames_per_second=15.0, short_side_px=32)
    assert (classifier.labels, classifier.ignored) == (record.labels, ("none of these",))
    assert classifier.window_size == 32  # the network's own memory
    settings = classifier.settings()
    assert settings["weights"] == StreamingClassifier(path).settings()["weights"]
    assert settings["record"]["frames_per_second"] == 15.0


def test_a_name_without_weights_never_gives_labels() -> None:
    with pytest.raises(WeightsError, match="random"):
        StreamingClassifier("causal_tiny")


def test_the_ring_keeps_the_last_frames_whatever_came() -> None:
    ring = FrameRing(3)
    with pytest.raises(OptionError, match="no frame"):
        ring.window()
    for count in range(1, 12):
        ring.push(np.full((2, 2, 3), count, np.uint8))
        assert ring.window()[:, 0, 0, 0].tolist() == list(range(max(1, count - 2), count + 1))
        assert ring.window().base is not None


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells memory on Linux only")
def test_memory_stays_flat_however_long_the_stream() -> None:
    classifier = StreamingClassifier(model("causal_tiny"), window_size=8, frames_per_second=10.0)
    pixels = noise(10)

    def resident_mb() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    for index in range(3000):
        classifier.observe(Frame(pixels[index % 10], index / 10, index=index))
        if index == 1000:
            before = resident_mb()
    assert resident_mb() - before < 5
