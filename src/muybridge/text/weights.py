"""The PP-OCR networks that ship inside rapidocr's wheel, as ONNX Runtime sessions.

The files are found without importing rapidocr. Loading flushes denormal weights to zero: the detection
network holds a quarter of a million of them, and multiplying by them costs more time than all the rest. They
lie below 1.2e-38, so the output stays the same to the last bit.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from muybridge.cores import num_threads as threads_at_once
from muybridge.errors import WeightsError

__all__ = ["PARTS", "find_model", "flush_denormals", "load_session"]

PARTS = {"detection": "*_det_*.onnx", "orientation": "*_cls_*.onnx", "recognition": "*_rec_*.onnx"}
"""What each network does → how its file is named."""

_REMEDY = (
    "install the version this was made for with `pip install 'rapidocr>=3.10,<3.11'`, or point models_path at"
    " a folder that holds PP-OCR models as ONNX files named *_det_*.onnx, *_rec_*.onnx and *_cls_*.onnx"
)


def find_model(part: str, *, models_path: str | Path | None = None) -> Path:
    """The file of one network.

    Args:
        part: `"detection"`, `"orientation"` or `"recognition"`.
        models_path: a folder of other PP-OCR models; by default the one inside rapidocr.

    Raises:
        WeightsError: the file is not there.

    >>> find_model("recognition").suffix
    '.onnx'
    """
    if models_path is not None:
        folder = Path(models_path)
    else:
        spec = importlib.util.find_spec("rapidocr")
        if spec is None or not spec.submodule_search_locations:
            raise WeightsError(f"rapidocr, whose wheel holds the text networks, is not installed; {_REMEDY}")
        folder = Path(spec.submodule_search_locations[0]) / "models"
    found = sorted(folder.glob(PARTS[part]))
    if not found:
        raise WeightsError(f"no {part} network {PARTS[part]} in {folder}; {_REMEDY}")
    return found[-1]


def load_session(path: Path, *, num_threads: int | None = None) -> Any:
    """Load an ONNX file for the CPU.

    Args:
        path: the file.
        num_threads: how many threads work on one run; by default all cores, at most four.

    Returns:
        An `onnxruntime.InferenceSession`.

    Raises:
        WeightsError: the file cannot be read or is not an ONNX network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = num_threads or min(4, threads_at_once())
    options.inter_op_num_threads = 1
    # Pictures come in many sizes, and the arena would keep the largest block of each for good.
    options.enable_cpu_mem_arena = False
    # Threads that spin while they wait would take a core from the decoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        model = bytearray(path.read_bytes())
        flush_denormals(model)
        return onnxruntime.InferenceSession(bytes(model), options, providers=["CPUExecutionProvider"])
    except (
        Exception
    ) as error:  # ONNX Runtime raises its own classes for each way to fail, which share no base
        raise WeightsError(f"{path} cannot be loaded as an ONNX network: {error}; {_REMEDY}") from error


def flush_denormals(model: bytearray) -> int:
    """Set the denormal float32 weights of an ONNX file to zero, in place.

    Args:
        model: the file's bytes.

    Returns:
        How many weights were changed.

    Raises:
        ValueError: the bytes are not an ONNX file.

    Field numbers are those of onnx.proto: ModelProto.graph = 7, GraphProto.initializer = 5,
    TensorProto.data_type = 2 (FLOAT = 1), TensorProto.raw_data = 9.
    """
    num_changed = 0
    view = memoryview(model)
    for graph_field, graph in _fields(view, 0, len(model)):
        if graph_field != 7 or not isinstance(graph, slice):
            continue
        for tensor_field, tensor in _fields(view, graph.start, graph.stop):
            if tensor_field != 5 or not isinstance(tensor, slice):
                continue
            known = dict(_fields(view, tensor.start, tensor.stop))
            raw = known.get(9)
            if known.get(2) == 1 and isinstance(raw, slice) and (raw.stop - raw.start) % 4 == 0:
                bits = np.frombuffer(view[raw], "<u4")  # shares the memory of `model`
                denormal = ((bits & 0x7F800000) == 0) & ((bits & 0x7FFFFFFF) != 0)
                num_changed += int(denormal.sum())
                bits[denormal] = 0
    return num_changed


def _fields(data: memoryview, start: int, stop: int) -> Iterator[tuple[int, int | slice]]:
    """The fields of one protobuf message: number → value, or the place of its bytes."""
    while start < stop:
        key, start = _varint(data, start)
        kind = key & 7
        if kind == 0:
            value, start = _varint(data, start)
            yield key >> 3, value
            continue
        if kind == 2:
            length, start = _varint(data, start)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"protobuf wire type {kind} at byte {start}: not an ONNX file")
        if start + length > stop:
            raise ValueError(f"a field of {length} bytes runs over the end: the file is truncated")
        yield key >> 3, slice(start, start + length)
        start += length


def _varint(data: memoryview, start: int) -> tuple[int, int]:
    value = shift = 0
    while start < len(data):
        byte = data[start]
        value |= (byte & 0x7F) << shift
        start += 1
        if byte < 0x80:
            return value, start
        shift += 7
    raise ValueError("a number runs over the end: the file is truncated")
