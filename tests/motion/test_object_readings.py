import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.motion.object_readings import (
    ObjectReader,
    falls,
    moves,
    read_track,
    runs,
    turning_points,
    waves,
)
from muybridge.motion.regions import Track

RATE = 15


def track(seconds: float, place, *, width: float = 0.15, height: float = 0.4, fill: float = 0.5) -> Track:
    """A region whose center is at place(t) = (x, y); its flow is the true velocity."""
    rows = []
    for index in range(1, round(seconds * RATE) + 1):
        t = index / RATE
        x, y, *size = place(t)
        w, h = size or (width, height)
        before = place(t - 1 / RATE)
        velocity = ((x - before[0]) * RATE, (y - before[1]) * RATE)
        rows.append([t, x, y, *velocity, x - w / 2, y - h / 2, w, h, fill * w * h])
    return Track(0, np.array(rows))


def said(item: Track) -> list[str]:
    return [reading.label.removeprefix("something ") for reading in read_track(item)]


@pytest.mark.parametrize("degrees", [0, 20, 70, 100, 180, 200, 260, 340])
def test_moves_by_direction(degrees: float) -> None:
    vx, vy = 0.25 * math.cos(math.radians(degrees)), -0.25 * math.sin(math.radians(degrees))
    reading = moves(track(2, lambda t: (1 + vx * t, 0.5 + vy * t)))
    assert reading is not None
    expected = {0: "right", 1: "up", 2: "left", 3: "down"}[round(degrees / 90) % 4]
    assert reading.label == f"something moves {expected}"
    assert reading.numbers["direction_degrees"] == pytest.approx(degrees, abs=1e-3)
    assert reading.numbers["speed_heights_per_second"] == pytest.approx(0.25)


def test_slower_than_a_quarter_of_itself_or_to_and_fro_is_no_movement() -> None:
    assert moves(track(2, lambda t: (1 + 0.09 * t, 0.5))) is None
    assert moves(track(2, lambda t: (1 + 0.05 * math.sin(9 * t), 0.5))) is None


@pytest.mark.parametrize(
    ("body_heights", "label"), [(0.8, "moves right"), (1.1, "moves right"), (1.8, "runs right")]
)
def test_a_walk_is_no_run(body_heights: float, label: str) -> None:
    assert said(track(1.5, lambda t: (0.2 + body_heights * 0.4 * t, 0.5))) == [label]


def test_a_fast_arm_or_car_is_no_run() -> None:
    arm = track(1, lambda t: (1 + 0.17 * math.tanh(8 * (t - 0.6)), 0.4), width=0.12, height=0.2)
    assert runs(arm) is None
    car = track(1, lambda t: (0.2 + 1.0 * t, 0.7), width=0.5, height=0.2)
    assert runs(car) is None


def test_running_is_measured_in_bodies() -> None:
    reading = runs(track(1.2, lambda t: (1.5 - 0.6 * t, 0.5), height=0.3))
    assert reading is not None
    assert reading.label == "something runs left"
    assert reading.numbers["speed_body_heights_per_second"] == pytest.approx(2.0)


def toppling(t: float) -> tuple[float, float, float, float]:
    """Someone of 0.5 heights who stands for a second, then topples over within 0.6 s."""
    angle = math.pi / 2 * min(max((t - 1) / 0.6, 0), 1) ** 2
    middle = 0.25 * math.cos(angle) + 0.06 * math.sin(angle)
    width = 0.5 * math.sin(angle) + 0.14 * math.cos(angle)
    return 0.8 + 0.25 * math.sin(angle), 0.9 - middle, width, 2 * middle


def test_a_fall_is_seen_while_sitting_down_and_squatting_are_not() -> None:
    reading = falls(track(1.6, toppling))
    assert reading is not None
    assert reading.numbers["body_height"] == pytest.approx(0.5, abs=0.02)
    sits = track(
        1.8,
        lambda t: (0.8, 0.6 + 0.15 * min(max((t - 1) / 0.7, 0), 1), 0.2, 0.5 - 0.15 * min(max(t - 1, 0), 1)),
    )
    assert falls(sits) is None
    ball = track(0.6, lambda t: (0.8, 0.2 + 1.5 * t**2), width=0.08, height=0.08)
    assert falls(ball) is None


