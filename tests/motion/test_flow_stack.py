"""Stacks for two-stream networks, and flow kept in 8 bits."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from muybridge.errors import MuybridgeError, OptionError, OutputError, ShapeError, VideoError
from muybridge.motion.flow_stack import (
    StoredFlow,
    TimedField,
    dequantize_flow,
    iterate_flow_stacks,
    quantize_flow,
    store_flow,
)
from muybridge.motion.flow_video import FlowFrame
from muybridge.values import Frame


def flow_frames(num: int, cuts: tuple[int, ...] = (), size: tuple[int, int] = (24, 32)) -> list[FlowFrame]:
    """Field `i` is a smooth ramp plus i; the times are those of 25 frames per second."""
    ys, xs = np.mgrid[: size[0], : size[1]]
    ramp = np.stack([xs / 8 - 2, ys / 6 - 2], axis=-1)
    picture = np.zeros(size, np.uint8)
    return [
        FlowFrame(
            (ramp + i).astype(np.float32),
            Frame(picture, i / 25),
            Frame(picture, (i + 1) / 25),
            size[1],
            size[0],
            is_cut=i in cuts,
        )
        for i in range(num)
    ]


@given(arrays(np.float32, (3, 4, 2), elements=st.floats(-50, 50, width=32)), st.sampled_from([5.0, 20.0]))
@settings(max_examples=50, deadline=None)
def test_eight_bits_are_off_by_at_most_half_a_step(flow: NDArray[np.float32], bound: float) -> None:
    back = dequantize_flow(quantize_flow(flow, bound_px=bound), bound_px=bound)
    assert np.abs(back - np.clip(flow, -bound, bound)).max() <= bound / 254 + 1e-5
    again = quantize_flow(back, bound_px=bound)
    np.testing.assert_array_equal(dequantize_flow(again, bound_px=bound), back)


def test_zero_stays_exactly_zero() -> None:
    assert not dequantize_flow(quantize_flow(np.zeros((2, 2, 2)))).any()


def test_levels_by_hand() -> None:
    levels = quantize_flow(np.array([[[0, 10], [-10, 30], [-20, 20]]], float))
    # 10 px is half the bound: 63.5 steps, rounded to the even 64.
    assert levels[0].tolist() == [[128, 192], [64, 255], [1, 255]]
    np.testing.assert_allclose(dequantize_flow(np.array([[[0, 255]]], np.uint8))[0, 0], [-20, 20])


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    frames = flow_frames(6, cuts=(3,))
    stored = store_flow(iter(frames), tmp_path / "clip.flow")
    assert len(stored) == len(StoredFlow(tmp_path / "clip.flow")) == 6
    for place, field in enumerate(stored):
        assert (field.start_seconds, field.end_seconds) == (place / 25, (place + 1) / 25)
        assert field.is_cut == (place == 3)
        assert np.abs(field.flow - frames[place].flow).max() <= 20 / 254 + 1e-5
    np.testing.assert_array_equal(stored[-1].flow, stored[5].flow)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.flow"]


def test_jpeg_is_close_and_small(tmp_path: Path) -> None:
    frames = flow_frames(4, size=(96, 128))
    png = store_flow(frames, tmp_path / "png.flow")
    jpeg = store_flow(frames, tmp_path / "jpeg.flow", encoding="jpeg", jpeg_quality=95)
    for exact, close in zip(png, jpeg, strict=True):
        assert 0 < np.abs(exact.flow - close.flow).mean() < 0.25


def test_a_stack_by_hand() -> None:
    frames = flow_frames(3)
    (stack,) = iterate_flow_stacks(frames, num_fields=3, center=False)
    assert stack.channels.shape == (6, 24, 32)
    assert stack.channels.dtype == torch.float32
    assert (stack.start_seconds, stack.end_seconds) == (0.0, 3 / 25)
    for i in range(3):
        for axis in range(2):
            np.testing.assert_allclose(
                stack.channels[2 * i + axis].numpy(), frames[i].flow[..., axis] / 20, rtol=1e-6
            )
    (centered,) = iterate_flow_stacks(frames, num_fields=3)
    assert centered.channels.mean(dim=(1, 2)).abs().max() < 1e-6


def test_long_displacements_are_cut_off() -> None:
    field = TimedField(np.full((2, 2, 2), (45.0, -21.0), np.float32), 0.0, 0.04)
    (stack,) = iterate_flow_stacks([field], num_fields=1, center=False)
    assert stack.channels[:, 0, 0].tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    ("num", "cuts", "length", "stride", "starts"),
    [
        (10, (), 5, None, [0, 5]),
        (11, (), 5, None, [0, 5]),
        (10, (), 5, 2, [0, 2, 4]),
        (10, (), 3, 4, [0, 4]),
        (11, (), 3, 4, [0, 4, 8]),
        (11, (4,), 3, None, [0, 5, 8]),
        (11, (4,), 3, 4, [0, 5]),
        (4, (), 5, None, []),
    ],
)
def test_where_stacks_start(
    num: int, cuts: tuple[int, ...], length: int, stride: int | None, starts: list[int]
) -> None:
    stacks = iterate_flow_stacks(flow_frames(num, cuts), num_fields=length, stride=stride)
    found = [(stack.start_seconds, stack.end_seconds) for stack in stacks]
    assert found == [(start / 25, (start + length) / 25) for start in starts]


def test_stored_fields_stack_like_fresh_ones(tmp_path: Path) -> None:
    frames = flow_frames(9, cuts=(4,))
    stored = store_flow(frames, tmp_path / "clip.flow")
    fresh = list(iterate_flow_stacks(frames, num_fields=4))
    kept = list(iterate_flow_stacks(stored, num_fields=4))
    assert len(fresh) == len(kept) == 2
    for one, other in zip(fresh, kept, strict=True):
        assert (one.channels - other.channels).abs().max() < 0.006


def test_bad_input(tmp_path: Path) -> None:
    frames = flow_frames(2)
    for bound in (0, -1, np.nan, np.inf):
        with pytest.raises(OptionError, match="bound_px"):
            quantize_flow(frames[0].flow, bound_px=bound)
    with pytest.raises(OptionError, match="NaN"):
        quantize_flow(np.full((2, 2, 2), np.nan))
    with pytest.raises(OptionError, match="encoding is 'gif'"):
        store_flow(frames, tmp_path / "x", encoding="gif")  # type: ignore[arg-type]
    for quality in (0, 95.5, 101):
        with pytest.raises(OptionError, match=r"jpeg_quality is .* a whole number from 1 to 100"):
            store_flow(frames, tmp_path / "x", encoding="jpeg", jpeg_quality=quality)  # type: ignore[arg-type]
    with pytest.raises(VideoError, match="fewer than two frames"):
        store_flow([], tmp_path / "x")
    with pytest.raises(OutputError, match="cannot be written"):
        store_flow(frames, tmp_path / "no" / "folder")
    assert list(tmp_path.iterdir()) == []
    for count in (0, 2.5):
        with pytest.raises(OptionError, match="num_fields"):
            iterate_flow_stacks(frames, num_fields=count)  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="stride"):
            iterate_flow_stacks(frames, stride=count)  # type: ignore[arg-type]
    mixed = [*flow_frames(1), *flow_frames(1, size=(6, 8))]
    with pytest.raises(ShapeError, match="follows"):
        list(iterate_flow_stacks(mixed, num_fields=2))


def test_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(MuybridgeError, match="cannot be read"):
        StoredFlow(tmp_path / "absent")
    (tmp_path / "text").write_text("no flow")
    with pytest.raises(MuybridgeError, match="not stored flow"):
        StoredFlow(tmp_path / "text")
    with zipfile.ZipFile(tmp_path / "other", "w") as archive:
        archive.writestr("index.json", '{"format": "something else"}')
    with pytest.raises(MuybridgeError, match="not stored flow"):
        StoredFlow(tmp_path / "other")
    stored = store_flow(flow_frames(2), tmp_path / "clip.flow")
    with pytest.raises(IndexError, match="field 2"):
        stored[2]
    with zipfile.ZipFile(tmp_path / "clip.flow") as archive:
        index = archive.read("index.json")
    with zipfile.ZipFile(tmp_path / "clip.flow", "w") as archive:
        archive.writestr("index.json", index)
        archive.writestr("000000.png", b"broken")
    with pytest.raises(MuybridgeError, match="field 0 is damaged"):
        stored[0]
    with pytest.raises(MuybridgeError, match="field 1 is damaged"):
        stored[1]


def write_store(path: Path, image: bytes, **index: object) -> Path:
    whole = {"format": "muybridge flow 1", "bound_px": 20, "encoding": "png", "fields": [[0, 1, False]]}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("000000.png", image)
        archive.writestr("index.json", json.dumps(whole | index))
    return path


def png(height: int, width: int) -> bytes:
    return bytes(cv2.imencode(".png", np.full((height, width), 128, np.uint8))[1])


def test_a_store_by_hand(tmp_path: Path) -> None:
    (field,) = StoredFlow(write_store(tmp_path / "clip.flow", png(8, 6)))
    assert (field.start_seconds, field.end_seconds, field.is_cut) == (0.0, 1.0, False)
    np.testing.assert_array_equal(field.flow, np.zeros((4, 6, 2)))


@pytest.mark.parametrize("image", [b"", png(7, 6)], ids=["empty", "odd"])
def test_images_that_are_no_field(image: bytes, tmp_path: Path) -> None:
    stored = StoredFlow(write_store(tmp_path / "clip.flow", image))
    with pytest.raises(MuybridgeError, match=r"field 0 is damaged .*no image of dx above dy"):
        stored[0]
    with pytest.raises(MuybridgeError, match="field 0 is damaged"):
        list(stored)


@pytest.mark.parametrize(
    "index",
    [{"bound_px": -1}, {"bound_px": float("nan")}, {"encoding": "gif"}, {"encoding": []}, {"fields": [1, 2]}],
)
def test_an_index_that_cannot_be_is_said_when_it_is_opened(index: dict[str, object], tmp_path: Path) -> None:
    path = write_store(tmp_path / "clip.flow", png(8, 6), **index)
    with pytest.raises(MuybridgeError, match="not stored flow, or damaged") as caught:
        StoredFlow(path)
    assert not isinstance(caught.value, OptionError)  # it is the file's fault, not the caller's


def test_a_store_that_is_gone_by_the_time_it_is_read(tmp_path: Path) -> None:
    stored = store_flow(flow_frames(1), tmp_path / "clip.flow", bound_px=np.float32(20))
    (tmp_path / "clip.flow").unlink()
    with pytest.raises(MuybridgeError, match="cannot be read"):
        stored[0]
