"""Text over time."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from muybridge.errors import OptionError
from muybridge.observer import Observer, Resumable
from muybridge.pipeline.encoding import decode, encode
from muybridge.text.ppocr import PPOCRNetworks
from muybridge.text.tracks import TextObserver, track_text
from muybridge.values import Frame, Segment, TextTrack, VideoMetadata
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter


def test_the_real_subtitles_to_the_frame(shared: Path, networks: PPOCRNetworks) -> None:
    before = networks.num_recognized
    tracks = track_text(shared / "clips" / "subtitles_zh.mp4", networks=networks)
    lines = [track for track in tracks if track.end_seconds - track.start_seconds > 0.2]
    assert [track.text for track in lines] == ["空间里面他绝对赢不了的", "我进去帮他", "你们接着善后"]
    times = np.array([(track.start_seconds, track.end_seconds) for track in lines])
    assert times == pytest.approx(np.array([[0, 10], [10, 28], [37, 61]]) / 24)
    assert networks.num_recognized - before <= 72 / 5  # per-frame reading needs one or more for each frame


def write(path: Path, pictures: list[np.ndarray]) -> Path:
    height, width, _ = pictures[0].shape
    with VideoWriter(path, width=width, height=height, frames_per_second=20) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


def text_on(picture: np.ndarray, text: str, x: int, y: int, opacity: float = 1.0) -> np.ndarray:
    drawn = picture.copy()
    cv2.putText(drawn, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (255, 255, 255), 3)
    return cv2.addWeighted(drawn, opacity, picture, 1 - opacity, 0)


@pytest.fixture(scope="module")
def wall() -> np.ndarray:
    noise = np.random.default_rng(0).integers(40, 110, (20, 32, 3), np.uint8)
    return cv2.resize(noise, (640, 360), interpolation=cv2.INTER_CUBIC)


def test_a_line_over_a_moving_background_to_the_frame(
    tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    pictures = [np.roll(wall, 5 * frame, axis=1) for frame in range(60)]
    pictures[13:47] = [text_on(picture, "lighthouse 42", 150, 300) for picture in pictures[13:47]]
    (track,) = track_text(write(tmp_path / "line.mp4", pictures), networks=networks)
    assert track.text == "lighthouse 42"
    assert (track.start_seconds, track.end_seconds) == pytest.approx((13 / 20, 47 / 20))
    left, top = np.min(track.polygon, axis=0)
    assert (left, top) == pytest.approx((150, 272), abs=14)
    assert TextTrack.from_segment(track.to_segment()) == track


def test_a_line_that_fades_begins_and_ends_about_half_way(
    tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    opacity = np.interp(range(80), (10, 20, 55, 65), (0, 1, 1, 0))
    pictures = [text_on(wall, "The Horse", 180, 200, strength) for strength in opacity]
    (track,) = track_text(write(tmp_path / "fade.mp4", pictures), networks=networks)
    assert track.text == "The Horse"
    assert (track.start_seconds, track.end_seconds) == pytest.approx((15 / 20, 60 / 20), abs=0.21)


def test_a_line_that_scrolls_is_one_line(tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray) -> None:
    pictures = [text_on(wall, "Directed by Ada", 150, 380 - 5 * frame) for frame in range(85)]
    (track,) = track_text(write(tmp_path / "scroll.mp4", pictures), networks=networks)
    assert track.text == "Directed by Ada"
    # Its foot enters at frame 4 and leaves at frame 76.
    assert track.start_seconds == pytest.approx(0.35, abs=0.3)
    assert track.end_seconds == pytest.approx(3.7, abs=0.3)


def test_a_video_without_text_costs_a_look_or_two(
    tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    path = write(tmp_path / "none.mp4", [np.roll(wall, 3 * frame, axis=1) for frame in range(100)])
    before = networks.num_detected
    assert track_text(path, networks=networks) == []
    assert networks.num_detected - before <= 2


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray) -> None:
    pictures = [wall.copy() for _ in range(50)]
    pictures[8:38] = [text_on(wall, "room 4711", 200, 180)] * 30
    path = write(tmp_path / "stopped.mp4", pictures)

    def run(stop_after: int | None) -> list[Segment]:
        observer = TextObserver(networks=networks)
        segments: list[Segment] = []
        with open_video(path) as video:
            observer.start(video.metadata)
            for number, frame in enumerate(video.frames(observer.view)):
                segments += observer.observe(frame)
                if number == stop_after:
                    saved = decode(encode(observer.state()))
                    observer = TextObserver(networks=networks)
                    observer.start(video.metadata)
                    observer.restore(saved)
            return segments + list(observer.finish(2.5))

    whole = run(None)
    assert [segment.label for segment in whole] == ["room 4711"]
    for frame in (5, 20, 40):
        assert run(frame) == whole


def test_the_observer_keeps_the_contract(networks: PPOCRNetworks) -> None:
    observer = TextObserver(networks=networks)
    assert isinstance(observer, Observer)
    assert isinstance(observer, Resumable)
    observer.start(VideoMetadata("none.mp4", width=64, height=48))
    assert observer.finish(0.0) == []
    tiny = Frame(np.zeros((1, 1, 3), np.uint8), 0.0)
    assert observer.observe(tiny) == []
    with pytest.raises(OptionError, match="min_score"):
        TextObserver(min_score=-1)
