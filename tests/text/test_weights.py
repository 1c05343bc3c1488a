"""The networks' files."""

from pathlib import Path

import numpy as np
import pytest

from muybridge.errors import WeightsError
from muybridge.text.ppocr import PPOCRNetworks
from muybridge.text.weights import find_model, flush_denormals, load_session


def test_flushing_changes_denormals_alone_and_not_the_answer(engine: object) -> None:
    import onnxruntime

    path = find_model("detection")
    original = path.read_bytes()
    model = bytearray(original)
    changed = flush_denormals(model)
    assert changed > 0
    before, after = np.frombuffer(original, np.uint8), np.frombuffer(bytes(model), np.uint8)
    assert np.count_nonzero(before != after) <= 4 * changed
    assert flush_denormals(model) == 0  # nothing is left
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 96)).astype(np.float32)
    session = load_session(path, num_threads=1)
    plain = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {"x": image})[0], plain.run(None, {"x": image})[0])


def test_missing_and_damaged_networks_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="pip install 'rapidocr"):
        find_model("detection", models_path=tmp_path)
    (tmp_path / "my_det_small.onnx").write_bytes(b"\x3a\x05no")
    with pytest.raises(WeightsError, match=r"my_det_small\.onnx cannot be loaded"):
        PPOCRNetworks(models_path=tmp_path).detect(np.zeros((64, 64, 3), np.uint8))
    for junk in (b"", b"\xff" * 40, b"not an onnx file at all"):
        (tmp_path / "my_det_small.onnx").write_bytes(junk)
        with pytest.raises(WeightsError):
            load_session(tmp_path / "my_det_small.onnx")
