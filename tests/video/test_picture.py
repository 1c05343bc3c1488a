"""Samples of the decoder's planes, and pictures that a decoder gives at a fraction of their size."""

import gc
import warnings
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.errors import DamagedVideoWarning
from muybridge.observer import View
from muybridge.video import open_video
from muybridge.video.decoder import MAX_HALVINGS
from muybridge.video.picture import Converter, DecodedPicture

WIDTH, HEIGHT = 352, 288


def colorful(shift: int = 0) -> NDArray[np.uint8]:
    """A smooth picture of many colors, (HEIGHT, WIDTH, 3)."""
    x, y = np.meshgrid(np.arange(WIDTH) + shift, np.arange(HEIGHT))
    channels = [128 + 100 * np.sin(x / 40), 128 + 100 * np.cos(y / 30), 128 + 90 * np.sin((x + y) / 50)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize(
    "pixel_format",
    ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuvj444p", "nv12", "yuv420p10le", "rgb24", "gray"],
)
def test_samples_are_the_converted_picture(pixel_format: str, rotation: int) -> None:
    frame = av.VideoFrame.from_ndarray(colorful(), format="rgb24").reformat(format=pixel_format)
    converter = Converter(rotation)
    size = (72, 88) if rotation in (90, 270) else (88, 72)
    planes = converter.sample(frame, *size)
    pixels = converter.convert(frame, *size, "rgb24")
    expected = cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb)
    assert [plane.shape for plane in planes] == [size[::-1]] * 3
    assert all(plane.flags.c_contiguous for plane in planes)
    difference = np.abs(np.stack(planes, axis=-1).astype(int) - expected)
    assert difference.mean() < 2.5  # exchanged chroma or a wrong range would be tens
    assert np.percentile(difference, 99) <= 9


