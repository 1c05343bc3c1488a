"""Several windows at once: which scale speaks for which class, and what each added."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from muybridge.actions.events import EventRule
from muybridge.actions.multiscale import MultiScaleClassifier
from muybridge.actions.streaming import StreamingClassifier
from muybridge.errors import OptionError, ShapeError
from muybridge.models.registry import create_model
from muybridge.models.weights import Weights, set_weights
from muybridge.observer import Observer
from muybridge.values import Frame


def lit(clip: torch.Tensor) -> list[float]:
    """The share of bright frames, and the share of dark ones."""
    share = float((clip.mean(dim=(0, 1, 3, 4)) > 0.5).float().mean())
    return [share, 1 - share]


def scale(size: int, *, stride: int = 2, labels: tuple[str, ...] = ("on", "off")) -> StreamingClassifier:
    return StreamingClassifier(
        lit, window_size=size, stride=stride, labels=labels, outputs="probabilities", ignored=labels[1:]
    )


def frames(levels: list[int]) -> list[Frame]:
    return [
        Frame(np.full((6, 8, 3), 250 * level, np.uint8), 0.1 * index, index=index)
        for index, level in enumerate(levels)
    ]


def shares(levels: list[int], size: int) -> NDArray[np.float64]:
    share = np.mean(levels[-size:])
    return np.array([share, 1 - share])


def test_a_flash_is_seen_by_the_short_window_and_the_contributions_add_up() -> None:
    levels = [0] * 12 + [1, 1, 1, 1] + [0] * 12
    both = MultiScaleClassifier({"short": scale(4), "long": scale(10)}, weights={"short": 3.0, "long": 1.0})
    told = []
    for index, frame in enumerate(frames(levels)):
        found = both.push(frame)
        if found is None:
            continue
        told.append(index)
        assert found.scales is not None
        np.testing.assert_allclose(sum(found.scales.values()), found.scores)
        if index < 9:  # the long window is not full yet
            assert list(found.scales) == ["short"]
            np.testing.assert_allclose(found.scores, shares(levels[: index + 1], 4))
            assert found.center_seconds == pytest.approx(0.1 * (index - 1.5))
        else:  # the long window's middle is index - 4.5: short ones lie a frame to both sides, the later is taken
            short, long = shares(levels[: index - 1], 4), shares(levels[: index + 1], 10)
            np.testing.assert_allclose(found.scores, 0.75 * short + 0.25 * long)
            np.testing.assert_allclose(found.scales["long"], 0.25 * long)
            assert found.center_seconds == pytest.approx(0.1 * (index - 4.5))
    # The short window spoke of moment 5.5 with frame 7; the long one comes to a later moment with frame 11.
    assert told == [3, 5, 7, *range(11, 28, 2)]


def test_weights_for_each_class_and_the_surest_scale() -> None:
    levels = [0] * 10 + [1, 1] + [0] * 4
    by_class = MultiScaleClassifier(
        {"short": scale(2), "long": scale(10)}, weights={"short": [1.0, 0.0], "long": [0.0, 1.0]}
    )
    surest = MultiScaleClassifier({"short": scale(2), "long": scale(10)}, fusion="max")
    for watcher in (by_class, surest):
        last = [watcher.push(frame) for frame in frames(levels)][-1]
        assert last is not None
        assert last.scales is not None
        # On: the short window's of frames 10 and 11; off: the long one's of frames 6 to 15.
        np.testing.assert_allclose(last.scores, [1.0, 0.8])
        assert last.scales["short"].tolist() == [1.0, 0.0]
        np.testing.assert_allclose(last.scales["long"], [0.0, 0.8])
    assert last.to_dict()["scales"]["short"] == [1.0, 0.0]


def test_it_is_an_observer_whose_reset_forgets_all_scales() -> None:
    both = MultiScaleClassifier({"short": scale(2), "long": scale(6)})
    assert isinstance(both, Observer)
    assert both.ignored == ("off",)
    levels = [0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    first = [finding for frame in frames(levels) for finding in both.observe(frame)] + both.finish(1.2)
    both.reset()
    again = [finding for frame in frames(levels) for finding in both.observe(frame)] + both.finish(1.2)
    assert [segment.label for segment in first] == ["on"]
    assert first == again


def test_a_gap_silences_the_long_scale_until_it_is_full_again() -> None:
    both = MultiScaleClassifier({"short": scale(2, stride=1), "long": scale(4, stride=1)})
    for frame in frames([1] * 6):
        both.push(frame)
    pixels = np.zeros((6, 8, 3), np.uint8)
    found = [both.push(Frame(pixels, 50 + 0.1 * i, index=10 + i)) for i in range(6)]
    # With frame 3 the long window speaks of 50.15 s, of which the short one has spoken; with frame 4 of what is next.
    assert [list(p.scales or {}) if p else None for p in found] == [
        *(None, ["short"], ["short"]),
        *(None, ["short", "long"], ["short", "long"]),
    ]


def spans(watcher: MultiScaleClassifier, moments: list[Frame]) -> list[tuple[float, float]]:
    found = [event for frame in moments for event in watcher.see(frame)[1]] + watcher.end()
    return [(event.start_seconds, event.end_seconds) for event in found if event.is_over]


@pytest.mark.parametrize(
    ("fusion", "weights"), [("mean", None), ("mean", {"0.5 s": 1.0, "4 s": 4.0}), ("max", None)]
)
def test_fused_events_lie_on_the_truth(fusion: Any, weights: dict[str, float] | None) -> None:
    both = MultiScaleClassifier.of_model(
        lit,
        window_seconds=(0.5, 4.0),
        window_size=8,
        rule=EventRule(0.5, 0.5),
        fusion=fusion,
        weights=weights,
        labels=["on", "off"],
        ignored=["off"],
        outputs="probabilities",
    )
    moments = [
        Frame(np.full((4, 4, 3), 255 * (300 <= i < 600), np.uint8), i / 30, index=i) for i in range(900)
    ]
    (span,) = spans(both, moments)
    # Within the step of the longest scale, half a second: no scale alone knows more.
    assert span == pytest.approx((10.0, 20.0), abs=0.5)


def test_what_the_short_window_sees_last_is_an_event_too() -> None:
    levels = [0] * 20 + [1] * 3
    for gap in (False, True):
        both = MultiScaleClassifier(
            {"short": scale(2, stride=1), "long": scale(10, stride=1)}, weights={"short": 1.0, "long": 0.5}
        )
        after = [Frame(np.zeros((6, 8, 3), np.uint8), 50 + 0.1 * i, index=30 + i) for i in range(3 * gap)]
        # The short window of frames 19 and 20 is half on, that of 20 and 21 whole; the source ends with frame 22.
        (span,) = spans(both, frames(levels) + after)
        assert span == pytest.approx((2.0, 2.2))


def test_one_model_at_several_lengths() -> None:
    fixed = MultiScaleClassifier.of_model(
        lit, window_seconds=(2.0, 0.5), labels=["on", "off"], window_size=8, outputs="probabilities"
    )
    assert {name: s.view.frames_per_second for name, s in fixed.scales.items()} == {"0.5 s": 16.0, "2 s": 4.0}
    assert fixed.view.frames_per_second == 16.0
    causal = MultiScaleClassifier.of_model(
        create_model("causal_tiny", num_classes=2).eval(),
        window_seconds=(1.0, 4.0),
        step_seconds=0.5,
        frames_per_second=10.0,
    )
    assert {name: (s.window_size, s.stride) for name, s in causal.scales.items()} == {
        "1 s": (10, 5),
        "4 s": (40, 5),
    }
    strided = create_model("causal_tiny", num_classes=2).eval()
    set_weights(strided, Weights("every third frame", stride=3))
    counted = MultiScaleClassifier.of_model(strided, window_seconds=(1.0, 4.0), step_seconds=0.5)
    # Of 30 frames a second, which is what is supposed where no rate is told, ten are taken.
    assert {name: (s.window_size, s.stride) for name, s in counted.scales.items()} == {
        "1 s": (10, 5),
        "4 s": (40, 5),
    }
    uneven = MultiScaleClassifier(
        {"a": scale(2), "b": StreamingClassifier(lit, labels=("on", "off"), size_px=4)}
    )
    assert uneven.view.short_side_px is None


def test_options_that_follow_from_the_lengths_are_refused() -> None:
    causal = create_model("causal_tiny", num_classes=2).eval()
    for model, option in (
        (lit, {"stride": 3}),
        (lit, {"frames_per_second": 10.0}),
        (causal, {"stride": 3}),
        (causal, {"window_size": 8}),
    ):
        with pytest.raises(OptionError, match=f"{next(iter(option))} follows from window_seconds"):
            MultiScaleClassifier.of_model(model, **option)


def test_scales_that_cannot_be_fused() -> None:
    with pytest.raises(OptionError, match="at least one"):
        MultiScaleClassifier({})
    with pytest.raises(OptionError, match="labels"):
        MultiScaleClassifier({"a": scale(2), "b": scale(4, labels=("x", "y"))})
    with pytest.raises(OptionError, match="fusion"):
        MultiScaleClassifier({"a": scale(2)}, fusion="median")  # type: ignore[arg-type]
    for weights in ({"b": 1.0}, {"a": -1.0}, {"a": float("nan")}):
        with pytest.raises(OptionError, match="weights"):
            MultiScaleClassifier({"a": scale(2)}, weights=weights)
    wrong = MultiScaleClassifier({"a": scale(1)}, weights={"a": [1.0, 1.0, 1.0]})
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        wrong.push(frames([1])[0])
    for seconds, step in (((0.0,), 0.25), ((math.nan, 1), 0.25), ((1, math.inf), 0.25), ((1,), math.nan)):
        with pytest.raises(OptionError, match="positive and finite"):
            MultiScaleClassifier.of_model(lit, window_seconds=seconds, step_seconds=step)
    with pytest.raises(OptionError, match=r"only the scales 0\.5 s, 2 s; give each length once"):
        MultiScaleClassifier.of_model(lit, window_seconds=(0.5, 0.5000001, 2))
