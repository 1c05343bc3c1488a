"""Damaged video is normal: what is sound comes out, what is not is named, and nothing hangs or crashes."""

import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from muybridge.errors import (
    DamagedVideoWarning,
    EmptyVideoError,
    MuybridgeError,
    VideoDecodeError,
    VideoError,
    VideoOpenError,
)
from muybridge.video import Limits, VideoWriter, open_video, probe, sample_clip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small video with texture, four keyframes and B-frames."""
    path = tmp_path_factory.mktemp("sound") / "sound.mp4"
    texture = np.random.default_rng(0).integers(0, 255, (48, 128, 3), np.uint8)
    with VideoWriter(path, width=64, height=48, frames_per_second=25, keyframe_seconds=0.4) as writer:
        for number in range(40):
            writer.write(np.ascontiguousarray(texture[:, number : number + 64]))
    return path.read_bytes()


def read_through(path: Path) -> int:
    """How many frames come out; every error must be one of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        try:
            with open_video(path) as video:
                times = [frame.pts_seconds for frame in video]
                assert times == sorted(set(times))
                video.frames_at(indices=[0, len(video) // 2, len(video) - 1], size_px=16)
                return len(times)
        except VideoError:
            return 0


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda path: None, VideoOpenError, "no such file"),
        (lambda path: path.mkdir(), VideoOpenError, "folder"),
        (lambda path: path.touch(), EmptyVideoError, "empty"),
        (lambda path: path.write_text("not a video\n" * 100), VideoOpenError, "not a video"),
        (lambda path: path.write_bytes(b"\x00" * 5000), VideoOpenError, "not a video"),
    ],
    ids=["missing", "folder", "empty", "text", "zeros"],
)
def test_what_is_no_video_is_refused_by_name(
    tmp_path: Path, make: object, error: type[MuybridgeError], says: str
) -> None:
    path = tmp_path / "thing.mp4"
    make(path)  # type: ignore[operator]
    with pytest.raises(error, match=says) as caught:
        open_video(path)
    assert str(path) in str(caught.value)
    assert caught.value.path == str(path)  # type: ignore[attr-defined]


def test_audio_only_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(VideoOpenError, match="no video stream, only: audio"):
        probe(path)


def test_a_stream_without_frames_is_refused_by_name(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "nothing.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        container.start_encoding()
    with pytest.raises(VideoError):
        open_video(path)


def test_urls_and_odd_paths_are_not_followed(tmp_path: Path) -> None:
    with pytest.raises(VideoOpenError, match=r"URL.*`muybridge stream`"):
        open_video("http://127.0.0.1:9/video.mp4")
    with pytest.raises(VideoOpenError, match="no such file"):
        open_video("concat:a.mp4|b.mp4")
    with pytest.raises(VideoOpenError, match="null"):
        open_video("a\0b.mp4")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(VideoError):
        open_video(playlist)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    for side, says in ((12_000, r"max_pixels|how large"), (16_384, r"max_pixels|how large")):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b"")]
        path = tmp_path / "bomb.png"
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
                for kind, body in chunks
            )
        )
        with pytest.raises(VideoOpenError, match=says):
            open_video(path)


