"""A model as one file that other programs run: ONNX, or PyTorch's own exported program.

    export_onnx(model, "model.onnx", inputs)     → runs in ONNX Runtime, on phones, in browsers, without PyTorch
    export_step(causal_model, "step.onnx", …)    → one frame and the past in, logits and the next past out
    export_program(model, "model.pt2", inputs)   → runs in PyTorch without this package

Every file is run before it is handed over, and must give what the model gives; the largest difference is
in the report. The batch is free in the file; frames and pixels are fixed to those of the inputs.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from muybridge.errors import MuybridgeError, OptionError, OutputError, require_extra
from muybridge.models.causal import CausalNet

__all__ = ["ExportReport", "export_onnx", "export_program", "export_step"]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Args:
        path: the file.
        inputs: name → shape, where a word stands for a free size.
        outputs: names.
        max_difference: the largest absolute difference to the model, over all outputs of two batches.
        size_bytes: of the file.
    """

    path: str
    inputs: dict[str, tuple[int | str, ...]]
    outputs: tuple[str, ...]
    max_difference: float
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"outputs": list(self.outputs)}


def export_onnx(
    model: nn.Module,
    path: str | Path,
    inputs: Sequence[Tensor],
    *,
    output_names: Sequence[str] = ("logits",),
    tolerance: float = 1e-4,
) -> ExportReport:
    """Write a model as an ONNX file, run it in ONNX Runtime, and compare.

    Args:
        model: any of this package's models, in `.eval()` mode.
        path: the file to write.
        inputs: one tensor for each argument of the model's `forward`, batch first. Of numbers only the shape matters;
            integers, such as those of words, must mean something.
        output_names: one name for each tensor that the model returns, in order.
        tolerance: the largest absolute difference to the model that is let pass.

    Raises:
        OptionError: a model in training mode, another number of inputs than its `forward` takes, or of outputs than
            of names.
        OutputError: a model or file that cannot be written, or a file that gives something else than the model.
        MissingExtraError: the `export` extra is not installed.
    """
    batches = _batches(model, inputs)
    program = _program(model, batches[0], free_batch=True)
    return _write_onnx(model, program, path, batches, output_names=output_names, tolerance=tolerance)


def export_step(
    model: CausalNet, path: str | Path, *, height: int, width: int, tolerance: float = 1e-4
) -> ExportReport:
    """Write one step of a causal network as an ONNX file: a stream in any program, without PyTorch.

    The file takes `frames` (1, 3, 1, height, width) and the past, named as in `model.initial_state`; it gives
    `logits` (1, 1, K) and the next past under the same names with `next_` before them. At the beginning of a
    stream all of the past is zeros.

    Args:
        model: a causal network in `.eval()` mode.
        path: the file to write.
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        tolerance: the largest absolute difference to the model that is let pass.

    Raises:
        OptionError: a model in training mode, or one that is not causal.
        OutputError: a model or file that cannot be written, or a file that gives something else than the model.
        MissingExtraError: the `export` extra is not installed.
    """
    _check_is_causal(model)
    names = tuple(model.initial_state(1, height, width))
    step = _Step(model, names).train(model.training)
    device = _device(model)
    first = [
        torch.randn(1, 3, 1, height, width, device=device),
        *model.initial_state(1, height, width).values(),
    ]
    program = _program(step, first, free_batch=False)
    second = [torch.randn(1, 3, 1, height, width, device=device), *_run(step, first)[1:]]
    return _write_onnx(
        step,
        program,
        path,
        [first, second],
        input_names=("frames", *names),
        output_names=("logits", *(f"next_{name}" for name in names)),
        tolerance=tolerance,
    )


def export_program(
    model: nn.Module, path: str | Path, inputs: Sequence[Tensor], *, tolerance: float = 1e-5
) -> ExportReport:
    """Write a model as PyTorch's exported program, load it again, and compare.

    Args:
        model: any of this package's models, in `.eval()` mode.
        path: the file to write; its name ends in `.pt2`.
        inputs: one tensor for each argument of the model's `forward`, batch first. Of numbers only the shape matters;
            integers, such as those of words, must mean something.
        tolerance: the largest absolute difference to the model that is let pass.

    Raises:
        OptionError: a model in training mode, another number of inputs than its `forward` takes, or another ending.
        OutputError: a model or file that cannot be written, or a file that gives something else than the model.
    """
    path = Path(path)
    if path.suffix != ".pt2":
        raise OptionError(f"{path}: the name of an exported program must end in .pt2")
    names = list(inspect.signature(model.forward).parameters)[: len(inputs)]
    batches = _batches(model, inputs)
    if len(_run(model, batches[0])) > 1:
        model = _Flat(model)
    program = _program(model, batches[0], free_batch=True)
    with _quiet(), _writing(path):
        torch.export.save(program, path)
        loaded = torch.export.load(path).module()
    expected = [_run(model, rows) for rows in batches]
    with _reported(f"{path}: the file does not run, do not use it"):
        found = [_run(loaded, rows) for rows in batches]
    shapes = [("batch", *tensor.shape[1:]) for tensor in inputs]
    return _within(
        ExportReport(
            str(path),
            inputs=dict(zip(names, shapes, strict=True)),
            outputs=tuple(map(str, program.graph_signature.user_outputs)),
            max_difference=max(map(_difference, expected, found)),
            size_bytes=path.stat().st_size,
        ),
        tolerance,
    )


