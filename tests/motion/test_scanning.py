"""Scanning a file: what the detector finds in the decoder's own planes is what it finds in pixels."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from motion.scenery import dissolve, scene, still
from muybridge.motion import scanning
from muybridge.motion.appearance import Appearance, describe_planes
from muybridge.motion.scanning import scan
from muybridge.motion.shots import ShotDetector
from muybridge.observer import View
from muybridge.video import open_video
from muybridge.video.reader import Video
from muybridge.video.spare import LeftOutPictures

FPS, CUTS, DISSOLVE = 25, (2.0, 4.0), (6.0, 6.8)


@pytest.fixture(scope="module")
def pictures() -> list[NDArray[np.uint8]]:
    a, b, c, d = (cv2.resize(scene(seed), (512, 288)) for seed in (1, 2, 3, 4))
    shots = [*still(a, 50), *still(b, 50), *still(c, 50), *dissolve(c, d, 20), *still(d, 60)]
    return [np.asarray(picture, np.uint8) for picture in shots]


def write(path: Path, codec: str, pictures: list[NDArray[np.uint8]]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 2_000_000
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("codec", ["libx264", "mjpeg", "msmpeg4", "mpeg4"])
def test_a_scan_finds_what_the_detector_finds_in_pixels(
    tmp_path: Path, pictures: list[NDArray[np.uint8]], codec: str
) -> None:
    with open_video(write(tmp_path / "film.mkv", codec, pictures)) as video:
        found = scan(video)
        detector, expected = ShotDetector(), []
        for frame in video.frames(View(short_side_px=72)):
            expected += detector.observe(frame.pixels, frame.pts_seconds)
        expected += detector.finish()
    assert [boundary.transition for boundary in found] == ["cut", "cut", "dissolve"]
    assert [boundary.transition for boundary in expected] == ["cut", "cut", "dissolve"]
    assert [boundary.seconds for boundary in found[:2]] == pytest.approx(CUTS, abs=0.002)
    assert DISSOLVE[0] <= found[2].seconds <= DISSOLVE[1]
    assert [b.seconds for b in found] == pytest.approx([b.seconds for b in expected], abs=0.1)


def test_a_stretch_alone(tmp_path: Path, pictures: list[NDArray[np.uint8]]) -> None:
    with open_video(write(tmp_path / "film.mp4", "libx264", pictures)) as video:
        assert [boundary.seconds for boundary in scan(video, first=70, end=130)] == pytest.approx([4.0])
        assert scan(video, first=60, end=90) == []


def test_pictures_that_no_other_is_made_from_are_left_out_where_one_scene_goes_on(
    tmp_path: Path, pictures: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    described = list[int]()

    def counting(*planes: NDArray[np.uint8]) -> Appearance:
        described.append(len(planes))
        return describe_planes(*planes)

    monkeypatch.setattr(scanning, "describe_planes", counting)
    with open_video(write(tmp_path / "film.mp4", "libx264", pictures)) as video:
        everything, num_frames = scan(video), len(described)
        assert num_frames == len(pictures)
        assert scan(video, sparing=True) == everything
        assert len(described) - num_frames <= 0.8 * num_frames
        assert video.spare


def test_a_cut_among_what_is_left_out_is_found_to_the_frame(
    tmp_path: Path, pictures: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_video(write(tmp_path / "film.mp4", "libx264", pictures)) as video:
        # As if the sizes had not told of the cut: the frames about it are not decoded either.
        spare = frozenset({*video.spare, 48, 49, 50, 51})
        monkeypatch.setattr(Video, "spare", spare)
        monkeypatch.setattr(Video, "left_out", LeftOutPictures(video, np.array(sorted(spare))))
        assert [boundary.seconds for boundary in scan(video, end=90, sparing=True)] == pytest.approx([2.0])
