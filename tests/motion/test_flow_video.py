"""The flow of a video: times, sizes, cuts, and its summary."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError, UnknownNameError, VideoOpenError
from muybridge.motion.flow_summary import summarize_flow
from muybridge.motion.flow_video import FlowFrame, iterate_flow
from muybridge.motion.statistics import (
    compute_statistics,
    compute_statistics_by_grid,
    compute_statistics_by_half,
)
from muybridge.values import Clip, Frame
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter


def scene(seed: int, height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    cells = np.random.default_rng(seed).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def uneven_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A texture that moves 4 px to the left each frame, then a cut to another that moves 2 px down.

    Its times are uneven: steps of 0.04 and 0.08 s in turn, from 1.0 s on.
    """
    path = tmp_path_factory.mktemp("flow") / "uneven.mkv"
    seconds = 1.0
    with VideoWriter(path, width=128, height=96, frames_per_second=25, quality=4) as writer:
        for step in range(12):
            if step < 6:
                picture = np.roll(scene(0), -4 * step, axis=1)
            else:
                picture = np.roll(scene(1), 2 * step, axis=0)
            writer.write(picture, pts_seconds=seconds)
            seconds += 0.08 if step % 2 else 0.04
    return path


def middle(field: NDArray[np.float32]) -> list[float]:
    return [round(float(value), 1) for value in np.median(field, axis=(0, 1))]


def test_speeds_come_from_the_timestamps(uneven_video: Path) -> None:
    pairs = list(iterate_flow(uneven_video))
    assert len(pairs) == 11
    assert pairs[0].start_seconds == pytest.approx(pairs[0].frame.pts_seconds)
    for place, pair in enumerate(pairs):
        assert pair.duration_seconds == pytest.approx(0.08 if place % 2 else 0.04, abs=0.002)
        assert pair.is_cut == (place == 5)
        if place < 5:
            assert middle(pair.flow) == pytest.approx([-4, 0], abs=0.15)
            assert np.median(pair.pixels_per_second[..., 0]) == pytest.approx(
                -4 / pair.duration_seconds, rel=0.05
            )


def test_a_smaller_size_gives_the_same_source_vectors(uneven_video: Path) -> None:
    for pair in iterate_flow(uneven_video, max_side_px=64):
        assert pair.flow.shape == (48, 64, 2)
        assert pair.frame.pixels.shape == (48, 64)
        assert (pair.source_width, pair.source_height) == (128, 96)
        assert pair.full_size_flow().shape == (96, 128, 2)
        if pair.end_seconds < 1.3:
            assert middle(pair.flow) == pytest.approx([-2, 0], abs=0.15)
            assert middle(pair.source_pixels) == pytest.approx([-4, 0], abs=0.3)
            assert middle(pair.full_size_flow()) == pytest.approx([-4, 0], abs=0.3)


def test_paths_videos_clips_and_frames_give_the_same(uneven_video: Path) -> None:
    with open_video(uneven_video) as video:
        frames = list(video)
        from_video = [pair.flow for pair in iterate_flow(video, pixel_format="rgb24")]
    clip = Clip(
        np.stack([frame.pixels for frame in frames]),
        np.array([frame.pts_seconds for frame in frames]),
        np.arange(len(frames)),
    )
    for source in (uneven_video, frames, clip):
        flows = [pair.flow for pair in iterate_flow(source, pixel_format="rgb24")]
        np.testing.assert_array_equal(flows, from_video)


def test_a_source_that_uses_its_buffer_again() -> None:
    def camera():  # type: ignore[no-untyped-def]
        buffer = np.empty((96, 128, 3), np.uint8)
        for step in range(4):
            buffer[...] = np.roll(scene(0), 3 * step, axis=1)
            yield Frame(buffer, step / 10)

    for pair in iterate_flow(camera()):
        assert middle(pair.flow) == pytest.approx([3, 0], abs=0.15)


def test_fewer_frames_per_second_means_longer_steps(uneven_video: Path) -> None:
    pairs = [pair for pair in iterate_flow(uneven_video, frames_per_second=9) if pair.end_seconds < 1.3]
    for pair in pairs:
        assert middle(pair.flow) == pytest.approx([-8, 0], abs=0.3)
        assert pair.duration_seconds == pytest.approx(0.12, abs=0.002)


@pytest.fixture(scope="module")
def fast_frames() -> list[Frame]:
    """20 frames a second: a pan of 8 px each, then from frame 13 on one over another scene."""
    wide = [scene(seed, width=320) for seed in (4, 5)]
    return [
        Frame(np.ascontiguousarray(wide[step >= 13][:, 8 * step : 8 * step + 128]), step / 20)
        for step in range(24)
    ]