class _Flat(nn.Module):
    """A model that returns a plain tuple: a file that names this package's classes would need the package."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.train(model.training)
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(tree_leaves(self.model(*inputs)))


class _Step(nn.Module):
    """One step of a causal network with its state as plain arguments, which is all that a file can have."""

    def __init__(self, model: CausalNet, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, frames: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        logits, state = self.model.step(frames, dict(zip(self.names, past, strict=True)))
        return (logits, *(state[name] for name in self.names))


def _check_is_causal(model: nn.Module) -> None:
    if not isinstance(model, CausalNet):
        raise OptionError(
            f"{type(model).__name__} keeps nothing of the past, so it has no single step; give a causal network, such"
            " as causal_small, or write the whole clip's model by export_onnx"
        )


def _batches(model: nn.Module, inputs: Sequence[Tensor]) -> list[list[Tensor]]:
    """Inputs of those shapes in batches of 2 and 3: a batch of one would be taken for fixed.

    Numbers are random. Integers, such as those of words, mean what they are, so the rows that were given are repeated.
    """
    signature = inspect.signature(model.forward)
    try:
        signature.bind(*inputs)
    except TypeError:
        raise OptionError(
            f"inputs are {len(inputs)} tensors; give one for each argument of {type(model).__name__}.forward:"
            f" {', '.join(signature.parameters)}"
        ) from None
    device = _device(model)
    return [[_rows(tensor, num_rows, device) for tensor in inputs] for num_rows in (2, 3)]


def _rows(tensor: Tensor, count: int, device: torch.device) -> Tensor:
    if tensor.is_floating_point():
        return torch.randn(count, *tensor.shape[1:], dtype=tensor.dtype, device=device)
    return tensor.to(device)[torch.arange(count, device=device) % len(tensor)]


def _device(model: nn.Module) -> torch.device:
    """Where the model's numbers lie."""
    tensors = [*model.parameters(), *model.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def _program(model: nn.Module, inputs: Sequence[Tensor], *, free_batch: bool) -> torch.export.ExportedProgram:
    if model.training:
        raise OptionError("the model is in training mode; call model.eval() before exporting it")
    shapes: tuple[Any, ...] | None = tuple({0: torch.export.Dim.AUTO} for _ in inputs) if free_batch else None
    if isinstance(model, _Flat):
        shapes = (shapes,)  # as its arguments are one tuple
    with _quiet(), torch.no_grad(), _reported(f"{type(model).__name__} cannot be written as a graph"):
        return torch.export.export(model, tuple(inputs), dynamic_shapes=shapes)


def _write_onnx(
    model: nn.Module,
    program: torch.export.ExportedProgram,
    path: str | Path,
    batches: Sequence[Sequence[Tensor]],
    *,
    output_names: Sequence[str],
    tolerance: float,
    input_names: Sequence[str] | None = None,
) -> ExportReport:
    require_extra("onnx", extra="export")
    require_extra("onnxscript", extra="export")
    import onnxruntime

    expected = [_run(model, rows) for rows in batches]
    if len(expected[0]) != len(output_names):
        raise OptionError(
            f"the model returns {len(expected[0])} tensors, but output_names are {', '.join(output_names)}"
        )
    with _quiet(), _writing(Path(path)), _reported(f"{type(model).__name__} cannot be written as ONNX"):
        file = torch.onnx.export(
            program, dynamo=True, verbose=False, input_names=input_names, output_names=output_names
        )
        assert file is not None
        file.save(path)
    found = []
    with _reported(f"{path}: the file does not run, do not use it"):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [node.name for node in session.get_inputs()]
        for rows in batches:
            feed = {name: tensor.cpu().numpy() for name, tensor in zip(names, rows, strict=True)}
            found.append([torch.from_numpy(value) for value in session.run(None, feed)])
    return _within(
        ExportReport(
            str(path),
            inputs={
                node.name: tuple("batch" if isinstance(size, str) else size for size in node.shape)
                for node in session.get_inputs()
            },
            outputs=tuple(node.name for node in session.get_outputs()),
            max_difference=max(map(_difference, expected, found)),
            size_bytes=Path(path).stat().st_size,
        ),
        tolerance,
    )


def _run(model: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    with torch.no_grad():
        return [leaf for leaf in tree_leaves(model(*inputs)) if isinstance(leaf, Tensor)]


def _difference(expected: list[Tensor], found: list[Tensor]) -> float:
    if any(tensor.isnan().any() for tensor in expected):
        raise OptionError(
            "the model itself gives NaN for these inputs, so nothing can be compared; give others, such as words where"
            " these are nothing but padding"
        )
    return max(float((a.cpu() - b.cpu()).abs().max()) for a, b in zip(expected, found, strict=True))


def _within(report: ExportReport, tolerance: float) -> ExportReport:
    if not report.max_difference <= tolerance:
        raise OutputError(
            f"{report.path}: the file differs from the model by {report.max_difference:.3g}, more than"
            f" {tolerance:g}; do not use it"
        )
    return report


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' warnings of their own deprecations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _reported(what: str) -> Iterator[None]:
    """Tell a failure of the exporters or of the file, which come as any kind of error, in one line."""
    try:
        yield
    except (MuybridgeError, OSError):
        raise
    except Exception as error:
        raise OutputError(f"{what}: {str(error).strip().partition(chr(10))[0]}") from error


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist; make it first")
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
