"""Keyframes of files, and clips around what happens."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from motion.scenery import dissolve, pan, scene, still
from muybridge.cli.main import app
from muybridge.errors import OptionError, OutputError, VideoError
from muybridge.motion.keyframes import choose_keyframes, pick_keyframes, write_keyframes
from muybridge.motion.salient import allot, sample_salient
from muybridge.values import Frame, Segment
from muybridge.video.reader import open_video
from muybridge.video.sampling import sample_clip
from muybridge.video.writer import VideoWriter
from parted_videos import write_parts


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots of 3 s, 6 s and 2 s: a cut, then a dissolve; dull but for a fast pan at 6 s."""
    path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    a, b = scene(1), scene(2)
    moving = pan(400, 25, 6, seed=4)
    pictures = [*still(a, 75), *still(moving[0], 75), *moving, *still(moving[-1], 40)]
    pictures += [*dissolve(moving[-1], b, 20), *still(b, 40)]
    with VideoWriter(path, width=128, height=72, frames_per_second=25) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


def test_keyframes_are_whole_frames_of_the_video(movie: Path) -> None:
    frames = pick_keyframes(movie)
    times = [frame.pts_seconds for frame in frames]
    assert times == sorted(times)
    assert len(frames) == 4
    assert times[0] < 3.0 <= times[1]
    assert sum(5.9 < time < 7.2 for time in times) >= 1, "one of them shows the movement"
    assert not any(8.6 < time < 9.35 for time in times), "none lies in the dissolve"
    assert all(frame.duration_seconds == pytest.approx(0.04) for frame in frames)
    with open_video(movie) as video:
        every = list(video)
    for frame in frames:
        assert frame.pixels.shape == (72, 128, 3)
        assert (frame.pixels == every[frame.index].pixels).all()


def test_the_most_telling_stay(movie: Path) -> None:
    everything = [frame.index for frame in pick_keyframes(movie)]
    two = [frame.index for frame in pick_keyframes(movie, max_keyframes=2)]
    assert len(two) == 2
    assert two == sorted(two)
    assert set(two) <= set(everything)
    with pytest.raises(OptionError, match="at least 1"):
        pick_keyframes(movie, max_keyframes=0)
    for number in (1.5, float("nan")):
        with pytest.raises(OptionError, match="whole number"):
            pick_keyframes(movie, max_keyframes=number)  # type: ignore[arg-type]


def test_long_shots_and_strong_spikes_come_first() -> None:
    def keyframe(at: float, reason: str) -> Segment:
        return Segment(at, at, "keyframe", attributes={"reason": reason})

    segments = [Segment(0, 2, "shot"), Segment(2, 10, "shot"), Segment(10, 12, "shot")]
    segments += [Segment(4, 5, "motion", score=0.9), keyframe(1, "shot"), keyframe(3, "shot")]
    segments += [keyframe(4.5, "motion"), keyframe(11, "shot")]
    assert [k.start_seconds for k in choose_keyframes(segments, 1)] == [3]
    assert [k.start_seconds for k in choose_keyframes(segments, 2)] == [3, 4.5]
    assert [k.start_seconds for k in choose_keyframes(segments, None)] == [1, 3, 4.5, 11]


def test_salient_frames_lie_around_the_moments() -> None:
    spike = Segment(300, 304, "motion", score=0.8)
    shots = [Segment(0, 100, "shot", attributes={"transition": "start"})]
    shots += [Segment(100, 600, "shot", attributes={"transition": "cut"})]
    times = allot([*shots, spike], 20, start_seconds=0.0, end_seconds=600.0)
    assert times == sorted(times)
    near = [t for t in times if 99.5 < t < 101.1 or 300 <= t < 304]
    assert len(near) >= 16


@pytest.mark.parametrize("num_times", [1, 2, 7])
def test_where_nothing_happens_they_are_even(num_times: int) -> None:
    times = allot([], num_times, start_seconds=2.0, end_seconds=9.0)
    assert np.allclose(np.diff(times), 7.0 / num_times)


def test_a_clip_around_the_moments(movie: Path) -> None:
    clip = sample_salient(movie, num_frames=8, size_px=32)
    assert clip.pixels.shape == (8, 32, 32, 3)
    assert (np.diff(clip.pts_seconds) >= 0).all()
    moments = ((2.5, 4.1), (5.9, 7.2), (8.1, 10.5))
    assert sum(any(a <= t <= b for a, b in moments) for t in clip.pts_seconds) >= 6
    assert sample_clip(movie, num_frames=8, size_px=32, strategy="salient").pixels.shape == (8, 32, 32, 3)
    with pytest.raises(OptionError, match="at least 1"):
        sample_salient(movie, num_frames=0)


def test_the_command_lines(movie: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["shots", str(movie)])
    assert told.exit_code == 0
    assert [line.split()[-1] for line in told.stdout.splitlines()] == ["start", "cut", "dissolve"]
    told = CliRunner().invoke(
        app, ["keyframes", str(movie), "--output", str(tmp_path / "pictures"), "--max", "2"]
    )
    assert told.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "keyframe-0001.jpg",
        "keyframe-0002.jpg",
    ]


def test_keyframes_of_pictures_that_change_their_size(tmp_path: Path) -> None:
    pictures = [np.resize(scene(number), shape) for number, shape in ((1, (72, 128, 3)), (2, (128, 72, 3)))]
    path = write_parts(tmp_path / "growing.ts", pictures, num_frames=40)
    frames = pick_keyframes(path)
    assert {frame.pixels.shape for frame in frames} == {(72, 128, 3)}
    assert {frame.index // 40 for frame in frames} == {0, 1}


def test_a_full_disk_leaves_no_half_of_a_picture(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    frames = [Frame(np.zeros((16, 16, 3), np.uint8), 0.0), Frame(noise, 1.0)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            write_keyframes(frames, tmp_path / "pictures")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["keyframe-0001.jpg"]


def test_bad_input(tmp_path: Path, movie: Path) -> None:
    with pytest.raises(VideoError):
        pick_keyframes(tmp_path / "missing.mp4")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_keyframes(pick_keyframes(movie, max_keyframes=1), tmp_path / "file" / "folder")
