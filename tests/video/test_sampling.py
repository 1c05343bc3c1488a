"""Which frames are looked at, worked out by hand, and properties that every strategy keeps."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, strategies as st

from muybridge.errors import OptionError, UnknownNameError
from muybridge.models.weights import Weights
from muybridge.video import VideoWriter, open_video, sample_clip, sample_clips
from muybridge.video.clip_indices import clip_indices
from muybridge.video.packets import PacketTable
from muybridge.video.reader import Pace
from muybridge.video.sampling import (
    clip_starts,
    fps_indices,
    keyframe_indices,
    random_indices,
    stride_indices,
    uniform_indices,
)


@pytest.mark.parametrize(
    ("num_available", "num_frames", "expected"),
    [
        (16, 4, [0, 5, 10, 15]),
        (10, 10, list(range(10))),
        (5, 1, [0]),
        (4, 3, [0, 2, 3]),  # 1.5 rounds up
        (1, 3, [0, 0, 0]),  # a single frame, repeated
    ],
)
def test_uniform_by_hand(num_available: int, num_frames: int, expected: list[int]) -> None:
    assert uniform_indices(num_available, num_frames).tolist() == expected


@given(num_available=st.integers(1, 5000), num_frames=st.integers(1, 64))
def test_uniform_includes_both_ends_and_steps_evenly(num_available: int, num_frames: int) -> None:
    indices = uniform_indices(num_available, num_frames)
    assert len(indices) == num_frames
    assert indices[0] == 0
    if num_frames > 1:
        assert indices[-1] == num_available - 1
    if num_available >= num_frames > 1:
        steps = np.diff(indices)
        assert steps.min() >= 1
        assert steps.max() - steps.min() <= 1


@pytest.mark.parametrize(
    ("short", "expected"), [("repeat_last", [0, 1, 2, 2, 2, 2, 2]), ("wrap", [0, 1, 2, 0, 1, 2, 0])]
)
def test_short_policies_by_hand(short: str, expected: list[int]) -> None:
    assert uniform_indices(3, 7, short=short).tolist() == expected  # type: ignore[arg-type]


def test_short_policy_error_says_both_numbers() -> None:
    with pytest.raises(OptionError, match="gives 3 frames, 7 are asked for"):
        uniform_indices(3, 7, short="error")
    with pytest.raises(UnknownNameError, match="repeat_last"):
        uniform_indices(3, 7, short="repeat")  # type: ignore[arg-type]


@given(
    num_available=st.integers(1, 300),
    num_frames=st.integers(1, 40),
    stride=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_stride_and_random_stay_inside(num_available: int, num_frames: int, stride: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    for indices in (
        stride_indices(num_available, num_frames, stride=stride),
        random_indices(num_available, num_frames, stride=stride, generator=generator),
    ):
        assert len(indices) == num_frames
        assert 0 <= indices.min() <= indices.max() < num_available
        if (num_frames - 1) * stride < num_available:
            assert set(np.diff(indices)) <= {stride}


def test_random_reaches_every_place_evenly() -> None:
    generator = np.random.default_rng(0)
    starts = [int(random_indices(12, 3, generator=generator)[0]) for _ in range(5000)]
    counts = np.bincount(starts, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 400


def test_fps_follows_the_clock_not_the_count() -> None:
    # Two seconds at 10 per second, then two at 2 per second.
    times = np.concatenate([np.arange(20) / 10, 2 + np.arange(4) / 2])
    assert fps_indices(times, 8, frames_per_second=2).tolist() == [0, 5, 10, 15, 20, 21, 22, 23]
    assert fps_indices(times, 2, frames_per_second=1, start_seconds=2.6).tolist() == [21, 23]
    with pytest.raises(OptionError, match="starts at"):
        fps_indices(times, 2, frames_per_second=1, start_seconds=99)


@given(st.data())
def test_keyframe_indices_are_keyframes_in_order(data: st.DataObject) -> None:
    flags = np.array([True, *data.draw(st.lists(st.booleans(), max_size=60))])
    num_frames = data.draw(st.integers(1, 20))
    table = PacketTable.from_columns(
        pts=range(len(flags)),
        dts=range(len(flags)),
        size_bytes=[1] * len(flags),
        is_keyframe=flags,
        seconds_per_tick=0.1,
    )
    indices = keyframe_indices(table, num_frames)
    assert len(indices) == num_frames
    assert flags[indices].all()
    assert (np.diff(indices) >= 0).all()
    assert len(set(indices.tolist())) == min(num_frames, int(flags.sum()))


def test_clip_starts_reach_both_ends() -> None:
    assert clip_starts(100, 16, 4).tolist() == [0, 28, 56, 84]
    assert clip_starts(10, 16, 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize("strategy", ["uniform", "stride", "fps", "random", "keyframes", "salient"])
def test_every_strategy_reads_what_it_says(sample_video: Path, strategy: str) -> None:
    clip = sample_clip(sample_video, num_frames=6, size_px=(32, 24), strategy=strategy, seed=3)  # type: ignore[arg-type]
    assert clip.pixels.shape == (6, 24, 32, 3)
    with open_video(sample_video) as video:
        again = video.frames_at(indices=clip.indices.tolist(), size_px=(32, 24))
        np.testing.assert_array_equal(again.pixels, clip.pixels)
        np.testing.assert_array_equal(video.packets.pts_seconds[clip.indices], clip.pts_seconds)


def test_an_unknown_strategy_lists_the_known(sample_video: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'uniform'"):
        sample_clip(sample_video, strategy="unifrom")  # type: ignore[arg-type]


def test_several_clips_are_those_of_one_at_a_time(sample_video: Path) -> None:
    clips = sample_clips(sample_video, num_clips=3, num_frames=4, stride=1, size_px=16)
    assert [clip.indices[0] for clip in clips] == [0, 8, 16]
    with open_video(sample_video) as video:
        for clip in clips:
            direct = video.frames_at(indices=clip.indices.tolist(), size_px=16)
            np.testing.assert_array_equal(clip.pixels, direct.pixels)


def test_numbers_that_make_no_sense_are_refused(sample_video: Path) -> None:
    for wrong in ({"num_frames": 0}, {"size_px": 0}, {"strategy": "stride", "stride": 0}):
        with pytest.raises(OptionError):
            sample_clip(sample_video, **wrong)  # type: ignore[arg-type]
    for strategy in ("uniform", "stride", "fps", "random", "keyframes", "salient"):
        for number in (2.5, float("nan")):
            with pytest.raises(OptionError, match=rf"num_frames is {number}; it must be a whole number"):
                sample_clip(sample_video, num_frames=number, strategy=strategy)  # type: ignore[arg-type]
    assert len(sample_clip(sample_video, num_frames=np.int64(3))) == 3  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="positive and finite"):
        sample_clip(sample_video, strategy="fps", frames_per_second=float("inf"))
    with pytest.raises(OptionError):
        sample_clips(sample_video, num_clips=0)


def test_fps_ends_where_the_last_frame_does() -> None:
    # After a pause of seven seconds the last frame is shown for 0.04 s.
    times = np.array([0.0, 0.5, 3.0, 10.0])
    moments = [0, 1, 1, 1, 1, 1, *[2] * 14, 3]  # every half second from 0 to 10
    assert fps_indices(times, 21, frames_per_second=2, end_seconds=10.04, short="error").tolist() == moments
    wrapped = fps_indices(times, 23, frames_per_second=2, end_seconds=10.04, short="wrap").tolist()
    assert wrapped == [*moments, 0, 1]
    with pytest.raises(OptionError, match="gives 21 frames, 22"):
        fps_indices(times, 22, frames_per_second=2, end_seconds=10.04, short="error")
    assert fps_indices(times, 22, frames_per_second=2, short="error").tolist() == [*moments, 3]
    with pytest.raises(OptionError, match="must be before"):
        fps_indices(times, 2, frames_per_second=2, end_seconds=10.0)


def test_fps_of_a_file_knows_how_long_its_last_frame_stays(tmp_path: Path) -> None:
    path = tmp_path / "pause.gif"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("gif", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb8"
        for number, tick in enumerate((0, 4, 8, 200)):
            pixels = np.full((32, 32, 3), 60 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="rgb8")
            frame.pts, frame.time_base = tick, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_video(path) as video:
        assert (video.packets.pts_seconds[-1], round(video.packets.end_seconds, 2)) == (2.0, 2.04)
    clip = sample_clip(path, num_frames=5, strategy="fps", size_px=16, short="error")
    assert clip.indices.tolist() == [0, 2, 2, 2, 3]
    with pytest.raises(OptionError, match="gives 5 frames"):
        sample_clip(path, num_frames=6, strategy="fps", size_px=16, short="error")


def test_fps_of_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "one.mp4"
    with VideoWriter(path, width=32, height=32, frames_per_second=25) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8))
    clip = sample_clip(path, num_frames=1, strategy="fps", size_px=16, short="error")
    assert clip.indices.tolist() == [0]
    with pytest.raises(OptionError, match="gives 1 frame, 2"):
        sample_clip(path, num_frames=2, strategy="fps", size_px=16, short="error")


@pytest.mark.parametrize("rate", [7, 12, 15, 24, 30, 60])
@pytest.mark.parametrize("digits", [3, 6, None])
def test_of_a_source_of_the_same_rate_every_frame_is_taken_once(rate: int, digits: int | None) -> None:
    # Matroska and WebM count in milliseconds: at 15 frames a second 0, 0.067, 0.133, 0.2.
    times = np.array(
        [place / rate if digits is None else round(place / rate, digits) for place in range(4 * rate)]
    )
    every = list(range(4 * rate))
    pace = Pace(float(rate))
    assert [place for place in every if pace.wants(times[place])] == every
    assert fps_indices(times, 4 * rate, frames_per_second=rate).tolist() == every
    record = Weights("mine", num_frames=4 * rate, frames_per_second=float(rate), stride=1)
    assert clip_indices(times, record).tolist() == [every]


def test_in_high_speed_video_no_frame_is_taken_for_the_one_before() -> None:
    times = np.arange(600) / 1000
    # 1 / 30 s = 33.3 ms and 2 / 30 s = 66.7 ms.
    thirtieths = [0, 33, 66, 100, 133, 166, 200, 233]
    assert fps_indices(times, 8, frames_per_second=30).tolist() == thirtieths
    record = Weights("mine", num_frames=8, frames_per_second=30.0, stride=1)
    assert clip_indices(times[:234], record).tolist() == [thirtieths]
    half_milliseconds = np.arange(400) / 2000
    assert fps_indices(half_milliseconds, 4, frames_per_second=1000).tolist() == [0, 2, 4, 6]
    pace = Pace(1000.0)
    assert [place for place in range(8) if pace.wants(half_milliseconds[place])] == [0, 2, 4, 6]
    table = PacketTable.from_columns(
        pts=range(400),
        dts=range(400),
        size_bytes=[1] * 400,
        is_keyframe=[True] * 400,
        seconds_per_tick=1 / 2000,
    )
    assert [table.index_at(place / 2000) for place in range(400)] == list(range(400))
    assert [table.index_at(moment) for moment in (-1.0, 0.0007, 0.0009, 9.0)] == [0, 1, 2, 399]


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_one_moment_is_one_frame_however_it_is_asked_for(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"fifteen.{ending}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(45):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), number, np.uint8), "rgb24"))
            )
        container.mux(stream.encode(None))
    with open_video(path) as video:
        first = video.packets.start_seconds
        moments = [first + place / 15 for place in range(45)]
        assert video.packets.pts_seconds[1] - first == pytest.approx(0.067 if ending == "mkv" else 1 / 15)
        assert video.indices_at(moments) == list(range(45))
        assert fps_indices(video.packets.pts_seconds, 45, frames_per_second=15).tolist() == list(range(45))
        assert video.frames_at(seconds=moments, size_px=16).indices.tolist() == list(range(45))
        # Long before a frame it is still the one before.
        assert video.indices_at([moment - 0.002 for moment in moments[1:]]) == list(range(44))
