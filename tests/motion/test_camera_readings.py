import itertools

import numpy as np
import pytest

from muybridge.motion.camera import CameraSpeed
from muybridge.motion.camera_readings import CameraReader, CameraThresholds
from muybridge.values import Segment

RATE = 15
STILL = (0.0, 0.0, 0.0, 0.0)


def read(
    speeds: list[tuple[float, float, float, float] | None], reader: CameraReader | None = None
) -> list[Segment]:
    """One speed (pan, tilt, zoom, roll) for each pair; None where nothing could be measured."""
    reader = reader or CameraReader()
    segments = []
    for index, speed in enumerate(speeds):
        trust = 0.0 if speed is None else 0.9
        segments += reader.push(index / RATE, (index + 1) / RATE, CameraSpeed(*(speed or STILL)), trust)
    return segments + reader.finish(len(speeds) / RATE, len(speeds) / RATE)


def labels(segments: list[Segment]) -> list[str]:
    return [segment.label.removeprefix("camera ") for segment in segments]


@pytest.mark.parametrize(
    ("speed", "label"),
    [
        ((0.029, 0, 0, 0), "static"),
        ((0.031, 0, 0, 0), "pans right"),
        ((0, -0.031, 0, 0), "tilts down"),
        ((0, 0, 0.041, 0), "zooms in"),
        ((0, 0, 0, -3.1), "rolls counterclockwise"),
        ((0.5, 0.1, 0, 0), "pans right"),  # a little tilt on a fast pan is no motion of its own
        ((0.5, 0.2, 0, 0), "pans right, tilts up"),
        ((-0.1, 0, -0.2, 0), "pans left, zooms out"),
    ],
)
def test_thresholds(speed: tuple[float, float, float, float], label: str) -> None:
    assert labels(read([speed] * 30)) == [label]


def test_a_word_ends_later_than_it_begins() -> None:
    above, between = (0.04, 0.0, 0.0, 0.0), (0.022, 0.0, 0.0, 0.0)
    assert labels(read([between] * 30)) == ["static"]
    assert labels(read([above] * 30 + [between] * 30)) == ["pans right"]


def test_what_does_not_last_is_part_of_its_surroundings() -> None:
    pan = (0.4, 0.0, 0.0, 0.0)
    assert labels(read([STILL] * 30 + [pan] * 4 + [STILL] * 30)) == ["static"]
    lasting = read([STILL] * 30 + [pan] * 15 + [STILL] * 30)
    assert labels(lasting) == ["static", "pans right", "static"]
    assert lasting[1].start_seconds == pytest.approx(2.0, abs=0.21)
    assert lasting[1].end_seconds == pytest.approx(3.0, abs=0.21)


def test_one_wrong_pair_changes_nothing() -> None:
    speeds = [STILL] * 60
    speeds[30] = (5.0, -3.0, 1.0, 90.0)
    assert labels(read(speeds)) == ["static"]


def test_shaking_is_no_drift() -> None:
    shaken = [(0.3 * (-1) ** (index // 2), 0.2 * (-1) ** (index // 3), 0.0, 0.0) for index in range(60)]
    assert labels(read(shaken)) == ["shakes"]
    panned = [(0.5 + pan, tilt, zoom, roll) for pan, tilt, zoom, roll in shaken]
    assert labels(read(panned)) == ["pans right, shakes"]


def test_segments_tile_and_numbers_are_means() -> None:
    segments = read([STILL] * 30 + [(0.25, 0.0, 0.3, 0.0)] * 45 + [None] * 30 + [STILL] * 30)
    assert labels(segments) == ["static", "pans right, zooms in", "unknown", "static"]
    assert segments[0].start_seconds == 0
    assert segments[-1].end_seconds == 9
    for before, after in itertools.pairwise(segments):
        assert before.end_seconds == after.start_seconds
    assert segments[1].attributes["pan_heights_per_second"] == pytest.approx(0.25, rel=0.05)
    assert segments[1].attributes["magnification_per_second"] == pytest.approx(1.35, rel=0.02)
    assert segments[1].score == pytest.approx(0.9)
    assert segments[2].score is None


def test_nothing_is_averaged_over_a_cut() -> None:
    reader = CameraReader()
    pan = CameraSpeed(0.4, 0.0, 0.0, 0.0)
    segments = []
    for index in range(30):
        segments += reader.push(index / RATE, (index + 1) / RATE, pan, 0.9)
    segments += reader.cut(30 / RATE, 31 / RATE)
    for index in range(31, 60):
        segments += reader.push(index / RATE, (index + 1) / RATE, CameraSpeed(*STILL), 0.9)
    segments += reader.finish(4.0, 4.0)
    assert labels(segments) == ["pans right", "static"]
    assert segments[0].end_seconds == segments[1].start_seconds == pytest.approx(31 / RATE)
    assert segments[0].attributes["ends_with_cut"]
    assert segments[1].attributes["starts_with_cut"]
    assert segments[1].attributes["pan_heights_per_second"] == 0


def test_words_that_flicker_keep_memory_flat() -> None:
    reader = CameraReader(CameraThresholds(window_seconds=0.2))
    turns = [(0.1, 0.0, 0.0, 0.0), (0.0, 0.1, 0.0, 0.0), (0.0, 0.0, 0.2, 0.0)]
    longest = 0
    for index in range(900):
        reader.push(index / RATE, (index + 1) / RATE, CameraSpeed(*turns[index // 4 % 3]), 0.9)
        state = reader.state()
        longest = max(longest, len(state["spans"]) + len(state["rows"]))
    assert longest < 30


def test_a_change_that_does_not_last_goes_to_the_neighbor_that_moves_alike() -> None:
    reader, spans = (
        CameraReader(),
        (("shakes", 5, 0.0), ("pans left, shakes", 2, -0.5), ("pans left", 5, -0.4)),
    )
    segments, start = [], 0
    for label, num_steps, pan in spans:
        for _ in range(num_steps):
            numbers = np.array([pan, 0.0, 0.0, 0.0, 0.1, 0.9])
            segments += reader._extend(start / 5, (start + 1) / 5, label, numbers)
            start += 1
    segments += reader.finish(start / 5, start / 5)
    assert labels(segments) == ["shakes", "pans left"]
    assert segments[1].start_seconds == pytest.approx(5 / 5)