@pytest.mark.parametrize(
    ("rate", "across"), [(None, [(0.6, 0.65)]), (5, [(0.6, 0.8)]), (4, [(0.5, 0.75)]), (2, [(0.5, 1.0)])]
)
def test_fast_movement_is_no_cut_at_any_rate(
    rate: float | None, across: list[tuple[float, float]], fast_frames: list[Frame]
) -> None:
    pairs = list(iterate_flow(fast_frames, frames_per_second=rate))
    assert len(pairs) == (23 if rate is None else int(1.15 * rate))
    assert [(pair.start_seconds, pair.end_seconds) for pair in pairs if pair.is_cut] == across


def test_a_file_has_the_cuts_of_its_frames(fast_frames: list[Frame], tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "fast.mkv", width=128, height=96, frames_per_second=20, quality=4) as writer:
        for frame in fast_frames:
            writer.write(frame.pixels)
    pairs = list(iterate_flow(tmp_path / "fast.mkv", frames_per_second=5, max_side_px=64))
    assert [round(pair.start_seconds, 2) for pair in pairs if pair.is_cut] == [0.6]
    assert pairs[0].flow.shape == (48, 64, 2)


def test_frames_of_other_sizes_are_refused(fast_frames: list[Frame]) -> None:
    with pytest.raises(ShapeError, match="frame1 is 128x96 and frame2 is 64x96"):
        list(iterate_flow([fast_frames[0], Frame(scene(0, width=64), 1.0)]))


def test_frames_that_are_not_later_are_left_out() -> None:
    frames = [
        Frame(np.roll(scene(0), 2 * step, axis=1), seconds) for step, seconds in enumerate((0, 0.1, 0.1, 0.3))
    ]
    pairs = list(iterate_flow(frames))
    assert [(pair.start_seconds, pair.end_seconds) for pair in pairs] == [(0, 0.1), (0.1, 0.3)]


def test_one_frame_gives_no_flow_and_an_empty_summary() -> None:
    assert list(iterate_flow([Frame(scene(0), 0.0)])) == []
    summary = summarize_flow(iterate_flow([Frame(scene(0), 0.0)]))
    assert summary.pairs == ()
    assert summary.overall.direction == "none"
    assert summary.to_dict()["num_pairs"] == 0


def test_a_fade_to_black_is_no_cut() -> None:
    frames = [
        Frame((scene(0) * level).astype(np.uint8), i / 25) for i, level in enumerate(np.linspace(1, 0, 13))
    ]
    assert not any(pair.is_cut for pair in iterate_flow(frames))


def test_noise_in_the_dark_is_no_cut() -> None:
    rng = np.random.default_rng(0)
    frames = [Frame(rng.integers(0, 4, (90, 160), np.uint8), i / 25) for i in range(4)]
    assert not any(pair.is_cut for pair in iterate_flow(frames))


def test_the_summary_leaves_cuts_out(uneven_video: Path) -> None:
    summary = summarize_flow(iterate_flow(uneven_video), rows=2, columns=2)
    assert summary.num_cuts == 1
    assert [pair.statistics is None for pair in summary.pairs] == [place == 5 for place in range(11)]
    directions = [pair.statistics.direction for pair in summary.pairs if pair.statistics]
    assert directions == ["left"] * 5 + ["down"] * 5
    # 4 px to the left over 0.28 s, then 2 px down over 0.28 s of the 11 pairs: sums over time.
    assert summary.overall.mean_dx == pytest.approx(-4 * 5 / 0.56, rel=0.06)
    assert summary.overall.mean_dy == pytest.approx(2 * 5 / 0.56, rel=0.1)
    assert summary.overall.dominant_direction == "left"
    assert summary.overall.unit == "pixels per second"
    assert set(summary.halves) == {"upper", "lower", "left", "right"}
    assert len(summary.grid) == len(summary.grid[0]) == 2
    text = summary.to_dict()
    assert text["num_pairs"] == 11
    assert text["pairs"][5] == {
        "start_seconds": pytest.approx(1.28, abs=0.01),
        "end_seconds": pytest.approx(1.36, abs=0.01),
        "is_cut": True,
        "statistics": None,
        "moving": None,
    }


