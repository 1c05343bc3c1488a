"""Every own model as an ONNX file and as an exported program: the file gives what the model gives."""

from pathlib import Path

import numpy as np
import pytest
import torch

from muybridge.errors import OptionError, OutputError
from muybridge.models import create_model, list_models, model_entry
from muybridge.models.causal import CausalNet
from muybridge.models.export import ExportReport, _batches, export_onnx, export_program, export_step

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SMALL = {
    "boundary_matching_net": ({"num_features": 16, "num_moments": 12, "num_points": 4}, [(16, 12)]),
    "causal_light": ({"num_classes": 5}, [(3, 4, 32, 32)]),
    "causal_shift_small": ({"num_classes": 5}, [(3, 4, 32, 32)]),
    "causal_small": ({"num_classes": 5}, [(3, 4, 32, 32)]),
    "causal_tiny": ({"num_classes": 5}, [(3, 4, 32, 32)]),
    "factorized3d": ({"num_classes": 5}, [(3, 4, 32, 32)]),
    "frame_encoder": ({"num_classes": 5, "width": 8}, [(3, 4, 32, 32)]),
    "mc3_18": ({"num_classes": 5}, [(3, 8, 32, 32)]),
    "r2plus1d_18": ({"num_classes": 5}, [(3, 8, 32, 32)]),
    "r3d_18": ({"num_classes": 5}, [(3, 8, 32, 32)]),
    "simple3d": ({"num_classes": 5}, [(3, 4, 32, 32)]),
    "temporal_proposal_net": ({"num_features": 16}, [(16, 12)]),
    "temporal_shift": ({"width": 8, "num_features": 16}, [(3, 4, 32, 32)]),
    "vivit": (
        {
            "num_classes": 5,
            "num_frames": 4,
            "size_px": 32,
            "dim": 32,
            "depth": 2,
            "num_heads": 2,
            "mlp_dim": 64,
        },
        [(3, 4, 32, 32)],
    ),
    "two_stream": ({"num_classes": 5, "width": 8, "fusion": "learned"}, [(3, 2, 32, 32), (20, 32, 32)]),
}
# Options, shape of what is looked at, outputs; beside it they take the numbers of words.
READERS: dict[str, tuple[dict[str, object], tuple[int, ...], tuple[str, ...]]] = {
    "moment_detr": ({"num_features": 8}, (12, 4, 8), ("spans", "logits", "saliency", "pointing")),
    "video_captioner": ({}, (3, 8, 32, 32), ("logits",)),
    "video_qa": ({}, (3, 8, 32, 32), ("logits",)),
}
QUICK = ("causal_tiny", "temporal_proposal_net", "two_stream")
# Built of the same layers as another one; the ONNX file of each is made from its program, too.
SIBLINGS = {"causal_light", "causal_shift_small", "causal_small", "mc3_18", "r2plus1d_18"}
OUTPUTS = {
    "boundary_matching_net": ("start", "end", "confidence"),
    "temporal_proposal_net": ("start", "end", "classes"),
}


def own_models() -> list[str]:
    """Models whose layers are this package's; the adapters' come from elsewhere."""
    return [name for name in list_models() if ".hub_" not in model_entry(name).builder.__module__]


def build(name: str) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    torch.manual_seed(0)
    options, shapes = SMALL[name]
    model = create_model(name, **options)
    inputs = [torch.randn(2, *shape) for shape in shapes]
    with torch.no_grad():
        model(*inputs)  # batch norm sees data once, so that its statistics are not trivial
    return model.eval(), inputs


def check_file(report: ExportReport, model: torch.nn.Module, rows: list[torch.Tensor]) -> None:
    """The file gives what the model gives."""
    session = onnxruntime.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    found = session.run(None, {key: row.numpy() for key, row in zip(report.inputs, rows, strict=True)})
    with torch.no_grad():
        expected = model(*rows)
    for value, wanted in zip(found, [expected] if len(report.outputs) == 1 else expected, strict=True):
        np.testing.assert_allclose(value, wanted.numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SMALL]
)
def test_every_own_model_becomes_onnx(name: str, tmp_path: Path) -> None:
    model, inputs = build(name)
    outputs = OUTPUTS.get(name, ("logits",))
    report = export_onnx(model, tmp_path / "model.onnx", inputs, output_names=outputs)
    assert report.outputs == outputs
    assert report.max_difference <= 1e-4
    assert all(shape[0] == "batch" for shape in report.inputs.values())
    # The report is not taken at its word: the file runs here, with one row more.
    rows = [torch.randn(5, *tensor.shape[1:]) for tensor in inputs]
    check_file(report, model, rows)


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK[:2] else pytest.param(name, marks=pytest.mark.slow)
        for name in SMALL
        if name not in SIBLINGS
    ],
)
def test_every_kind_of_model_becomes_a_program(name: str, tmp_path: Path) -> None:
    model, inputs = build(name)
    report = export_program(model, tmp_path / "model.pt2", inputs)
    assert report.max_difference <= 1e-5
    assert report.size_bytes == Path(report.path).stat().st_size


def test_no_own_model_is_forgotten() -> None:
    assert set(own_models()) == set(SMALL) | set(READERS)


