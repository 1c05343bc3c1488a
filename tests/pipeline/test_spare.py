"""Pictures that are left out: what is found is what lies in the file, to the frame, also where nothing was decoded."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import muybridge.video.spare
from muybridge.motion.scenes import ScenesObserver
from muybridge.observer import Finding, View
from muybridge.pipeline.analyze import analyze
from muybridge.text.ppocr import PPOCRNetworks
from muybridge.text.tracks import TextObserver
from muybridge.values import Frame, VideoMetadata
from muybridge.video.reader import Pace, open_video
from muybridge.video.writer import VideoWriter

FPS = 30
# Three B pictures between two others, whatever they show: the first and the third of them are spare.
REGULAR = {"x264-params": "scenecut=0:bframes=3:b-adapt=0:b-pyramid=normal:keyint=600"}
WIDTH, HEIGHT = 320, 180


def room(seed: int) -> NDArray[np.uint8]:
    blocks = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), np.uint8)
    return np.asarray(cv2.resize(blocks, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def write(path: Path, pictures: Iterable[NDArray[np.uint8]]) -> Path:
    with VideoWriter(
        path, width=WIDTH, height=HEIGHT, frames_per_second=FPS, codec_options=REGULAR, keyframe_seconds=20
    ) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


def with_line(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    drawn = picture.copy()
    cv2.putText(drawn, "lighthouse 42", (40, 150), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    return drawn


class Watchful:
    """Wants every picture; keeps their places."""

    name, view = "watchful", View(short_side_px=36)

    def settings(self) -> Mapping[str, Any]:
        return {}

    def start(self, source: VideoMetadata) -> None:
        self.places: list[int] = []

    def observe(self, frame: Frame) -> list[Finding]:
        self.places.append(frame.index)
        return []

    def finish(self, end_seconds: float) -> list[Finding]:
        return []


class Sparing(Watchful):
    """Does not mind what is left out."""

    name, view = "sparing", View(short_side_px=36, sparing=True)


@pytest.fixture(scope="module")
def networks() -> PPOCRNetworks:
    return PPOCRNetworks(num_threads=1)


@pytest.fixture
def no_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the sizes of packets never told where a new scene begins."""
    monkeypatch.setattr(muybridge.video.spare, "_is_large", lambda packets: np.zeros(len(packets), np.bool_))


def test_every_second_picture_is_left_out_and_the_others_are_the_same_to_the_last_bit(tmp_path: Path) -> None:
    moving = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH + 90, 3), np.uint8)
    moving = cv2.GaussianBlur(moving, (9, 9), 3)
    path = write(tmp_path / "pan.mp4", (moving[:, n : n + WIDTH] for n in range(90)))
    with open_video(path) as video:
        whole = {picture.index: picture for picture in video.pictures(quick=True)}
        shown = list(video.pictures(quick=True, sparing=True))
        assert len(whole) == 90
        assert 40 <= len(video.spare) <= 45
        assert [picture.index for picture in shown] == sorted(set(range(90)) - video.spare)
        for picture in shown:
            same = whole[picture.index]
            assert (picture.pts_seconds, picture.duration_seconds) == (
                same.pts_seconds,
                same.duration_seconds,
            )
            assert np.array_equal(picture.frame().pixels, same.frame().pixels)
        # Motion still gets its fifteen looks a second.
        pace = Pace(15.0)
        assert sum(pace.wants(picture.pts_seconds) for picture in shown) == 45
        # What was left out can be had one by one.
        assert video.left_out is not None
        places = sorted(video.spare)
        moments = [place / FPS for place in places[3:5]]
        assert video.left_out.seconds(moments[0] - 0.01, moments[1] + 0.01) == pytest.approx(moments)
        found = video.left_out.frames(moments[0] - 0.01, moments[1] + 0.01, View())
        assert [frame.index for frame in found] == places[3:5]
        for frame in found:
            assert np.array_equal(frame.pixels, whole[frame.index].frame().pixels)


@pytest.mark.parametrize("first", [40, 41, 42, 43])
def test_a_cut_is_found_at_its_frame_though_that_was_left_out(
    tmp_path: Path, no_guess: None, first: int
) -> None:
    path = write(tmp_path / "cut.mp4", (room(1 if n < first else 2) for n in range(90)))
    with open_video(path) as video:
        assert (first in video.spare) == (first % 2 == 1)
    shots = analyze(path, observers=[ScenesObserver()], use_cache=False).of("shot")
    assert [shot.start_seconds for shot in shots] == pytest.approx([0.0, first / FPS])
    assert shots[-1].end_seconds == pytest.approx(3.0)


@pytest.mark.parametrize("first", [40, 41, 42, 43])
def test_pictures_before_one_as_large_as_a_new_scene_are_decoded(tmp_path: Path, first: int) -> None:
    path = write(tmp_path / "cut.mp4", (room(1 if n < first else 2) for n in range(90)))
    with open_video(path) as video:
        # The first picture that was decoded of the new scene is a P picture; the three before it may show it too.
        anchor = -(-first // 4) * 4
        assert not video.spare & {anchor - 3, anchor - 2, anchor - 1}
        assert len(video.spare) > 38


@pytest.mark.parametrize(("first", "end"), [(31, 71), (30, 72), (33, 70)])
def test_a_line_begins_and_ends_at_its_frames_though_they_were_left_out(
    tmp_path: Path, networks: PPOCRNetworks, no_guess: None, first: int, end: int
) -> None:
    wall = room(3) // 3
    pictures = (with_line(wall) if first <= n < end else wall for n in range(120))
    path = write(tmp_path / "line.mp4", pictures)
    with open_video(path) as video:
        assert [first in video.spare, end in video.spare] == [first % 2 == 1, end % 2 == 1]
    [line] = analyze(path, observers=[TextObserver(networks=networks)], use_cache=False).of("text")
    assert line.label == "lighthouse 42"
    assert (line.start_seconds, line.end_seconds) == pytest.approx((first / FPS, end / FPS))


def test_who_wants_every_picture_gets_it_and_changes_nothing_for_others(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.mp4", (room(1 if n < 41 else 2) for n in range(90)))
    watchful, along = Watchful(), Sparing()
    together = analyze(path, observers=[ScenesObserver(), watchful, along], use_cache=False)
    assert watchful.places == list(range(90))
    alone = Sparing()
    by_itself = analyze(path, observers=[ScenesObserver(), alone], use_cache=False)
    assert along.places == alone.places
    assert len(alone.places) < 55
    assert by_itself.segments == together.segments
