"""Pixels → tensors, and pixels → files."""

from pathlib import Path

import av
import numpy as np
import pytest
import torch

from muybridge.errors import OptionError, OutputError, ShapeError
from muybridge.video import VideoWriter, open_video, read_packets, resize_clip, to_model_tensor

KINETICS = {"mean": (0.43216, 0.394666, 0.37645), "std": (0.22803, 0.22145, 0.216989)}


def test_tensor_equals_the_formula() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 7, 3), np.uint8)
    tensor = to_model_tensor(pixels, **KINETICS)
    assert tensor.dtype == torch.float32
    assert tensor.shape == (3, 3, 5, 4, 7)
    expected = (pixels / 255.0 - KINETICS["mean"]) / KINETICS["std"]
    np.testing.assert_allclose(tensor.numpy(), expected.transpose(0, 4, 1, 2, 3), atol=2e-6)
    torch.testing.assert_close(to_model_tensor(pixels[1], **KINETICS), tensor[1])
    torch.testing.assert_close(to_model_tensor(list(pixels), **KINETICS), tensor)


def test_tensor_refuses_what_is_not_a_clip() -> None:
    good = np.zeros((2, 4, 4, 3), np.uint8)
    for bad in (good.astype(np.float32), good[..., :2], [good, good[:1]], []):
        with pytest.raises(ShapeError):
            to_model_tensor(bad)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="std"):
        to_model_tensor(good, std=(1, 0, 1))


def test_resize_keeps_or_distorts() -> None:
    wide = np.zeros((1, 20, 40, 3), np.uint8)
    wide[:, :, 10:30] = 200
    cropped = resize_clip(wide, 10)
    assert cropped.shape == (1, 10, 10, 3)
    assert (cropped == 200).all()  # just the middle is left
    squashed = resize_clip(wide, 10, resize="squash")
    assert squashed[0, 5].mean(axis=1).tolist() == [0, 0, *[200] * 5, 0, 0, 0][:10] or squashed.mean() == 100
    assert resize_clip(wide, (40, 20)).base is not None  # a view: nothing was to be done
    with pytest.raises(OptionError):
        resize_clip(wide, 0)
    with pytest.raises(ShapeError):
        resize_clip(wide[0], 8)


@pytest.mark.parametrize("size", [(64, 48), (65, 49), (33, 48)])
def test_what_is_written_is_read(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "ramp.mp4"
    ramp = np.linspace(20, 230, size[0] * size[1]).reshape(size[1], size[0])
    pixels = np.stack([ramp, ramp[::-1], np.full_like(ramp, 90)], axis=-1).astype(np.uint8)
    times = [0.0, 0.1, 0.25, 1.0]
    with VideoWriter(path, width=size[0], height=size[1], frames_per_second=10, quality=5) as writer:
        for seconds in times:
            writer.write(pixels, seconds)
    with open_video(path) as video:
        frames = list(video)
        assert video.metadata.codec == "h264"
        assert (video.metadata.color_space, video.metadata.color_range) == ("bt709", "limited")
    assert [frame.pts_seconds for frame in frames] == pytest.approx(times)
    for frame in frames:
        difference = np.abs(frame.pixels[: size[1], : size[0]].astype(int) - pixels)
        assert difference.mean() < 3


def test_the_writer_leaves_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "half.mp4"
    writer = VideoWriter(path, width=16, height=16)
    writer.write(np.zeros((16, 16, 3), np.uint8))
    with pytest.raises(RuntimeError, match="stop"), writer:
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="nothing was written"), VideoWriter(path, width=16, height=16):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_writer_refuses_by_name(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "x.mp4", width=16, height=16) as writer:
        writer.write(np.zeros((16, 16, 3), np.uint8), 1.0)
        with pytest.raises(ShapeError, match=r"\(16, 16, 3\)"):
            writer.write(np.zeros((8, 16, 3), np.uint8))
        with pytest.raises(OptionError, match="after"):
            writer.write(np.zeros((16, 16, 3), np.uint8), 0.5)
    with pytest.raises(OptionError):
        VideoWriter(tmp_path / "y.mp4", width=0, height=16)
    with pytest.raises(OutputError, match="another folder"):
        VideoWriter(tmp_path / "no" / "such" / "folder" / "z.mp4", width=16, height=16)


def test_the_writer_says_which_endings_work(tmp_path: Path) -> None:
    for name, what in (
        ("f.xyz", "with the ending .xyz"),
        ("noext", "without an ending"),
        ("f.webm", "with the ending .webm"),
    ):
        with pytest.raises(OutputError, match=f"no format {what} holds H.264; end the name in .mp4, .mkv"):
            VideoWriter(tmp_path / name, width=16, height=16)
    (tmp_path / "dir.mp4").mkdir()
    with pytest.raises(OutputError, match=r"dir\.mp4: is a folder; name a file"):
        VideoWriter(tmp_path / "dir.mp4", width=16, height=16)
    with pytest.raises(OptionError, match="inf"):
        VideoWriter(tmp_path / "x.mp4", width=16, height=16, frames_per_second=float("inf"))
    assert [path.name for path in tmp_path.iterdir()] == ["dir.mp4"]


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    writer = VideoWriter(path, width=16, height=16)
    writer.write(np.zeros((16, 16, 3), np.uint8))
    path.mkdir()  # somebody was quicker
    with pytest.raises(OutputError, match="cannot be finished"):
        writer.close()
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_to_one_name_do_not_write_into_one_file(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    with VideoWriter(path, width=16, height=16) as first:
        first.write(np.zeros((16, 16, 3), np.uint8))
        with VideoWriter(path, width=32, height=32) as second:
            second.write(np.zeros((32, 32, 3), np.uint8))
            assert len(list(tmp_path.iterdir())) == 2
    with open_video(path) as video:
        assert (video.metadata.width, len(list(video))) == (16, 1)


def test_keyframes_are_where_they_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "keys.mp4"
    with VideoWriter(path, width=32, height=32, frames_per_second=10, keyframe_seconds=1.0) as writer:
        for _ in range(35):
            writer.write(np.zeros((32, 32, 3), np.uint8))
    assert np.flatnonzero(read_packets(path).is_keyframe).tolist() == [0, 10, 20, 30]
    with av.open(str(path)) as container:
        # The index comes first, so that a browser can seek before it has the whole file.
        assert container.streams.video[0].frames == 35
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
