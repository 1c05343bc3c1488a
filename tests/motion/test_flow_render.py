"""The video beside its flow."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.errors import OptionError, OutputError, VideoError
from muybridge.motion.colors import color_flow
from muybridge.motion.flow_render import draw_flow_video, find_max_speed, render_flow, write_flow_video
from muybridge.motion.flow_summary import summarize_flow
from muybridge.motion.flow_video import FlowFrame, iterate_flow
from muybridge.values import Frame
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter


def picture(seed: int) -> NDArray[np.uint8]:
    cells = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), np.uint8)
    return np.asarray(cv2.resize(cells, (128, 96), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def moving_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes: 4 px to the right, then 2 px to the right, each frame, at 10 frames per second from 0.5 s."""
    path = tmp_path_factory.mktemp("render") / "moving.mp4"
    with VideoWriter(path, width=128, height=96, frames_per_second=10, quality=4) as writer:
        for step in range(10):
            pixels = np.roll(picture(0), 4 * step, 1) if step < 5 else np.roll(picture(1), 2 * step, 1)
            writer.write(pixels, pts_seconds=0.5 + step / 10)
    return path


def test_the_scale_is_found_and_round(moving_video: Path) -> None:
    assert 40 <= find_max_speed(moving_video) <= 60


def test_the_video_has_both_halves_and_the_times_of_the_source(moving_video: Path, tmp_path: Path) -> None:
    output = tmp_path / "flow.mp4"
    assert write_flow_video(moving_video, output, max_speed=50, legend=False) == 9
    with open_video(output) as video:
        frames = list(video)
    with open_video(moving_video) as video:
        source = list(video)
    assert len(frames) == 9
    red, pink = (color_flow(np.array([[[dx, 0.0]]]), max_magnitude=50)[0, 0].astype(int) for dx in (40, 20))
    for place, frame in enumerate(frames):
        assert frame.pixels.shape == (96, 256, 3)
        assert frame.pts_seconds == pytest.approx(source[place].pts_seconds, abs=1e-3)
        left, right = frame.pixels[:, :128].astype(int), frame.pixels[:, 128:]
        assert np.abs(left - source[place].pixels).mean() < 6
        middle = np.median(right[20:80, 30:100], axis=(0, 1))
        if place == 4:
            assert middle.max() < 10  # the cut is black
        else:
            # One scale throughout: the slower scene is paler.
            assert np.abs(middle - (red if place < 4 else pink)).max() < 45


def test_each_frame_may_have_its_own_scale(moving_video: Path, tmp_path: Path) -> None:
    write_flow_video(moving_video, tmp_path / "own.mp4", scale="frame", legend=False, colors="hsv")
    with open_video(tmp_path / "own.mp4") as video:
        rights = [np.median(frame.pixels[20:80, 158:228], axis=(0, 1)) for frame in video]
    assert abs(rights[1][0] - rights[7][0]) < 60  # both are near the full red of their own scale
    assert min(rights[1][0], rights[7][0]) > 150


def test_pairs_come_out_while_the_video_is_written(moving_video: Path, tmp_path: Path) -> None:
    pairs = list(draw_flow_video(moving_video, tmp_path / "flow.mp4", max_side_px=64, arrows=True))
    assert [pair.is_cut for pair in pairs].count(True) == 1
    with open_video(tmp_path / "flow.mp4") as video:
        assert (video.metadata.width, video.metadata.height) == (128, 48)


@pytest.mark.parametrize("options", [{}, {"max_side_px": 96}, {"frames_per_second": 5.0}])
def test_what_is_measured_is_the_same_whether_drawn_or_not(
    options: dict[str, Any], moving_video: Path, tmp_path: Path
) -> None:
    options = {"max_side_px": 480, **options}
    drawn = list(draw_flow_video(moving_video, tmp_path / "flow.mp4", max_speed=50, legend=False, **options))
    alone = list(iterate_flow(moving_video, **options))
    for one, other in zip(drawn, alone, strict=True):
        np.testing.assert_array_equal(one.flow, other.flow)
        np.testing.assert_array_equal(one.frame.pixels, other.frame.pixels)
    assert summarize_flow(drawn).to_dict() == summarize_flow(alone).to_dict()


def test_a_gray_pair_without_any_motion() -> None:
    gray = np.full((60, 80), 50, np.uint8)
    pair = FlowFrame(np.zeros((60, 80, 2), np.float32), Frame(gray, 0.0), Frame(gray, 0.1), 80, 60)
    drawn = render_flow(pair, legend=False)
    assert (drawn[:, :80] == 50).all()
    assert (drawn[:, 80:] == 255).all()


def test_the_video_itself_is_never_written_over(moving_video: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.mp4"
    own.write_bytes(moving_video.read_bytes())
    link = tmp_path / "link.mp4"
    link.symlink_to(own)
    for output in (own, tmp_path / "." / "own.mp4", link):
        with pytest.raises(OutputError, match="the video itself"):
            write_flow_video(own, output)
    assert own.read_bytes() == moving_video.read_bytes()


def test_bad_input(tmp_path: Path, moving_video: Path) -> None:
    with VideoWriter(tmp_path / "one.mp4", width=32, height=32) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(VideoError, match="single frame"):
        write_flow_video(tmp_path / "one.mp4", tmp_path / "flow.mp4")
    with pytest.raises(OptionError, match="scale is 'shot'"):
        write_flow_video(moving_video, tmp_path / "flow.mp4", scale="shot")
    for speed in (-1, 0, float("inf"), float("nan")):
        with pytest.raises(OptionError, match=f"max_speed is {speed}; it must be positive"):
            write_flow_video(moving_video, tmp_path / "flow.mp4", max_speed=speed)
    assert [path.name for path in tmp_path.iterdir()] == ["one.mp4"]
