"""Middlebury and KITTI files: bytes by hand, round trips, OpenCV as the oracle, damaged files."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

import muybridge
from muybridge.errors import MuybridgeError, OptionError, OutputError, ShapeError
from muybridge.motion.flow_files import read_flo, read_kitti_flow, write_flo, write_kitti_flow


def test_flo_bytes_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "two.flo"
    write_flo(path, np.array([[[1.0, 2.0], [3.0, -4.5]]]))
    assert path.read_bytes() == struct.pack("<f2i4f", 202021.25, 2, 1, 1.0, 2.0, 3.0, -4.5)


def test_flo_equals_opencv(tmp_path: Path) -> None:
    flow = np.random.default_rng(0).normal(size=(5, 7, 2)).astype(np.float32)
    write_flo(tmp_path / "ours.flo", flow)
    np.testing.assert_array_equal(cv2.readOpticalFlow(str(tmp_path / "ours.flo")), flow)
    cv2.writeOpticalFlow(str(tmp_path / "theirs.flo"), flow)
    np.testing.assert_array_equal(read_flo(tmp_path / "theirs.flo"), flow)
    assert read_flo(tmp_path / "theirs.flo").flags.writeable


def test_the_readers_are_reachable_from_the_flow_module() -> None:
    assert muybridge.motion.flow.read_flo is read_flo
    assert muybridge.motion.flow.write_flo is write_flo


@given(arrays(np.int16, (3, 4, 2), elements=st.integers(-32_768, 32_767)))
@settings(max_examples=25, deadline=None)
def test_kitti_round_trip_is_exact_on_its_grid(steps: np.ndarray) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.png"
        write_kitti_flow(path, steps / 64)
        flow, known = read_kitti_flow(path)
    np.testing.assert_array_equal(flow, steps / 64)
    assert known.all()


def test_kitti_channels_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    flow = np.array([[[1.0, -2.0], [np.nan, 9999.0]]])
    write_kitti_flow(path, flow, np.array([[True, False]]))
    blue_green_red = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert blue_green_red.dtype == np.uint16
    np.testing.assert_array_equal(blue_green_red[0], [[1, 32_768 - 128, 32_768 + 64], [0, 0, 0]])
    back, known = read_kitti_flow(path)
    np.testing.assert_array_equal(back, [[[1, -2], [0, 0]]])
    np.testing.assert_array_equal(known, [[True, False]])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a .flo file"),
        (b"GIF89a" + bytes(20), "not a .flo file"),
        (b"PIEH", "header"),
        (b"PIEH" + struct.pack("<2i", -3, 4), "header says -3x4"),
        (b"PIEH" + struct.pack("<2i", 2_000_000_000, 2), "header"),
        (b"PIEH" + struct.pack("<2i", 2, 2) + bytes(31), "take 44 bytes, but it has 43"),
        (b"PIEH" + struct.pack("<2i", 2, 2) + bytes(33), "take 44 bytes, but it has 45"),
    ],
)
def test_damaged_flo(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "damaged.flo"
    path.write_bytes(data)
    with pytest.raises(MuybridgeError, match=words):
        read_flo(path)


def test_damaged_kitti(tmp_path: Path) -> None:
    path = tmp_path / "damaged.png"
    for data in (b"", b"not a picture", cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()):
        path.write_bytes(data)
        with pytest.raises(MuybridgeError, match="not a KITTI flow map"):
            read_kitti_flow(path)


def test_bad_input(tmp_path: Path) -> None:
    flow = np.zeros((3, 4, 2))
    for read in (read_flo, read_kitti_flow):
        with pytest.raises(MuybridgeError, match="cannot be read"):
            read(tmp_path / "absent")
    for write in (write_flo, write_kitti_flow):
        with pytest.raises(ShapeError, match="flow field"):
            write(tmp_path / "x", np.zeros((3, 4)))
        with pytest.raises(OutputError, match="cannot be written"):
            write(tmp_path / "no" / "folder", flow)
    with pytest.raises(ShapeError, match="known"):
        write_kitti_flow(tmp_path / "x.png", flow, np.ones((2, 2), bool))
    for value in (np.nan, 512.0, -513.0, np.inf):
        with pytest.raises(OptionError, match="12 known vectors"):
            write_kitti_flow(tmp_path / "x.png", np.full((3, 4, 2), value))
