"""Motion energy: what counts as movement, and what does not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from motion.scenery import dissolve, noisy, pan, scene, still
from muybridge.motion.appearance import describe, dissimilarity
from muybridge.motion.energy import EnergyMeter, find_spikes, to_signal
from muybridge.motion.shots import ShotDetector
from muybridge.values import Signal


def energy(pictures: list[NDArray[np.uint8]], fps: float = 25.0) -> Signal:
    detector, meter, before = ShotDetector(), EnergyMeter(), None
    seconds = []
    for number, picture in enumerate(pictures):
        look = describe(picture)
        change = dissimilarity(before, look) if before is not None else 0.0
        before = look
        meter.observe(look, number / fps)
        found = detector.observe_look(look, number / fps, change)
        seconds += meter.settle(found, detector.settled_seconds)
    seconds += meter.finish(detector.finish(), len(pictures) / fps)
    return to_signal(seconds)


def test_one_value_for_each_second_and_the_rest() -> None:
    assert energy(still(scene(1), 60)).seconds.tolist() == [0.0, 1.0, 2.0]


def test_stillness_noise_and_light_are_no_motion() -> None:
    a = scene(1)
    assert energy(still(a, 50)).values.max() == 0
    assert energy(noisy(still(a, 50), 8.0)).values.max() < 1.0
    breathing = [np.clip(a * 0.6 + 30 * np.sin(n / 5), 0, 255).astype(np.uint8) for n in range(75)]
    assert energy(breathing).values.max() < 2.0


def test_cuts_and_dissolves_are_no_motion() -> None:
    a, b = scene(1), scene(2)
    pictures = still(a, 80) + still(b, 80) + dissolve(b, a, 20) + still(a, 90)
    assert energy(pictures).values.max() < 1.0


def test_faster_is_more_and_the_frame_rate_does_not_matter() -> None:
    slow, fast = energy(pan(500, 100, 1.5)), energy(pan(500, 100, 3))
    assert 1.5 < np.median(fast.values) / np.median(slow.values) < 4
    half_rate = energy(pan(500, 50, 6), fps=12.5)
    assert np.median(half_rate.values) == pytest.approx(np.median(fast.values), rel=0.25)


def test_a_spike_is_where_it_is() -> None:
    pictures = still(scene(1), 250) + pan(400, 50, 4, seed=1) + still(pan(400, 50, 4, seed=1)[-1], 250)
    signal = energy(noisy(pictures, 2.0))
    [spike] = find_spikes(signal, end_seconds=22.0)
    assert spike.kind == "motion"
    assert spike.start_seconds <= 10.04
    assert 12.0 <= spike.end_seconds <= 13.0
    assert 0.5 < (spike.score or 0) < 1
    assert spike.attributes["peak"] > 5 * spike.attributes["threshold"]


@pytest.mark.parametrize(
    "values",
    [[], [5.0], [5.0, 90.0], [3.0] * 30, list(np.linspace(10, 12, 30))],
    ids=["nothing", "one second", "two seconds", "always the same", "a slow rise"],
)
def test_no_spike_where_nothing_stands_out(values: list[float]) -> None:
    signal = Signal("motion energy", np.arange(len(values), dtype=float), np.array(values))
    assert find_spikes(signal, end_seconds=float(len(values))) == []


def test_near_spikes_are_one_and_far_ones_two() -> None:
    values = np.ones(40)
    values[[5, 7, 20]] = 50.0
    spikes = find_spikes(Signal("motion energy", np.arange(40.0), values), end_seconds=40.0)
    assert [(spike.start_seconds, spike.end_seconds) for spike in spikes] == [(5.0, 8.0), (20.0, 21.0)]


def test_a_fraction_of_a_second_is_no_spike_but_may_end_one() -> None:
    values = np.ones(20)
    values[19] = 30.0
    signal = Signal("motion energy", np.arange(20.0), values)
    assert find_spikes(signal, end_seconds=19.2) == []
    assert len(find_spikes(signal, end_seconds=19.6)) == 1
    values[18] = 30.0
    [spike] = find_spikes(Signal("motion energy", np.arange(20.0), values), end_seconds=19.2)
    assert (spike.start_seconds, spike.end_seconds) == (18.0, 19.2)
