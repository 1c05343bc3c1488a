"""Keyframes that are not enough to begin with: open groups, pictures renewed in stripes, program streams, damage.

The oracle is a plain decode of the file from its first packet to its last by PyAV.
"""

import re
import struct
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from muybridge.errors import DamagedVideoWarning
from muybridge.observer import View
from muybridge.video import open_video, read_packets, sample_clip, seeking
from muybridge.video.container import demux, video_stream
from muybridge.video.decoder import Damage, PictureDecoder
from muybridge.video.packets import _goes_back, _joined, _Row

WIDTH, HEIGHT = 160, 120
NUM_FRAMES = 100


def drawn(number: int) -> np.ndarray:
    """A block that moves over a slope of gray, above eight fields that say the number."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    gray = (columns // 2 + rows // 2).astype(np.uint8)
    left, top = 4 * number % (WIDTH - 30), 2 * number % (HEIGHT - 45)
    gray[top : top + 30, left : left + 30] = 230 - number % 100
    gray[-15:] = np.repeat([255 * (number >> bit & 1) for bit in range(8)], WIDTH // 8)
    return np.repeat(gray[:, :, None], 3, axis=2)


def write(
    path: Path, codec: str, options: dict[str, str], *, num_frames: int = NUM_FRAMES, **more: Any
) -> Path:
    """A video at 25 frames a second."""
    with av.open(str(path), "w", **more) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(num_frames):
            frame = av.VideoFrame.from_ndarray(drawn(number), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def oracle(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


ODD = {
    "open.mp4": ("libx264", {"x264-params": "open-gop=1:keyint=25:bframes=3:scenecut=0"}),
    "short.mp4": ("libx264", {"x264-params": "open-gop=1:keyint=5:bframes=3:scenecut=0:ref=6"}),
    "renewed.mp4": ("libx264", {"x264-params": "intra-refresh=1:keyint=25:bframes=0"}),
    "renewed_b.mp4": ("libx264", {"x264-params": "intra-refresh=1:keyint=25:bframes=3:ref=3"}),
    "renewed.ts": ("libx264", {"x264-params": "intra-refresh=1:keyint=25:bframes=0"}),
    "small.mpg": ("mpeg1video", {"g": "12"}),
    "large.mpg": ("mpeg2video", {"g": "12", "qmin": "1", "qmax": "1"}),
    "large.vob": ("mpeg2video", {"g": "12", "bf": "2", "qmin": "1", "qmax": "1"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_every_frame_comes_from_the_middle_as_from_the_start(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, *ODD[name])
    expected = oracle(path)
    assert len(expected) == NUM_FRAMES
    with open_video(path) as video:
        seconds = video.packets.pts_seconds
        for place in range(NUM_FRAMES):
            clip = video.frames_at(indices=[place])
            assert clip.indices.tolist() == [place]
            assert clip.pts_seconds[0] == pytest.approx(seconds[place])
            np.testing.assert_array_equal(clip.pixels[0], expected[place])
        clip = video.frames_at(indices=[99, 75, 4, 65])
        assert clip.indices.tolist() == [99, 75, 4, 65]
        for first in (40, 75, 99):
            pictures = list(video.pictures(start_seconds=float(seconds[first])))
            assert [picture.index for picture in pictures] == list(range(first, NUM_FRAMES))
            for picture in pictures:
                np.testing.assert_array_equal(picture.frame(View()).pixels, expected[picture.index])
        assert video.warnings == ()


def broken(path: Path, places: list[int]) -> Path:
    """The second half of these packets, by their places in the file, is zeros."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for place in places:
        start, size = packets[place].pos, packets[place].size
        assert start is not None
        data[start + size // 2 : start + size] = bytes(size - size // 2)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["open.mp4", "renewed.mp4"])
@pytest.mark.parametrize("place", [30, 50, 60])
def test_damage_is_still_damage_and_nothing_is_invented(tmp_path: Path, name: str, place: int) -> None:
    path = write(tmp_path / name, *ODD[name])
    expected = oracle(path)
    broken(path, [place])
    with open_video(path) as video, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        through = {frame.index for frame in video}
        assert all(message.startswith("could not be decoded") for message in video.warnings)
        assert place - 5 < len(through) < NUM_FRAMES
        clips = [video.frames_at(indices=[0, wanted]) for wanted in range(1, NUM_FRAMES)]
        assert any("their neighbors stand in" in message for message in video.warnings)
        for message in video.warnings:
            times = [float(second) for second in re.findall(r"([\d.]+) s", message)]
            assert times == sorted(times)
    for wanted, clip in enumerate(clips, 1):
        shown = int(clip.indices[1])
        assert shown == wanted if wanted in through else shown <= wanted
        np.testing.assert_array_equal(clip.pixels[1], expected[shown])


def test_files_put_one_after_the_other_go_on(tmp_path: Path) -> None:
    first = write(tmp_path / "a.ts", "libx264", {}, num_frames=20)
    second = write(tmp_path / "b.ts", "libx264", {}, num_frames=50)
    for name, parts in (("long.ts", (first, second)), ("short.ts", (second, first))):
        path = tmp_path / name
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
        with open_video(path) as video:
            frames = list(video)
            assert video.warnings == ()
            assert (len(video), video.metadata.duration_seconds) == (70, pytest.approx(2.8))
            assert video.metadata.frames_per_second == pytest.approx(25)
            steps = np.diff([frame.pts_seconds for frame in frames])
            assert steps == pytest.approx(np.full(69, 0.04))
            for place, pixels in enumerate(oracle(path)):
                np.testing.assert_array_equal(frames[place].pixels, pixels)
            np.testing.assert_array_equal(video.frames_at(indices=[55]).pixels[0], frames[55].pixels)


def test_a_part_begins_where_both_times_go_back_and_stay_there() -> None:
    def rows(*times: tuple[int | None, int]) -> list[_Row]:
        return [_Row(pts, dts, 1, False, 10, False) for pts, dts in times]

    # Shown at 20 to 50, then at 20 to 40, whose first follows a step of 10 after 50.
    given = rows((20, 0), (40, 10), (30, 20), (50, 30), (20, 0), (40, 10), (30, 20))
    assert [row.pts for row in _joined(given)] == [20, 40, 30, 50, 60, 80, 70]
    assert [row.dts for row in _joined(given)] == [0, 10, 20, 30, 40, 50, 60]
    # One time that is wrong, low or high, and a packet without one.
    for odd in (
        rows((0, 0), (10, 10), (20, 20), (3, 3), (40, 40), (50, 50)),
        rows((0, 0), (10, 10), (90, 90), (30, 30), (40, 40), (50, 50)),
        rows((20, 0), (40, 10), (None, 20), (50, 30), (20, 0), (40, 10)),
    ):
        assert _joined(odd) is odd


def test_a_part_that_does_not_begin_as_the_one_before_is_said() -> None:
    def rows(*times: int) -> list[_Row]:
        return [_Row(time, time, 1, False, 10, False) for time in times]

    assert _goes_back(rows(0, 10, 20, 0, 10, 20), 1.0) == ""
    assert "goes back to 60.00 s" in _goes_back(rows(0, 10, 20, 90, 100, 60, 70, 80), 1.0)


@pytest.mark.parametrize("bf", ["0", "2"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_bit_in_the_times_of_neighbors_moves_none_but_those(tmp_path: Path, bf: str, count: int) -> None:
    path = write(tmp_path / "a.ts", "libx264", {"x264-params": f"keyint=25:bframes={bf}:scenecut=0"})
    sound, expected = read_packets(path), oracle(path)
    data = bytearray(path.read_bytes())
    starts = [match.start() for match in re.finditer(b"\x00\x00\x01\xe0", data)]
    assert len(starts) == NUM_FRAMES
    for start in starts[45 : 45 + count]:
        # The 32nd bit of the time of presentation, and where there is one, of that of decoding: 6.6 hours.
        data[start + 9] ^= 0x04
        if data[start + 7] >> 6 == 3:
            data[start + 14] ^= 0x04
    path.write_bytes(data)
    with open_video(path) as video:
        assert (video.packets.is_exact, len(video)) == (True, NUM_FRAMES)
        np.testing.assert_allclose(video.packets.pts_seconds, sound.pts_seconds)
        with pytest.warns(
            DamagedVideoWarning, match=rf"its clock jumps.*{count} of 100 frames are estimates"
        ):
            frames = list(video)
        assert [frame.index for frame in frames] == list(range(NUM_FRAMES))
        np.testing.assert_allclose([frame.pts_seconds for frame in frames], sound.pts_seconds)
        for place in range(0, NUM_FRAMES, 3):
            clip = video.frames_at(indices=[place])
            assert clip.indices.tolist() == [place]
            np.testing.assert_array_equal(clip.pixels[0], expected[place])
        late = [picture.index for picture in video.pictures(start_seconds=float(sound.pts_seconds[40]))]
        assert late == list(range(40, NUM_FRAMES))


def test_where_no_seek_gets_where_it_should_the_file_is_read_through_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the longest run-up, so that none begins before the damage.
    path = write(tmp_path / "a.avi", "mjpeg", {"strict": "unofficial"}, num_frames=500)
    data = bytearray(path.read_bytes())
    # The name of one chunk: its frame is lost, and FFmpeg, which counts frames, takes each later one for its neighbor.
    chunks = [match.start() for match in re.finditer(b"00dc", data[: data.index(b"idx1")])]
    data[chunks[len(chunks) - 500 + 10]] ^= 0x40
    path.write_bytes(data)
    expected = oracle(path)
    tries = []

    class Counted(seeking.Entrance):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            tries.append(self)

    monkeypatch.setattr(seeking, "Entrance", Counted)
    monkeypatch.setattr(seeking, "MAX_DECODERS", 1)
    with open_video(path) as video, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        assert len(video) == len(expected) == 499
        places = list(range(400, 499, 9))
        clip = video.frames_at(indices=places)
    assert clip.indices.tolist() == places
    for place, pixels in zip(places, clip.pixels, strict=True):
        np.testing.assert_array_equal(pixels, expected[place])
    assert any(not entrance.agrees for entrance in tries)
    assert len({entrance.keyframe for entrance in tries}) == seeking.MAX_LOST_RUNS


@pytest.mark.parametrize(("codec", "errs"), [("mjpeg", False), ("mpeg4", True)])
def test_pictures_made_from_no_other_need_no_run_up(tmp_path: Path, codec: str, errs: bool) -> None:
    path = write(tmp_path / "a.mkv", codec, {"strict": "unofficial"}, num_frames=20)
    with av.open(str(path)) as container:
        stream = video_stream(container, str(path))
        decoder = PictureDecoder(stream, Damage(str(path)), threading="slice")
        packets = [packet for packet in demux(container, stream) if packet.size]
        garbage = av.Packet(b"\xff" * 200)
        garbage.is_keyframe = True
        assert decoder.lead_in([packets[0], garbage], forgives=False) is errs
        pictures = list(decoder.decode(packets))
    assert len(pictures) == 20


def test_a_stream_that_begins_in_the_middle_costs_its_own_packets_only() -> None:
    class Container:
        """As PyAV's: `None` is a packet of a stream that it does not know."""

        def __init__(self, packets: list[int | None]) -> None:
            self.packets = packets

        def demux(self, _: object) -> Any:
            while self.packets:
                packet = self.packets.pop(0)
                if packet is None:
                    raise IndexError("list index out of range")
                yield packet

    container: Any = Container([1, 2, None, 3, None, None, 4, None])
    stream: Any = None
    assert list(demux(container, stream)) == [1, 2, 3, 4]


def test_a_start_in_a_tail_that_is_broken_ends_with_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "libx264", {"x264-params": "keyint=50:min-keyint=50:scenecut=0"})
    broken(path, list(range(50, NUM_FRAMES)))
    with open_video(path) as video, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        assert list(video.pictures(start_seconds=3.0)) == []
        assert "nothing can be decoded from 2.00 s on" in video.warnings
        assert len(list(video)) == 50


def test_pictures_that_come_too_late_are_left_out_and_move_no_other(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.ts", "mpeg2video", {"g": "10", "bf": "2", "sc_threshold": "1000000000"})
    path = tmp_path / "late.ts"
    with av.open(str(whole)) as given, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for place, packet in enumerate(given.demux(video=0)):
            # Without the one that the two after it are shown before, they come after what follows.
            if packet.size and place not in (61, 64):
                packet.stream = stream
                made.mux(packet)
    with open_video(path) as video, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        seconds = video.packets.pts_seconds
        through = [(picture.index, picture.pts_seconds) for picture in video.pictures()]
        assert through == sorted(set(through))
        assert through == [(index, seconds[index]) for index, _ in through]
        told = [message for message in video.warnings if "come after later ones" in message]
        assert len(told) == 1
        assert NUM_FRAMES - 22 < len(through) < len(video)
        late = [
            (picture.index, picture.pts_seconds)
            for picture in video.pictures(start_seconds=float(seconds[45]))
        ]
    assert late == [moment for moment in through if moment[0] >= 45]


@pytest.mark.parametrize("bf", ["0", "2"])
def test_an_edit_list_that_begins_with_nothing_is_no_damage(tmp_path: Path, bf: str) -> None:
    path = write(tmp_path / "a.mp4", "libx264", {"bf": bf, "g": "10"})
    data = path.read_bytes()
    # Half a second of nothing, then two seconds of the track: the lists of boxes grow by one entry of 12 bytes.
    start = data.index(b"elst") - 4
    media = struct.unpack(">i", data[start + 20 : start + 24])[0]
    entries = struct.pack(">IiIIiI", 500, -1, 1 << 16, 2000, media, 1 << 16)
    made = bytearray(data[:start] + struct.pack(">I4sII", 40, b"elst", 0, 2) + entries + data[start + 28 :])
    for name in (b"edts", b"trak", b"moov"):
        box = data.rindex(name, 0, start) - 4
        made[box : box + 4] = struct.pack(">I", struct.unpack(">I", data[box : box + 4])[0] + 12)
    path.write_bytes(made)
    table = read_packets(path)
    assert (len(table), table.damage) == (50, "")
    assert (table.start_seconds, table.end_seconds) == (pytest.approx(0.5), pytest.approx(2.5))
    clip = sample_clip(path, num_frames=5, size_px=None)
    expected = oracle(path)
    for place, pixels in zip(clip.indices, clip.pixels, strict=True):
        np.testing.assert_array_equal(pixels, expected[place])