def test_something_that_drops_falls() -> None:
    reading = falls(track(0.7, lambda t: (0.8, 0.1 + 1.7 * t**2), width=0.2, height=0.2))
    assert reading is not None
    assert reading.numbers["drop_body_heights"] > 1


@pytest.mark.parametrize("hertz", [0.9, 1.4, 2.5])
def test_a_wave_and_its_frequency(hertz: float) -> None:
    reading = waves(track(2.6, lambda t: (1 + 0.06 * math.sin(2 * math.pi * hertz * t), 0.3), height=0.2))
    assert reading is not None
    assert reading.numbers["frequency_hertz"] == pytest.approx(hertz, rel=0.1)
    assert reading.numbers["amplitude_heights"] == pytest.approx(0.06, rel=0.2)


def test_what_is_no_wave() -> None:
    swipe = track(2, lambda t: (1 + 0.15 * math.sin(2 * math.pi * 0.6 * t), 0.3), height=0.2)
    assert waves(swipe) is None  # too few swings
    nod = track(2, lambda t: (1 + 0.03 * math.sin(9 * t), 0.3 + 0.1 * math.sin(9 * t)), height=0.2)
    assert waves(nod) is None  # up and down
    crowd = track(2, lambda t: (1 + 0.06 * math.sin(9 * t), 0.3), width=0.2, height=0.2, fill=0.1)
    assert waves(crowd) is None  # mostly empty between its parts
    passing = track(2.5, lambda t: (1 + 0.3 * t + 0.01 * math.sin(9 * t), 0.3), height=0.2)
    assert waves(passing) is None  # goes somewhere


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60), st.floats(0.01, 0.5))
@settings(deadline=None, max_examples=80)
def test_turning_points_alternate_by_at_least_the_swing(values: list[float], min_swing: float) -> None:
    curve = np.array(values)
    turns = turning_points(curve, min_swing=min_swing)
    steps = np.diff(curve[turns])
    assert all(turns[i] < turns[i + 1] for i in range(len(turns) - 1))
    assert (np.abs(steps) >= min_swing - 1e-12).all()
    assert (np.sign(steps[1:]) == -np.sign(steps[:-1])).all()


def test_pauses_are_bridged_and_flickers_dropped() -> None:
    reader = ObjectReader(merge_seconds=0.6, min_seconds=0.3)
    walk = track(4, lambda t: (0.2 + 0.25 * t, 0.5))
    segments = []
    for index in range(1, len(walk.rows) + 1):
        part = Track(0, walk.rows[:index])
        hidden = 20 <= index < 26  # 0.4 s
        segments += reader.push(part.last_seconds, [] if hidden else [part])
    segments += reader.finish()
    assert [segment.label for segment in segments] == ["something moves right"]
    assert segments[0].end_seconds == pytest.approx(4.0, abs=0.13)
    assert segments[0].attributes["num_objects"] == 1


@pytest.mark.parametrize("start", [-20.0, 0.0, 1e5])
def test_a_clock_that_begins_anywhere_gives_the_same_segments(start: float) -> None:
    # A recording may begin below zero: its 33-bit clock had wrapped.
    reader = ObjectReader()
    whole = track(1.0, lambda t: (0.3 + 0.25 * t, 0.5))
    found = []
    for count in range(1, 60):
        rows = whole.rows[:count].copy()
        rows[:, 0] += start
        found += reader.push(start + count / RATE, [Track(0, rows)] if count <= RATE else [])
    found += reader.finish()
    assert [segment.label for segment in found] == ["something moves right"]
    (segment,) = found
    assert segment.start_seconds - start == pytest.approx(1 / RATE, abs=0.01)
    assert segment.end_seconds - start == pytest.approx(1.0, abs=0.13)
