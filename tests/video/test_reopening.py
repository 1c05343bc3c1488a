"""Opening a file again for another decoder, its first picture, and small random access."""

import itertools
from pathlib import Path

import av
import numpy as np
import pytest

from muybridge.observer import View
from muybridge.video import open_video, probe, read_packets
from muybridge.video.container import open_container, reopen_container, video_stream

# In long_jump and unordered the headers alone tell another depth of reordering than the pictures.
CLIPS = ["long_jump.mp4", "unordered.mov", "nasa_13013.mp4", "flipping_a_pancake.mkv", "video_90.mov"]


@pytest.mark.parametrize("name", CLIPS)
def test_a_file_that_is_opened_again_is_decoded_as_at_first(shared: Path, name: str) -> None:
    path = shared / "clips" / name
    depth = read_packets(path).reorder_depth
    with open_container(path) as container:
        stream = video_stream(container, name)
        expected = [frame.pts for frame in itertools.islice(container.decode(stream), 40)]
    with reopen_container(path, reorder_depth=depth) as container:
        stream = video_stream(container, name)
        assert stream.codec_context.reorder_depth == depth
        assert [frame.pts for frame in itertools.islice(container.decode(stream), 40)] == expected


def test_without_its_beginning_a_file_is_opened_without_decoding(shared: Path) -> None:
    path = shared / "clips/nasa_13013.mp4"
    with open_container(path) as container:
        assert video_stream(container, "nasa").codec_context.pix_fmt == "yuv420p"
    with reopen_container(path, reorder_depth=read_packets(path).reorder_depth) as container:
        assert video_stream(container, "nasa").codec_context.pix_fmt is None


def test_a_broken_first_picture_hides_neither_rotation_nor_format(tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    draw = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"x264-params": "keyint=2:bframes=0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv444p"
        stream.set_display_rotation(-90)
        for _ in range(6):
            pixels = draw.integers(0, 255, (32, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        first = next(packet for packet in container.demux(video=0) if packet.size)
        assert first.pos is not None
        data = bytearray(path.read_bytes())
        data[first.pos : first.pos + first.size] = bytes(first.size)
    path.write_bytes(data)
    metadata = probe(path)
    assert (metadata.rotation_degrees, metadata.pixel_format) == (90, "yuv444p")
    assert (metadata.width, metadata.height) == (32, 64)


@pytest.mark.parametrize("name", ["bikes.mp4", "nasa_13013.mp4", "arm_wrestling.mp4", "av1_video.mkv"])
def test_small_random_access_is_near_to_decoding_everything_with_care(shared: Path, name: str) -> None:
    with open_video(shared / "clips" / name) as video:
        size = video.metadata.width // 2, video.metadata.height // 2
        places = [3, 40, 77, 100]
        clip = video.frames_at(indices=places, size_px=size, resize="squash")
        careful = list(itertools.takewhile(lambda p: p.index <= 100, video.pictures(quick=False)))
        expected = np.stack([careful[place].frame_of_size(*size).pixels for place in places])
        assert clip.pts_seconds.tolist() == [careful[place].pts_seconds for place in places]
        assert np.abs(clip.pixels.astype(int) - expected).mean() < 0.3
        assert careful[0].frame(View()).pixels.shape[:2] == (video.metadata.height, video.metadata.width)