def test_a_header_that_lies_about_its_size_costs_nothing(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "lie.mp4"
    entry = sound.index(b"avc1", sound.index(b"stsd")) + 28
    path.write_bytes(sound[:entry] + struct.pack(">HH", 16_384, 16_384) + sound[entry + 4 :])
    # The decoder reads the true size from the stream itself.
    assert probe(path).width == 64


def test_limits_can_be_changed(sample_video: Path) -> None:
    with pytest.raises(VideoOpenError, match="max_pixels"):
        open_video(sample_video, limits=Limits(max_pixels=1000))
    with pytest.raises(VideoOpenError, match="max_duration_seconds"):
        open_video(sample_video, limits=Limits(max_duration_seconds=1.0))


def test_everything_up_to_the_damage_and_a_warning_with_the_second(shared: Path) -> None:
    with open_video(shared / "clips/corrupted.mp4") as video:
        with pytest.warns(DamagedVideoWarning, match=r"could not be decoded from 2\.80 s to the end"):
            frames = list(video)
        assert len(frames) == 29
        assert video.warnings == ("could not be decoded from 2.80 s to the end",)


def test_a_hole_in_the_middle_costs_only_its_group_of_pictures(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "hole.mp4"
    path.write_bytes(sound)
    with av.open(str(path)) as container:
        keys = [p.pos for p in container.demux(video=0) if p.is_keyframe and p.pos]
    broken = bytearray(sound)
    broken[keys[1] + 40 : keys[1] + 400] = bytes(360)
    path.write_bytes(broken)
    with open_video(path) as video, pytest.warns(DamagedVideoWarning, match=r"from 0\.36 s to 0\.80 s"):
        times = [round(frame.pts_seconds * 25) for frame in video]
    assert times == [*range(10), *range(20, 40)]


def test_a_broken_frame_is_stood_in_for_and_says_so(shared: Path) -> None:
    with pytest.warns(DamagedVideoWarning):
        clip = sample_clip(shared / "clips/corrupted.mp4", num_frames=8, size_px=32)
    assert 2.5 < clip.pts_seconds[-1] <= 2.9 + 1e-6
    assert clip.pixels.shape == (8, 32, 32, 3)


def test_times_out_of_order_come_out_in_order(shared: Path) -> None:
    with open_video(shared / "clips/unordered.mov") as video:
        times = [frame.pts_seconds for frame in video]
    assert times == pytest.approx([0, 1 / 32, 2 / 32, 3 / 32])


def test_missing_timestamps_are_counted_from_the_frame_rate(tmp_path: Path, sound: bytes) -> None:
    source, path = tmp_path / "sound.mp4", tmp_path / "raw.h264"
    source.write_bytes(sound)
    with av.open(str(source)) as container, av.open(str(path), "w", format="h264") as raw:
        stream = raw.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                raw.mux(packet)
    with open_video(path) as video:
        times = [frame.pts_seconds for frame in video]
        assert len(times) == 40
        assert np.diff(times) == pytest.approx(np.full(39, 0.04), abs=1e-6)
        direct = video.frames_at(indices=[17]).pixels[0]
        np.testing.assert_array_equal(direct, list(video)[17].pixels)


def test_truncated_anywhere(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "cut.mp4"
    counts = []
    for share in np.linspace(0.0, 1.0, 41):
        path.write_bytes(sound[: int(share * len(sound))])
        counts.append(read_through(path))
    assert counts[-1] == 40
    assert max(counts[:-1]) < 40
    # The index stands first in our files, so that even half a file gives its first half.
    assert any(0 < count < 40 for count in counts)
    assert counts == sorted(counts)


def test_truncation_is_said(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(sound[: len(sound) * 2 // 3])
    with open_video(path) as video, pytest.warns(DamagedVideoWarning, match="to the end|40 frames"):
        assert 0 < len(list(video)) < 40


FUZZ = """
import sys, warnings
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[3])
from test_damage import read_through
sound, path = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
counts = []
for seed in range(*map(int, sys.argv[4:6])):
    generator = np.random.default_rng(seed)
    broken = np.frombuffer(sound, np.uint8).copy()
    # From a single bit to a hundred bytes; half of them in the header, where they hurt most.
    places = generator.integers(0, len(broken) if seed % 2 else 1500, int(generator.integers(1, 100)))
    broken[places] ^= generator.integers(1, 256, len(places)).astype(np.uint8)
    path.write_bytes(broken.tobytes())
    print(seed, flush=True)
    counts.append(read_through(path))
print("frames", sum(counts), "whole", sum(count == 40 for count in counts), "none", counts.count(0))
"""


@pytest.mark.parametrize("first", [0, pytest.param(60, marks=pytest.mark.slow)])
def test_bytes_flipped_at_random(tmp_path: Path, sound: bytes, first: int) -> None:
    """In a process of its own: a crash of the decoder must be a failed test, not the end of the test run."""
    source = tmp_path / "sound.mp4"
    source.write_bytes(sound)
    seeds = ("0", "60") if first == 0 else ("60", "400")
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, source, tmp_path / "broken.mp4", Path(__file__).parent, *seeds],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{done.stdout[-200:]}\n{done.stderr[-2000:]}"
    assert "frames" in done.stdout.splitlines()[-1]


def test_damage_beyond_use_is_an_error(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "hopeless.mp4"
    path.write_bytes(sound)
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.pos]
    broken = bytearray(sound)
    for position, size in places:
        broken[position + 4 : position + size] = bytes([255]) * (size - 4)
    path.write_bytes(broken)
    with (
        open_video(path) as video,
        pytest.warns(DamagedVideoWarning),
        pytest.raises(VideoDecodeError, match="not one of its frames"),
    ):
        list(video)


def test_a_cover_image_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mka"
    with av.open(str(path), "w", format="matroska") as container:
        sound = container.add_stream("aac", rate=44100)
        jpeg = cv2.imencode(".jpg", np.zeros((32, 32, 3), np.uint8))[1].tobytes()
        container.add_attachment("cover.jpg", "image/jpeg", jpeg)
        for _ in range(9):
            samples = av.AudioFrame.from_ndarray(
                np.zeros((2, 1024), np.float32), format="fltp", layout="stereo"
            )
            samples.sample_rate = 44100
            container.mux(sound.encode(samples))
        container.mux(sound.encode(None))
    with pytest.raises(VideoOpenError, match="no video stream, only: audio and a cover image"):
        probe(path)


def test_an_animated_webp_is_refused_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "moving.webp"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libwebp_anim", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "bgra"
        for level in range(3):
            picture = np.full((32, 32, 3), 80 * level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="bgra")))
        container.mux(stream.encode(None))
    with pytest.raises(VideoOpenError, match=r"an animated WebP.*GIF or MP4"):
        open_video(path)
    # Half of one that is not animated is damaged.
    still = cv2.imencode(".webp", np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8))[
        1
    ].tobytes()
    path.write_bytes(still[: len(still) // 2])
    with pytest.raises(VideoOpenError, match="damaged"):
        open_video(path)


@pytest.mark.parametrize("threads", [1, None])
def test_a_broken_picture_of_hevc_is_left_out_and_none_comes_twice(
    tmp_path: Path, threads: int | None
) -> None:
    path = tmp_path / "a.mp4"
    texture = np.random.default_rng(0).integers(0, 255, (96, 300, 3), np.uint8)
    with av.open(str(path), "w") as container:
        options = {"x265-params": "keyint=12:min-keyint=12:scenecut=0:bframes=4:open-gop=0:log-level=none"}
        stream = container.add_stream("libx265", rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(60):
            pixels = np.ascontiguousarray(texture[:, 2 * number : 2 * number + 160])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    with open_video(path) as video:
        sound = [frame.pixels for frame in video]
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    key = [packet for packet in packets if packet.is_keyframe][3]
    data = bytearray(path.read_bytes())
    assert key.pos is not None
    # So near to its beginning that the decoder can tell.
    data[key.pos + key.size // 20 : key.pos + key.size // 20 + 20] = b"\xff" * 20
    path.write_bytes(data)
    with open_video(path) as video:
        with pytest.warns(DamagedVideoWarning, match="could not be decoded from"):
            pictures = [
                (p.index, p.pts_seconds, p.frame().pixels) for p in video.pictures(max_threads=threads)
            ]
        assert [index for index, _, _ in pictures] == [*range(36), *range(48, 60)]
        for index, seconds, pixels in pictures:
            assert seconds == video.packets.pts_seconds[index]
            np.testing.assert_array_equal(pixels, sound[index])


def test_what_stands_in_lies_before_even_where_nothing_else_is_asked_for(
    tmp_path: Path, sound: bytes
) -> None:
    path = tmp_path / "hole.mp4"
    path.write_bytes(sound)
    with av.open(str(path)) as container:
        keys = [packet for packet in container.demux(video=0) if packet.is_keyframe and packet.size]
    broken = bytearray(sound)
    assert keys[2].pos is not None
    broken[keys[2].pos + 8 : keys[2].pos + keys[2].size] = bytes(keys[2].size - 8)
    path.write_bytes(broken)
    for indices in ([25], [25, 35]):
        with open_video(path) as video, warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedVideoWarning)
            clip = video.frames_at(indices=indices)
            assert any("neighbors stand in" in message for message in video.warnings)
        assert clip.indices[0] == 19
        assert clip.indices.tolist()[1:] == indices[1:]
