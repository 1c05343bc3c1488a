"""Several windows at once: which scale speaks for which class, and what each added."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from muybridge.actions.multiscale import MultiScaleClassifier
from muybridge.actions.streaming import StreamingClassifier
from muybridge.errors import OptionError, ShapeError
from muybridge.models.registry import create_model
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
    for index, frame in enumerate(frames(levels)):
        found = both.push(frame)
        if found is None:
            assert index < 3 or index % 2 == 0
            continue
        seen = levels[: index + 1]
        assert found.scales is not None
        np.testing.assert_allclose(sum(found.scales.values()), found.scores)
        if index < 9:  # the long window is not full yet
            assert list(found.scales) == ["short"]
            np.testing.assert_allclose(found.scores, shares(seen, 4))
        else:
            expected = 0.75 * shares(seen, 4) + 0.25 * shares(seen, 10)
            np.testing.assert_allclose(found.scores, expected)
            np.testing.assert_allclose(found.scales["long"], 0.25 * shares(seen, 10))


def test_weights_for_each_class_and_the_surest_scale() -> None:
    levels = [0] * 8 + [1, 1]
    by_class = MultiScaleClassifier(
        {"short": scale(2), "long": scale(10)}, weights={"short": [1.0, 0.0], "long": [0.0, 1.0]}
    )
    surest = MultiScaleClassifier({"short": scale(2), "long": scale(10)}, fusion="max")
    for watcher in (by_class, surest):
        last = [watcher.push(frame) for frame in frames(levels)][-1]
        assert last is not None
        assert last.scales is not None
        np.testing.assert_allclose(last.scores, [1.0, 0.8])  # on: the short window's; off: the long one's
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
    found = [both.push(Frame(pixels, 50 + 0.1 * i, index=10 + i)) for i in range(4)]
    assert found[0] is None
    assert [list(p.scales or {}) for p in found[1:] if p] == [["short"], ["short"], ["short", "long"]]


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
    uneven = MultiScaleClassifier(
        {"a": scale(2), "b": StreamingClassifier(lit, labels=("on", "off"), size_px=4)}
    )
    assert uneven.view.short_side_px is None


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
