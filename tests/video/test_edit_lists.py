"""MP4s whose edit list has several parts, as editors and phones write them: sound, and shown as the list says.

The oracle is a plain decode of the file from its first packet to its last by PyAV.
"""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from muybridge.errors import DamagedVideoWarning
from muybridge.observer import View
from muybridge.video import open_video, read_packets

NUM_FRAMES = 100
TICKS = 512
"""Of a frame, at 25 a second."""
PARENTS = (b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl")


def number_of(pixels: np.ndarray) -> int:
    """What a frame of `write` says."""
    columns = pixels[:32].reshape(32, 8, -1).mean((0, 2))
    return sum(1 << bit for bit, level in enumerate(columns) if level > 120)


def write(path: Path, codec: str, options: dict[str, str]) -> Path:
    """A video whose n-th frame says n in eight columns, black or white, above a texture that moves."""
    texture = np.random.default_rng(0).integers(0, 255, (32, 128), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        stream.codec_context.gop_size = 12
        for number in range(NUM_FRAMES):
            bits = np.array([number >> bit & 1 for bit in range(8)], np.uint8)
            columns = np.tile(np.repeat(bits * 235, 16), (32, 1))
            gray = np.vstack([columns, np.roll(texture, number, 1)])
            frame = av.VideoFrame.from_ndarray(np.repeat(gray[:, :, None], 3, axis=2), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def with_edit_list(path: Path, *parts: tuple[int, float]) -> Path:
    """Write the file anew with an edit list of these parts: milliseconds, and the frame at which each begins."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        # The first frame of the media lies there, as its packets are decoded from zero on.
        start = -min(packet.dts or 0 for packet in packets)
    entries = b"".join(
        struct.pack(">IiI", length, start + round(first * TICKS), 1 << 16) for length, first in parts
    )
    made = _rebuilt(
        path.read_bytes(), _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(parts)) + entries))
    )
    edited = path.with_name("edited.mp4")
    edited.write_bytes(made)
    return edited


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def _rebuilt(data: bytes, edits: bytes) -> bytes:
    made, place = b"", 0
    while place + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + size]
        if name == b"tkhd":
            made += _box(name, body) + edits
        elif name != b"edts":
            made += _box(name, _rebuilt(body, edits) if name in PARENTS else body)
        place += size
    return made


def oracle(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [number_of(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


FILES = {
    "one keyframe": ("libx264", {"x264-params": "keyint=250:bframes=0:scenecut=0"}),
    "one keyframe, reordered": ("libx264", {"x264-params": "keyint=250:bframes=3:b-pyramid=strict:scenecut=0"}),
    "open groups": ("libx264", {"x264-params": "keyint=12:bframes=3:b-pyramid=normal:open-gop=1:scenecut=0"}),
    "mpeg4": ("mpeg4", {"bf": "0"}),
}  # fmt: skip
PARTS = {
    "from the middle": ([(1320, 17), (680, 61)], [*range(17, 50), *range(61, 78)]),
    "from the start": ([(1320, 0), (680, 61)], [*range(33), *range(61, 78)]),
    "inside frames": ([(1000, 7.5), (480, 55)], [*range(8, 33), *range(55, 67)]),
    "backwards": ([(800, 40), (800, 5)], [*range(40, 60), *range(5, 25)]),
}  # fmt: skip


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("name", FILES)
def test_all_access_agrees(tmp_path: Path, name: str, parts: str) -> None:
    edits, shown = PARTS[parts]
    path = with_edit_list(write(tmp_path / "whole.mp4", *FILES[name]), *edits)
    expected = oracle(path)
    # FFmpeg may take a frame more where a part ends inside of one.
    assert set(expected) >= set(shown)
    assert len(expected) <= len(shown) + 1
    assert read_packets(path).damage == ""
    with open_video(path) as video:
        frames = list(video)
        assert [number_of(frame.pixels) for frame in frames] == expected
        assert [frame.index for frame in frames] == list(range(len(expected)))
        for place, number in enumerate(expected):
            clip = video.frames_at(indices=[place])
            assert (number_of(clip.pixels[0]), clip.indices.tolist()) == (number, [place])
        places = list(range(0, len(expected), 8))
        clip = video.frames_at(indices=places)
        assert [number_of(pixels) for pixels in clip.pixels] == expected[::8]
        for picture in video.pictures(sparing=True):
            assert number_of(picture.frame(View()).pixels) == expected[picture.index]
        assert video.warnings == ()


def test_pictures_that_two_parts_show_at_once_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    # The first part ends inside frame 50, which begins at 1.28 s; FFmpeg lets the second begin at 1.26 s.
    whole = write(tmp_path / "whole.mp4", "mpeg4", {"bf": "2"})
    path = with_edit_list(whole, (1300, 18), (700, 62))
    given = oracle(path)
    with open_video(path) as video:
        frames = list(video)
        numbers, times = (
            [number_of(frame.pixels) for frame in frames],
            [frame.pts_seconds for frame in frames],
        )
        assert sorted(numbers) == sorted(given)
        assert numbers != given
        assert times == sorted(times) == video.packets.pts_seconds.tolist()
        assert [
            number_of(video.frames_at(indices=[place]).pixels[0]) for place in range(len(frames))
        ] == numbers
        assert video.warnings == ()


def test_damage_in_what_the_second_part_hides_is_still_damage(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", *FILES["open groups"])
    edits, _ = PARTS["inside frames"]
    path = with_edit_list(whole, *edits)
    sound = oracle(path)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    splice = max(
        n for n, p in enumerate(packets) if p.is_keyframe and p.is_discard and (p.pts or 0) < 25 * TICKS
    )
    hidden = packets[splice]
    assert hidden.pos is not None
    data = bytearray(path.read_bytes())
    data[hidden.pos + hidden.size // 2 : hidden.pos + hidden.size] = bytes(hidden.size - hidden.size // 2)
    path.write_bytes(data)
    with open_video(path) as video:
        with pytest.warns(DamagedVideoWarning, match="could not be decoded from"):
            frames = list(video)
        assert [number_of(frame.pixels) for frame in frames] == [sound[frame.index] for frame in frames]
        assert 25 <= len(frames) < len(sound)