def write(path: Path, codec: str, *, num_frames: int = 24) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 2_000_000
        for number in range(num_frames):
            frame = av.VideoFrame.from_ndarray(colorful(2 * number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("codec", ["mjpeg", "msmpeg4", "msmpeg4v2", "mpeg4", "mpeg1video", "mpeg2video"])
def test_a_decoder_that_can_gives_small_pictures_of_the_same_frames(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "small.avi"
    write(path, codec)
    with open_video(path) as video:
        divisor = 2 ** MAX_HALVINGS[video.metadata.codec]
        whole = [(picture.pts_seconds, picture.sample(36)) for picture in video.pictures()]
        small = list(video.pictures(short_side_px=36))
        assert len(whole) == len(small) == len(video)
        for (seconds, planes), picture in zip(whole, small, strict=True):
            assert picture.size == (WIDTH // divisor, HEIGHT // divisor)
            assert picture.pts_seconds == seconds
            for full, reduced in zip(planes, picture.sample(36), strict=True):
                assert np.abs(full.astype(int) - reduced).mean() < 5
        assert not video.warnings


@pytest.mark.parametrize(
    ("codec", "side", "height"), [("mjpeg", 72, 72), ("mjpeg", 73, 288), ("libx264", 36, 288)]
)
def test_pictures_are_never_smaller_than_asked_for(
    tmp_path: Path, codec: str, side: int, height: int
) -> None:
    path = tmp_path / "small.mkv"
    write(path, codec, num_frames=3)
    with open_video(path) as video:
        assert {picture.size[1] for picture in video.pictures(short_side_px=side)} == {height}


def test_damage_is_left_out_of_small_pictures_too(tmp_path: Path) -> None:
    path = tmp_path / "broken.avi"
    write(path, "msmpeg4", num_frames=40)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert packets[20].pos is not None
        data[packets[20].pos + 40 : packets[20].pos + packets[20].size - 40] = bytes(packets[20].size - 80)
    path.write_bytes(data)
    found = []
    for short_side_px in (None, 36):
        with open_video(path) as video, warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedVideoWarning)
            times = [picture.pts_seconds for picture in video.pictures(short_side_px=short_side_px)]
            found.append((times, video.warnings))
    assert found[0] == found[1]
    assert any("could not be decoded" in warning for warning in found[0][1])


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "nv12"])
def test_a_small_view_is_the_mean_of_what_it_covers_and_the_same_in_any_company(
    pixel_format: str, rotation: int
) -> None:
    large = cv2.resize(colorful(), (1280, 720), interpolation=cv2.INTER_CUBIC)
    frame = av.VideoFrame.from_ndarray(large, format="rgb24").reformat(format=pixel_format)
    upright = np.rot90(large, k=-rotation // 90)
    size = (120, 213) if rotation else (213, 120)
    alone, accompanied = Converter(rotation), Converter(rotation)
    for other in ((270, 480), (96, 171)) if rotation else ((480, 270), (171, 96)):
        accompanied.convert(frame, *other, "rgb24")
    expected = cv2.resize(upright, size, interpolation=cv2.INTER_AREA)
    for kind, wanted in (("rgb24", expected), ("gray8", cv2.cvtColor(expected, cv2.COLOR_RGB2GRAY))):
        pixels = alone.convert(frame, *size, kind)
        assert np.array_equal(pixels, accompanied.convert(frame, *size, kind))
        assert np.abs(pixels.astype(int) - wanted).mean() < 2.5


def test_planes_of_the_last_picture_are_not_taken_for_the_next() -> None:
    converter = Converter()
    frames = [
        av.VideoFrame.from_ndarray(np.full((720, 1280, 3), level, np.uint8), format="rgb24").reformat(
            format="yuv420p"
        )
        for level in (40, 200)
    ]
    means = [converter.convert(frame, 213, 120, "gray8").mean() for frame in (*frames, *frames)]
    assert np.allclose(means, [40, 200, 40, 200], atol=2)


def test_a_decoder_of_one_thread_gives_the_same_pictures(tmp_path: Path) -> None:
    path = tmp_path / "threads.mkv"
    write(path, "libx264")
    with open_video(path) as video:
        seen = [
            [(p.pts_seconds, p.sample(36)[0].tobytes()) for p in video.pictures(max_threads=most)]
            for most in (1, 4, None)
        ]
    assert len(seen[0]) == 24
    assert seen[0] == seen[1] == seen[2]


def test_a_picture_is_gone_with_its_last_frame(sample_video: Path) -> None:
    gc.collect()
    gc.disable()  # what only the collector can free stays meanwhile
    try:
        with open_video(sample_video) as video:
            for picture in video.pictures():
                frame = picture.frame(View(short_side_px=24))
                assert frame.closer is not None
            del picture, frame
        assert not [thing for thing in gc.get_objects() if type(thing) is DecodedPicture]
    finally:
        gc.enable()


def write_strip(path: Path) -> Path:
    """Two lines of 8190 pixels: black but for a gray middle of two pixels."""
    pixels = np.zeros((2, 8190, 3), np.uint8)
    pixels[:, 4094:4096] = 100
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 8190, 2, "yuv444p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_strips_are_not_blown_up(tmp_path: Path) -> None:
    with open_video(write_strip(tmp_path / "strip.mkv")) as video:
        picture = next(iter(video.pictures()))
        assert picture.sample(72)[0].shape == (72, 16 * 72)
        assert picture.frame(View(short_side_px=72)).pixels.shape == (72, 16 * 72, 3)
        for size, expected in ((100, (100, 100, 3)), ((300, 200), (200, 300, 3))):
            middle = video.frames_at(indices=[1], size_px=size).pixels[0]
            assert middle.shape == expected
            assert abs(int(middle[expected[0] // 2, expected[1] // 2, 0]) - 100) <= 2
        square = video.frames_at(indices=[1], size_px=100).pixels[0]
        assert (
            np.abs(square.astype(int) - 100).max() <= 2
        )  # the two gray pixels, enlarged, and nothing beside them


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((160, 120), (96, 72)),
        ((40, 30), (96, 72)),
        ((1152, 72), (1152, 72)),
        ((7300, 73), (7200, 72)),
        ((640, 40), (1152, 72)),
        ((800, 40), (1152, 72)),
        ((2, 8190), (72, 1152)),
    ],
)
def test_a_view_of_a_short_side(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert View(short_side_px=72).fit(*size) == expected
