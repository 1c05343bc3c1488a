"""Which frames and which part of them a classifier sees."""

import numpy as np
import pytest

from muybridge.actions.views import crop_corners, resized_size
from muybridge.models.registry import model_entry
from muybridge.models.weights import Weights
from muybridge.video.clip_indices import clip_indices
from muybridge.video.packets import PacketTable


def packets(num_frames: int, frames_per_second: float, start_seconds: float = 0.0) -> PacketTable:
    ticks = [round(start_seconds * 90_000 + i * 90_000 / frames_per_second) for i in range(num_frames)]
    return PacketTable.from_columns(
        pts=ticks,
        dts=ticks,
        size_bytes=[1] * num_frames,
        is_keyframe=np.arange(num_frames) == 0,
        seconds_per_tick=1 / 90_000,
    )


@pytest.mark.parametrize("start_seconds", [0.0, 7.5])
def test_a_rate_of_the_record_is_kept_whatever_the_source(start_seconds: float) -> None:
    record = Weights("k", num_frames=4, frames_per_second=15.0)
    # 3 frames at 15 per second last 0.2 s; in 10 s of 30 per second that is every second frame from the middle.
    (middle,) = clip_indices(packets(300, 30.0, start_seconds).pts_seconds, record, num_clips=1)
    assert np.diff(middle).tolist() == [2, 2, 2]
    assert middle[0] == 146
    first, last = clip_indices(packets(300, 30.0, start_seconds).pts_seconds, record, num_clips=2)
    assert (first[0], last[-1]) == (0, 299)
    (slow,) = clip_indices(packets(50, 5.0, start_seconds).pts_seconds, record, num_clips=1)
    assert slow.tolist() in ([24, 24, 24, 25], [24, 24, 25, 25])


def test_a_stride_counts_frames_of_the_source() -> None:
    first, last = clip_indices(
        packets(100, 25.0).pts_seconds, Weights("k", num_frames=4, stride=8), num_clips=2
    )
    assert first.tolist() == [0, 8, 16, 24]
    assert last.tolist() == [75, 83, 91, 99]


@pytest.mark.parametrize(
    ("size", "resize_px", "expected"),
    [
        ((320, 240), (128, 171), (171, 128)),  # torchvision's residual networks distort
        ((1920, 1080), 256, (455, 256)),
        ((1080, 1920), 256, (256, 455)),
        ((96, 48), None, (224, 224)),  # never smaller than the crop
        ((640, 480), None, (298, 224)),
    ],
)
def test_the_size_before_the_crop(
    size: tuple[int, int], resize_px: int | tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    record = Weights("k", size_px=112 if isinstance(resize_px, tuple) else 224, resize_px=resize_px)
    if size == (96, 48):
        expected = (448, 224)
    assert resized_size(*size, record) == expected


def test_crops_lie_along_the_longer_side() -> None:
    assert crop_corners((171, 128), 112, 1) == [(30, 8)]
    assert crop_corners((171, 128), 112, 3) == [(0, 8), (30, 8), (59, 8)]
    assert crop_corners((128, 171), 112, 3) == [(8, 0), (8, 30), (8, 59)]


def test_the_pixels_are_nearly_those_of_torchvision_s_own_transform(shared) -> None:  # type: ignore[no-untyped-def]
    """The same frames through the published preprocessing: bilinear without antialiasing there, area-aware here."""
    import torch

    from muybridge.actions.views import read_views
    from muybridge.video.reader import open_video
    from muybridge.video.transforms import to_model_tensor
    from torchvision_oracle import torchvision_video_models

    record = model_entry("r3d_18").weights["kinetics400"]
    path = shared / "clips" / "arm_wrestling.mp4"
    ours = to_model_tensor(read_views(path, record), mean=record.mean, std=record.std)[0]
    with open_video(path) as video:
        (indices,) = clip_indices(video.packets.pts_seconds, record)
        frames = video.frames_at(indices=indices.tolist()).pixels
    transform = torchvision_video_models().R3D_18_Weights.KINETICS400_V1.transforms()
    theirs = transform(torch.from_numpy(frames).permute(0, 3, 1, 2))
    assert ours.shape == theirs.shape == (3, 16, 112, 112)
    difference = (ours - theirs).abs()
    assert difference.mean() < 0.1  # in standard deviations of a pixel; shifted by a pixel it is far more
    shifted = (ours[..., 1:] - theirs[..., :-1]).abs()
    assert difference.mean() < 0.7 * shifted.mean()