@pytest.mark.parametrize("size", [(9, 13), (24, 32), (3, 3)])
def test_the_regions_of_the_summary_are_those_of_the_statistics(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    flow = rng.normal(size=(*size, 2)).astype(np.float32)
    gray = rng.integers(0, 255, size, np.uint8)
    summary = summarize_flow(
        [FlowFrame(flow, Frame(gray, 0.0), Frame(gray, 1.0), size[1], size[0])], min_speed=0.5
    )
    options = {"min_magnitude": 0.5, "unit": "pixels per second"}
    expected = [
        compute_statistics(flow, **options),
        *compute_statistics_by_half(flow, **options).values(),
        *(cell for row in compute_statistics_by_grid(flow, **options) for cell in row),
    ]
    found = [summary.overall, *summary.halves.values(), *(cell for row in summary.grid for cell in row)]
    for one, other in zip(found, expected, strict=True):
        assert one.num_vectors == other.num_vectors
        assert one.direction == other.direction
        for name in (
            "mean_magnitude",
            "max_magnitude",
            "std_magnitude",
            "mean_dx",
            "mean_dy",
            "dominant_degrees",
        ):
            value, true = getattr(one, name), getattr(other, name)
            assert value == (None if true is None else pytest.approx(true, rel=1e-6, abs=1e-9))


def test_a_thing_that_moves_on_a_still_ground() -> None:
    ground = np.full((96, 128, 3), 90, np.uint8)
    frames = []
    for step in range(5):
        picture = ground.copy()
        picture[30:62, 20 + 10 * step : 60 + 10 * step] = scene(3)[:32, :40]
        frames.append(Frame(picture, step / 10))
    summary = summarize_flow(iterate_flow(frames))
    assert summary.moving.direction == "right"
    assert summary.moving.direction_degrees == pytest.approx(0, abs=2)
    assert summary.moving.mean_magnitude == pytest.approx(100, rel=0.06)


@pytest.mark.parametrize(("rate", "speed"), [(60, 40.0), (60, 60.0), (15, 60.0)])
def test_what_moves_does_not_depend_on_the_frame_rate(rate: int, speed: float) -> None:
    wide = cv2.resize(scene(2), (800, 240), interpolation=cv2.INTER_CUBIC)
    frames = [
        Frame(
            cv2.warpAffine(wide, np.array([[1, 0, -20 - speed * n / rate], [0, 1, 0]]), (320, 240)), n / rate
        )
        for n in range(rate // 3)
    ]
    summary = summarize_flow(iterate_flow(frames, max_side_px=160))
    assert summary.moving.direction == "left"
    assert summary.moving.mean_magnitude == pytest.approx(speed, rel=0.05)
    assert summary.moving.num_vectors > 0.05 * summary.overall.num_vectors
    none = summarize_flow(iterate_flow(frames, max_side_px=160), min_speed=2 * speed)
    assert none.moving.num_vectors == 0


def test_bad_input(tmp_path: Path) -> None:
    # Refused at once, not when the first pair is asked for.
    with pytest.raises(OptionError, match="max_side_px"):
        iterate_flow([], max_side_px=0)
    with pytest.raises(OptionError, match="frames_per_second"):
        iterate_flow([], frames_per_second=-1)
    for rate in (float("inf"), float("nan")):
        with pytest.raises(OptionError, match="frames_per_second"):
            iterate_flow([], frames_per_second=rate)
    with pytest.raises(UnknownNameError, match="flow method"):
        iterate_flow([], method="magic")
    with pytest.raises(VideoOpenError):
        list(iterate_flow(tmp_path / "absent.mp4"))
    with pytest.raises(OptionError, match="no cell"):
        summarize_flow([], rows=0)


@pytest.mark.shared
def test_cuts_of_a_real_clip(shared: Path) -> None:
    pairs = iterate_flow(shared / "clips" / "bikes.mp4", method="dis_ultrafast", max_side_px=160)
    assert [pair.next_frame.index for pair in pairs if pair.is_cut] == [30, 76, 137, 187, 242]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "rate", "cuts"),
    [("bikes.mp4", 10, (1.2, 3.04, 5.48, 7.48, 9.68)), ("v_Punch_g03_c01.avi", 2, ())],
)
def test_cuts_of_real_clips_at_low_rates(
    name: str, rate: float, cuts: tuple[float, ...], shared: Path
) -> None:
    options = {"method": "dis_ultrafast", "max_side_px": 160, "frames_per_second": rate}
    pairs = [pair for pair in iterate_flow(shared / "clips" / name, **options) if pair.is_cut]  # type: ignore[arg-type]
    assert len(pairs) == len(cuts)
    for pair, seconds in zip(pairs, cuts, strict=True):
        assert pair.start_seconds < seconds <= pair.end_seconds + 1e-6


@pytest.mark.shared
@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "long_jump.mp4", "carphone_pristine.mp4"])
def test_no_cuts_where_there_are_none(shared: Path, name: str) -> None:
    pairs = iterate_flow(shared / "clips" / name, method="dis_ultrafast", max_side_px=160)
    assert not any(pair.is_cut for pair in pairs)
