"""Transport streams of which packets were lost on the way, and those that only look so."""

import os
import threading
import warnings
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from muybridge.errors import DamagedVideoWarning
from muybridge.observer import View
from muybridge.video import open_video, read_packets
from muybridge.video.losses import believed, with_losses
from muybridge.video.sources import open_source

NUM_FRAMES = 60
PIECE = 188
"""Bytes of a transport stream's packet."""
CODECS = {
    "libx264": {"x264-params": "keyint=20:min-keyint=20:scenecut=0:bframes=2:no-deblock=1", "crf": "12"},
    "mpeg2video": {"g": "20", "bf": "2", "b": "3M", "sc_threshold": "1000000000"},
}


def write(path: Path, codec: str) -> Path:
    """Noise that moves, at 25 frames a second: each picture takes many pieces."""
    noise = np.random.default_rng(0).integers(0, 255, (24, 64, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=CODECS[codec])
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(NUM_FRAMES):
            pixels = np.ascontiguousarray(noise[:, number : number + 160])
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def by_time(path: Path) -> dict[int, np.ndarray]:
    """The pictures as PyAV decodes them, by their milliseconds."""
    with av.open(str(path)) as container:
        return {round(1000 * f.time): f.to_ndarray(format="rgb24") for f in container.decode(video=0)}  # type: ignore[operator]


def lossy(whole: Path, path: Path, share: float) -> Path:
    """The same without one piece, so far on."""
    data = whole.read_bytes()
    start = round(share * len(data) / PIECE) * PIECE
    path.write_bytes(data[:start] + data[start + PIECE :])
    return path


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("share", [0.55, 0.6, 0.8])
def test_nothing_is_made_from_what_was_lost(tmp_path: Path, codec: str, share: float) -> None:
    whole = write(tmp_path / "whole.ts", codec)
    sound = by_time(whole)

    def is_sound(pixels: np.ndarray, seconds: float) -> bool:
        return np.array_equal(pixels, sound[round(1000 * seconds)])

    with open_video(lossy(whole, tmp_path / "lossy.ts", share)) as video, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        frames = list(video)
        assert len(video.warnings) == 1
        assert "could not be decoded from" in video.warnings[0]
        assert NUM_FRAMES - 21 <= len(frames) < NUM_FRAMES
        assert all(is_sound(frame.pixels, frame.pts_seconds) for frame in frames)
        through = {frame.index for frame in frames}
        for place in range(1, len(video)):
            clip = video.frames_at(indices=[0, place])
            assert clip.indices[1] == place if place in through else clip.indices[1] <= place
            assert is_sound(clip.pixels[1], clip.pts_seconds[1])
        assert (
            "some of the frames that are asked for cannot be decoded; their neighbors stand in"
            in video.warnings
        )
        for start in video.packets.pts_seconds[[10, 30, 45]]:
            late = list(video.pictures(start_seconds=float(start)))
            assert all(is_sound(picture.frame(View()).pixels, picture.pts_seconds) for picture in late)


def test_a_live_stream_gives_nothing_that_is_made_from_what_was_lost(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.ts", "libx264")
    sound = list(by_time(whole).values())
    data = lossy(whole, tmp_path / "lossy.ts", 0.8).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(data), daemon=True)
    writer.start()
    with open_source(pipe, read_timeout_seconds=5) as source:
        frames = list(source)
    writer.join(5)
    assert 30 < len(frames) < NUM_FRAMES
    assert all(any(np.array_equal(frame.pixels, pixels) for pixels in sound) for frame in frames)
    assert any("could not be decoded" in note for note in source.notes)


def test_where_files_were_joined_nothing_is_lost(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.ts", "libx264")
    path = tmp_path / "joined.ts"
    path.write_bytes(2 * whole.read_bytes())
    with av.open(str(path)) as container:
        assert sum(packet.is_corrupt for packet in container.demux(video=0)) == 1
    assert not read_packets(path).is_lost.any()
    with open_video(path) as video:
        assert len(list(video)) == 2 * NUM_FRAMES
        assert video.warnings == ()


@pytest.mark.parametrize(
    ("codec", "group", "num"), [("libx264", 1, 30), ("libx264", 2, 31), ("mpeg2video", 12, 37)]
)
def test_where_files_were_joined_after_a_keyframe_nothing_is_lost(
    tmp_path: Path, codec: str, group: int, num: int
) -> None:
    path = tmp_path / "joined.ts"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": str(group), "bf": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 192, 144, "yuv420p"
        for number in range(num):
            level = np.full((144, 192, 3), 6 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(level, "rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(3 * path.read_bytes())
    with av.open(str(path)) as container:
        assert [packet.is_corrupt for packet in container.demux(video=0)].count(True) == 2
    with open_video(path) as video:
        assert len(list(video)) == 3 * num
        assert video.warnings == ()


def packets(marks: str) -> list[Any]:
    """`!` is marked, `K` a keyframe, `k` both; `|` stands before a file whose clock begins anew."""
    return [
        SimpleNamespace(is_corrupt=mark in "!k", is_keyframe=mark in "Kk", dts=number)
        for part in marks.split("|")
        for number, mark in enumerate(part)
    ]


@pytest.mark.parametrize(
    ("marks", "lost"),
    [
        ("K--!---K-", "...xx...."),
        ("K--!K--K-", "...xx...."),  # the hole is in the keyframe
        ("K--!-K---", "........."),  # another file begins
        ("K-!!-K---", "..xx....."),
        ("KKkK|KKKK", "........"),  # another file, of nothing but keyframes
        ("KKkKKKKK", "..xx...."),
        ("K--!K|K---", "........."),
        ("k--", "xx."),
        ("K-!", "..x"),
        ("", ""),
    ],
)
def test_the_hole_is_in_the_packet_after_the_mark(marks: str, lost: str) -> None:
    assert "".join("x" if packet.is_corrupt else "." for packet in with_losses(packets(marks))) == lost


def test_marks_that_are_everywhere_are_not_believed() -> None:
    live = list(with_losses(packets("k" + 29 * "!"), doubts=True))
    assert [packet.is_corrupt for packet in live] == [True] * 9 + [False] * 21
    is_lost, says = believed([packet.is_corrupt for packet in with_losses(packets("k" + 29 * "!"))])
    assert not any(is_lost)
    assert says.startswith("30 of 30 packets are marked as incomplete")
