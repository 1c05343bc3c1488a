"""What containers say of time, right or wrong: trimmed files, repeated times, times that only number the packets.

The oracle is a plain decode of the file from its first packet to its last by PyAV.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from muybridge.errors import DamagedVideoWarning
from muybridge.observer import View
from muybridge.video import open_video, probe, read_packets, sample_clip
from muybridge.video.packets import _completed, _Row

WIDTH, HEIGHT = 128, 64
NUM_FRAMES = 60
X264 = "scenecut=0:keyint=12:min-keyint=12"
CODECS = {
    "h264": ("libx264", {"x264-params": f"{X264}:bframes=3"}),
    "h264 in order": ("libx264", {"x264-params": f"{X264}:bframes=0"}),
    "hevc": (
        "libx265",
        {"x265-params": "keyint=12:min-keyint=12:scenecut=0:open-gop=1:bframes=3:log-level=none"},
    ),
    "mpeg4": ("mpeg4", {"bf": "2"}),
}


def write(
    path: Path, codec: str, options: dict[str, str], times: list[int], tick: Fraction, **more: Any
) -> Path:
    """A video whose n-th frame says n in black and white, and shows a texture that moves."""
    with av.open(str(path), "w", **more) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base, stream.codec_context.gop_size = tick, 12
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(drawn(number), "rgb24")
            frame.pts, frame.time_base = time, tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def copy(source: Path, path: Path, change: Callable[[int, Any], bool], **more: Any) -> Path:
    """The same packets, as `change` makes them from their places in the file; those that it refuses are left out."""
    with av.open(str(source)) as given, av.open(str(path), "w", **more) as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for place, packet in enumerate(given.demux(video=0)):
            if packet.size and change(place, packet):
                packet.stream = stream
                made.mux(packet)
    return path


def earlier(ticks: int, *, first: int = 0) -> Callable[[int, Any], bool]:
    """Shift everything before zero: an MP4 then hides by an edit list what lies there."""

    def change(place: int, packet: Any) -> bool:
        packet.pts -= ticks
        packet.dts -= ticks
        return place >= first

    return change


def drawn(number: int) -> np.ndarray:
    """Eight columns, white where that bit of the number is set, above a texture that moves."""
    bits = [number >> bit & 1 for bit in range(8)]
    texture = np.random.default_rng(0).integers(0, 255, (HEIGHT // 2, WIDTH), np.uint8)
    columns = np.tile(np.repeat(np.array(bits, np.uint8) * 235, WIDTH // 8), (HEIGHT // 2, 1))
    return np.repeat(np.vstack([columns, np.roll(texture, number, 1)])[:, :, None], 3, axis=2)


def number(pixels: np.ndarray) -> int:
    """What a frame of `write` says."""
    columns = pixels[: HEIGHT // 2].reshape(HEIGHT // 2, 8, -1).mean((0, 2))
    return sum(1 << bit for bit, level in enumerate(columns) if level > 120)


def oracle(path: Path) -> list[tuple[float, int]]:
    with av.open(str(path)) as container:
        return [(frame.time, number(frame.to_ndarray(format="rgb24"))) for frame in container.decode(video=0)]  # type: ignore[misc]


def assert_all_access_agrees(path: Path, expected: list[tuple[float, int]]) -> None:
    """Reading through, from the middle and at random tell the same; a warning would be an error."""
    seconds, numbers = [second for second, _ in expected], [which for _, which in expected]
    with open_video(path) as video:
        assert len(video) == len(expected)
        frames = list(video)
        assert [number(frame.pixels) for frame in frames] == numbers
        assert [frame.index for frame in frames] == list(range(len(frames)))
        assert [frame.pts_seconds for frame in frames] == pytest.approx(seconds, abs=1e-3)
        for place in range(len(expected)):
            clip = video.frames_at(indices=[place])
            assert (number(clip.pixels[0]), clip.indices.tolist()) == (numbers[place], [place])
        places = [len(expected) - 1, 0, len(expected) // 2]
        assert [number(pixels) for pixels in video.frames_at(indices=places).pixels] == [
            numbers[place] for place in places
        ]
        middle = frames[len(frames) // 2].pts_seconds
        late = [number(picture.frame(View()).pixels) for picture in video.pictures(start_seconds=middle)]
        assert late == numbers[len(frames) // 2 :]
        some = {picture.index: picture for picture in video.pictures(sparing=True)}
        assert sorted(some) == sorted(set(range(len(frames))) - video.spare)
        assert all(number(picture.frame(View()).pixels) == numbers[place] for place, picture in some.items())
        assert video.warnings == ()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("start", [20.0, 24.0, 29.4], ids=["inside", "keyframe", "inside a frame"])
@pytest.mark.parametrize("keeps_all", [False, True], ids=["from its keyframe", "from the start"])
def test_a_trimmed_file_is_read_as_it_is_shown(
    tmp_path: Path, codec: str, start: float, keeps_all: bool
) -> None:
    whole = write(tmp_path / "whole.mp4", *CODECS[codec], list(range(NUM_FRAMES)), Fraction(1, 25))
    with av.open(str(whole)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    keys = [place for place, p in enumerate(packets) if p.is_keyframe and (p.pts or 0) <= start * 512]
    first = 0 if keeps_all else keys[-1]
    path = copy(whole, tmp_path / "trimmed.mp4", earlier(round(start * 512), first=first))
    expected = oracle(path)
    assert [which for _, which in expected] == list(range(int(np.ceil(start)), NUM_FRAMES))
    assert_all_access_agrees(path, expected)
    clip = sample_clip(path, num_frames=4, size_px=None)
    assert [number(pixels) for pixels in clip.pixels] == [expected[place][1] for place in clip.indices]


def test_a_trimmed_file_that_is_cut_off_is_still_called_damaged(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", *CODECS["h264"], list(range(NUM_FRAMES)), Fraction(1, 25))
    path = copy(
        whole, tmp_path / "trimmed.mp4", earlier(20 * 512), container_options={"movflags": "faststart"}
    )
    assert read_packets(path).damage == ""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 9 // 10])
    assert "the header promises 60 frames" in read_packets(path).damage


def test_what_an_edit_list_hides_does_not_hide_the_rotation(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "whole.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "keyint=250:scenecut=0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(NUM_FRAMES):
            container.mux(stream.encode(av.VideoFrame(WIDTH, HEIGHT, "yuv420p")))
        container.mux(stream.encode(None))
    path = tmp_path / "trimmed.mp4"
    with av.open(str(tmp_path / "whole.mp4")) as given, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        stream.set_display_rotation(-90)
        for packet in given.demux(video=0):
            if packet.size:
                earlier(40 * 512)(0, packet)
                packet.stream = stream
                made.mux(packet)
    metadata = probe(path)
    assert (metadata.num_frames, metadata.rotation_degrees) == (20, 90)
    assert (metadata.width, metadata.height) == (HEIGHT, WIDTH)


def test_av1_gives_the_frames_that_are_asked_for(tmp_path: Path) -> None:
    path = write(
        tmp_path / "av1.mp4", "libsvtav1", {"preset": "12"}, list(range(NUM_FRAMES)), Fraction(1, 25)
    )
    assert_all_access_agrees(path, oracle(path))


@pytest.mark.parametrize("codec", ["h264", "h264 in order", "mpeg4"])
def test_avi_shows_pictures_in_their_order(tmp_path: Path, codec: str) -> None:
    path = write(tmp_path / "video.avi", *CODECS[codec], list(range(NUM_FRAMES)), Fraction(1, 25))
    table = read_packets(path)
    assert table.is_exact == (codec != "h264")
    seconds = [table.start_seconds + place / 25 for place in range(NUM_FRAMES)]
    assert_all_access_agrees(path, list(zip(seconds, range(NUM_FRAMES), strict=True)))


STEPS = [40] * 20 + [1000] * 5 + [40] * 20
TIMES = np.cumsum(STEPS).tolist()
"""Of 45 frames in 6.6 seconds, in milliseconds; frame 30 appears at 6040."""


def test_a_repeated_time_leaves_all_others_as_they_are(tmp_path: Path) -> None:
    options = {"x264-params": f"{X264}:bframes=0"}
    sound = write(tmp_path / "sound.mkv", "libx264", options, TIMES, Fraction(1, 1000))

    def onto_the_one_before(place: int, packet: Any) -> bool:
        if place == 30:
            packet.pts = packet.dts = TIMES[29]
        return True

    path = copy(sound, tmp_path / "repeats.mkv", onto_the_one_before)
    assert [round(1000 * second) for second, _ in oracle(path)] == [*TIMES[:30], TIMES[29], *TIMES[31:]]
    metadata = probe(path)
    assert (metadata.frame_rate_kind, metadata.duration_seconds) == ("variable", pytest.approx(6.6, abs=1e-3))
    with open_video(path) as video:
        with pytest.warns(DamagedVideoWarning, match="frames without a time of their own: 1 of 45"):
            frames = list(video)
        # The usual step takes it to where it was.
        assert [round(1000 * frame.pts_seconds) for frame in frames] == TIMES
        assert (
            [frame.index for frame in frames] == [number(frame.pixels) for frame in frames] == list(range(45))
        )
        for place in range(45):
            clip = video.frames_at(indices=[place])
            assert (number(clip.pixels[0]), clip.indices.tolist()) == (place, [place])


def test_a_keyframe_that_repeats_the_time_of_another_is_found(tmp_path: Path) -> None:
    options = {"x264-params": f"{X264}:bframes=0"}
    sound = write(tmp_path / "sound.mkv", "libx264", options, TIMES, Fraction(1, 1000))

    def onto_the_one_before(place: int, packet: Any) -> bool:
        if place in (12, 24):
            assert packet.is_keyframe
            packet.pts = packet.dts = TIMES[place - 1]
        return True

    path = copy(sound, tmp_path / "repeats.mkv", onto_the_one_before)
    with open_video(path) as video:
        for place in range(45):
            clip = video.frames_at(indices=[place])
            assert (number(clip.pixels[0]), clip.indices.tolist()) == (place, [place])
        assert video.warnings == ()


def test_repeated_times_among_reordered_pictures_are_counted(tmp_path: Path) -> None:
    sound = write(tmp_path / "sound.mkv", *CODECS["h264"], TIMES, Fraction(1, 1000))

    def onto_the_one_before(place: int, packet: Any) -> bool:
        if packet.pts == TIMES[30]:
            packet.pts = TIMES[29]
        return True

    path = copy(sound, tmp_path / "repeats.mkv", onto_the_one_before)
    assert not read_packets(path).is_exact
    with open_video(path) as video:
        with pytest.warns(DamagedVideoWarning, match="own: 1 of 45"):
            frames = list(video)
        assert [round(1000 * frame.pts_seconds) for frame in frames] == TIMES
        assert [number(frame.pixels) for frame in frames] == list(range(45))
        assert number(video.frames_at(indices=[33]).pixels[0]) == 33


def test_times_that_are_missing_are_taken_from_what_is_near() -> None:
    def rows(*times: tuple[int | None, int | None]) -> list[_Row]:
        return [_Row(pts, dts, 1, False, 10, False) for pts, dts in times]

    # In order, the time of decoding is that of presentation; reordered, a frame follows the one before it in the file.
    given = rows((0, 0), (10, 10), (None, 20), (30, 30), (40, 40))
    assert _completed(given, reorders=False)[:2] == ([0, 10, 20, 30, 40], False)
    assert _completed(given, reorders=True)[:2] == ([0, 10, 10, 30, 40], False)
    assert "own: 1 of 5" in _completed(given, reorders=True)[2]
    # FFmpeg guesses the time of the last packet of a program stream.
    last = rows((0, 0), (30, 10), (10, 20), (30, 30))
    assert _completed(last, reorders=True) == ([0, 30, 10, 30], False, "")


def test_a_stand_in_is_always_said(tmp_path: Path) -> None:
    path = write(tmp_path / "whole.mp4", *CODECS["h264 in order"], list(range(NUM_FRAMES)), Fraction(1, 25))
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][30]
        assert packet.pos is not None
    data = bytearray(path.read_bytes())
    data[packet.pos + packet.size // 2 : packet.pos + packet.size] = bytes(packet.size - packet.size // 2)
    path.write_bytes(data)
    with open_video(path) as video:
        with pytest.warns(DamagedVideoWarning):
            clip = video.frames_at(indices=[33, 40])
        assert any("their neighbors stand in" in warning for warning in video.warnings)
        assert clip.indices.tolist() == [29, 40]
        assert [number(pixels) for pixels in clip.pixels] == [29, 40]
