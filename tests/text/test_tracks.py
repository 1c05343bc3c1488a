"""Text over time."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from muybridge.errors import OptionError
from muybridge.observer import Observer, Resumable
from muybridge.pipeline.encoding import decode, encode
from muybridge.text.closeup import CloseUp
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


def drawn(wall: np.ndarray, texts: list[str]) -> list[np.ndarray]:
    return [text_on(wall, text, 60, 200) if text else wall for text in texts]


@pytest.mark.parametrize(
    "texts",
    [
        ["HOME 0 : 1 AWAY", "HOME 1 : 1 AWAY", "HOME 2 : 1 AWAY"],
        ["We saw the cat today", "We saw the hat today", "We saw the bat today"],
        ["Time left 60 seconds", "Time left 59 seconds", "Time left 58 seconds"],
        ["Question 9 of 20", "Question 10 of 20", "Question 11 of 20"],
    ],
)
def test_a_character_that_changes_makes_another_line(
    tmp_path: Path, networks: PPOCRNetworks, texts: list[str]
) -> None:
    gray = np.full((360, 640, 3), 60, np.uint8)
    pictures = drawn(gray, [text for text in texts for _ in range(25)])
    tracks = track_text(write(tmp_path / "change.mp4", pictures), networks=networks)
    assert ["".join(track.text.split()) for track in tracks] == ["".join(text.split()) for text in texts]
    times = np.array([(track.start_seconds, track.end_seconds) for track in tracks])
    assert times == pytest.approx(np.array([[0, 1.25], [1.25, 2.5], [2.5, 3.75]]))


def test_a_character_that_changes_over_a_moving_background(tmp_path: Path, networks: PPOCRNetworks) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 200, 3), np.uint8)
    behind = cv2.resize(noise, (2000, 360))
    texts = ["Total: 19 EUR"] * 40 + ["Total: 28 EUR"] * 40
    pictures = [
        text_on(behind[:, 5 * place : 5 * place + 640], text, 60, 200) for place, text in enumerate(texts)
    ]
    tracks = track_text(write(tmp_path / "moving.mp4", pictures), networks=networks)
    assert [track.text for track in tracks] == ["Total: 19 EUR", "Total: 28 EUR"]
    assert tracks[0].end_seconds == pytest.approx(2, abs=0.2)
    assert tracks[1].start_seconds == pytest.approx(2, abs=0.2)


def test_a_line_that_stays_is_read_twice_and_once_more_at_a_cut(
    tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    pictures = [text_on(wall if place < 60 else wall[::-1], "LIVE NEWS", 60, 200) for place in range(120)]
    path = write(tmp_path / "cut.mp4", pictures)
    before = networks.num_recognized
    (track,) = track_text(path, networks=networks)
    assert (track.text, track.start_seconds, track.end_seconds) == ("LIVE NEWS", 0, pytest.approx(6))
    assert networks.num_recognized - before <= 3


NAMES = (
    "Alice Moore",
    "Robert Chen",
    "Maria Lopez",
    "Dieter Braun",
    "Yuki Tanaka",
    "Fatima Noor",
    "Liam Walsh",
)


def test_credits_are_one_line_for_each_name(tmp_path: Path, networks: PPOCRNetworks) -> None:
    # Baselines 48 pixels apart, 2.5 pixels a picture: 7.5 in the small pictures from glance to glance.
    black = np.zeros((360, 640, 3), np.uint8)
    pictures = []
    for place in range(290):
        picture = black
        for row, name in enumerate(NAMES):
            picture = text_on(picture, name, 180, round(384 + 48 * row - 2.5 * place))
        pictures.append(picture)
    tracks = track_text(write(tmp_path / "credits.mp4", pictures), networks=networks)
    assert [track.text for track in tracks] == list(NAMES)
    for row, track in enumerate(tracks):
        enters, leaves = (24 + 48 * row) / 50, (384 + 48 * row) / 50  # its baseline
        assert track.start_seconds == pytest.approx(enters, abs=0.5)
        assert track.end_seconds == pytest.approx(min(leaves, 14.5), abs=0.5)


def test_a_line_that_is_typed_is_one_line(tmp_path: Path, networks: PPOCRNetworks) -> None:
    text = "The quick brown fox"
    black = np.zeros((360, 640, 3), np.uint8)
    pictures = drawn(black, [text[: place // 3] for place in range(100)])
    (track,) = track_text(write(tmp_path / "typed.mp4", pictures), networks=networks)
    assert track.text == text
    assert track.start_seconds < 1
    assert track.end_seconds == pytest.approx(5)


def test_a_video_without_text_costs_a_look_or_two(
    tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    path = write(tmp_path / "none.mp4", [np.roll(wall, 3 * frame, axis=1) for frame in range(100)])
    before = networks.num_detected
    assert track_text(path, networks=networks) == []
    assert networks.num_detected - before <= 2


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray) -> None:
    pictures = [wall.copy() for _ in range(50)]
    pictures[8:28] = [text_on(wall, "room 4711", 200, 180)] * 20
    pictures[28:43] = [text_on(wall, "room 4712", 200, 180)] * 15
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
    assert [segment.label for segment in whole] == ["room 4711", "room 4712"]
    for frame in (5, 20, 30, 34, 45):
        assert run(frame) == whole


def test_a_line_that_appears_shortly_after_another_is_read(
    tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    first = text_on(wall, "Chapter One", 30, 60)
    pictures = [wall] * 8 + [first] * 6 + [text_on(first, "Maria Keller", 320, 330)] * 36
    tracks = track_text(write(tmp_path / "two.mp4", pictures), networks=networks)
    lines = [(track.text, track.start_seconds, track.end_seconds) for track in tracks]
    assert lines == [("Chapter One", 0.4, 2.5), ("Maria Keller", pytest.approx(0.7), 2.5)]


def test_a_line_that_appears_as_another_vanishes_elsewhere_is_read(
    tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    first, second = text_on(wall, "Chapter One", 30, 60), text_on(wall, "Maria Keller", 320, 330)
    tracks = track_text(write(tmp_path / "swap.mp4", [first] * 24 + [second] * 36), networks=networks)
    lines = [(track.text, track.start_seconds, track.end_seconds) for track in tracks]
    assert lines == [("Chapter One", 0.0, 1.2), ("Maria Keller", 1.2, 3.0)]


def test_a_line_that_has_stood_and_is_pushed_aside_keeps_its_start(
    tmp_path: Path, networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    places = [150] * 40 + [158] * 40
    pictures = [text_on(wall, "Live from Geneva", x, 300) for x in places] + [wall] * 10
    before = networks.num_recognized
    (track,) = track_text(write(tmp_path / "pushed.mp4", pictures), networks=networks)
    assert (track.text, track.start_seconds, track.end_seconds) == ("Live from Geneva", 0.0, 4.0)
    # It has come to rest: it need not be read again and again.
    assert networks.num_recognized - before <= 3


def test_a_line_that_the_border_of_a_look_cuts_off_is_looked_at_as_a_whole(
    networks: PPOCRNetworks, wall: np.ndarray
) -> None:
    observer = TextObserver(networks=networks)
    observer.start(VideoMetadata("none.mp4", width=640, height=360))
    observer.observe(Frame(wall, 0.0))
    frame = Frame(text_on(wall, "Then the storm came", 100, 200), 0.1)
    observer.observe(frame)  # before the next glance: nothing is read yet
    found, area = observer._look(CloseUp(frame, networks, 640), (260, 150, 400, 230), 0)
    assert [evidence.decode().text for _, evidence in found] == ["Then the storm came"]
    assert area == (0, 150, 640, 230)


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