@pytest.mark.parametrize(
    "name",
    [name if name == "moment_detr" else pytest.param(name, marks=pytest.mark.slow) for name in READERS],
)
def test_a_model_that_reads_words_becomes_both(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    options, shape, outputs = READERS[name]
    model = create_model(name, dim=16, num_heads=2, num_layers=1, max_words=6, **options).eval()
    words = torch.tensor([[1, 4, 5, 2], [1, 5, 2, 0], [1, 6, 4, 2]])
    report = export_onnx(
        model, tmp_path / "model.onnx", [torch.zeros(2, *shape), words[:2]], output_names=outputs
    )
    assert [size[0] for size in report.inputs.values()] == ["batch", "batch"]
    assert (
        export_program(model, tmp_path / "model.pt2", [torch.zeros(2, *shape), words[:2]]).max_difference
        <= 1e-5
    )
    # The report is not taken at its word: other sentences, and one row more.
    rows = [torch.randn(3, *shape), words]
    check_file(report, model, rows)


def test_what_cannot_be_written_or_compared_is_told_in_a_line(tmp_path: Path) -> None:
    class Fixed(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.reshape(2, -1)

    class Undecided(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.max() > 0 else -x

    class NoNumber(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.nan

    for export, file in ((export_onnx, "model.onnx"), (export_program, "model.pt2")):
        with pytest.raises(OutputError, match=r"Undecided cannot be written as a graph: [^\n]+$"):
            export(Undecided().eval(), tmp_path / file, [torch.zeros(2, 3)])
        with pytest.raises(OptionError, match="gives NaN for these inputs"):
            export(NoNumber().eval(), tmp_path / file, [torch.zeros(2, 3)])
    with pytest.raises(OutputError, match=r"model\.pt2: the file does not run"):
        export_program(Fixed().eval(), tmp_path / "model.pt2", [torch.zeros(2, 3, 4)])


@pytest.mark.parametrize("temporal", ["conv", "shift"])
def test_a_stream_runs_without_torch(temporal: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = CausalNet(5, widths=(8, 12), temporal=temporal, memory_frames=3).eval()
    report = export_step(model, tmp_path / "step.onnx", height=16, width=24)
    session = onnxruntime.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    past = {key: np.zeros(shape, np.float32) for key, shape in report.inputs.items() if key != "frames"}
    stream = model.stream()
    for frame in torch.randn(7, 3, 16, 24):
        outputs = session.run(None, {"frames": frame[None, :, None].numpy(), **past})
        past = dict(zip(past, outputs[1:], strict=True))
        np.testing.assert_allclose(outputs[0][0, 0], stream.push(frame).numpy(), rtol=0, atol=1e-5)
    assert report.outputs[1:] == tuple(f"next_{name}" for name in past)


def test_numbers_are_made_where_the_model_is() -> None:
    model = torch.nn.Bilinear(3, 4, 2, device="meta").eval()
    inputs = [torch.zeros(1, 3), torch.tensor([[5, 6, 7, 8]])]
    made = [tensor for batch in _batches(model, inputs) for tensor in batch]
    assert [tuple(tensor.shape) for tensor in made] == [(2, 3), (2, 4), (3, 3), (3, 4)]
    assert {tensor.device.type for tensor in made} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_model_on_a_gpu_becomes_a_file(tmp_path: Path) -> None:
    model, inputs = build("causal_tiny")
    for export, file in ((export_onnx, "model.onnx"), (export_program, "model.pt2")):
        assert export(model.cuda(), tmp_path / file, inputs, tolerance=1e-3).max_difference < 1e-3
    step = export_step(model.cuda(), tmp_path / "step.onnx", height=32, width=32, tolerance=1e-3)
    assert step.max_difference < 1e-3


def test_a_file_that_differs_is_not_handed_over(tmp_path: Path) -> None:
    class Restless(torch.nn.Module):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return x + self.calls

    with pytest.raises(OutputError, match="differs from the model by"):
        export_onnx(Restless().eval(), tmp_path / "model.onnx", [torch.zeros(2, 3)])


def test_bad_input(tmp_path: Path) -> None:
    model, inputs = build("temporal_proposal_net")
    with pytest.raises(OptionError, match="returns 3 tensors, but output_names are logits"):
        export_onnx(model, tmp_path / "model.onnx", inputs)
    for wrong in ([], [*inputs, *inputs]):
        with pytest.raises(
            OptionError, match=rf"inputs are {len(wrong)} tensors; give one for each argument"
        ):
            export_onnx(model, tmp_path / "model.onnx", wrong)
        with pytest.raises(
            OptionError, match=rf"inputs are {len(wrong)} tensors; give one for each argument"
        ):
            export_program(model, tmp_path / "model.pt2", wrong)
    with pytest.raises(OptionError, match=r"TemporalProposalNet keeps nothing of the past.*causal_small"):
        export_step(model, tmp_path / "step.onnx", height=16, width=16)  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="does not exist"):
        export_program(model, tmp_path / "nowhere" / "model.pt2", inputs)
    with pytest.raises(OptionError, match=r"must end in \.pt2"):
        export_program(model, tmp_path / "model.onnx", inputs)
    with pytest.raises(OptionError, match="training mode"):
        export_program(model.train(), tmp_path / "model.pt2", inputs)
    with pytest.raises(OptionError, match="training mode"):
        export_step(CausalNet(5, widths=(8, 12)), tmp_path / "step.onnx", height=16, width=16)
