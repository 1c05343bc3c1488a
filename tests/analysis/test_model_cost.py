"""The cost of whole networks: against published numbers, against layers by hand, and for odd networks."""

import pytest
import torch
from torch import Tensor, nn

from muybridge.analysis.cost import model_cost
from muybridge.errors import OptionError, ShapeError
from muybridge.models import create_model
from torchvision_oracle import torchvision_video_models


@pytest.mark.parametrize(
    "name",
    [
        "mc3_18",
        "r2plus1d_18",
        "r3d_18",
        "s3d",
        "swin3d_t",
        pytest.param("mvit_v1_b", marks=pytest.mark.slow),
        pytest.param("mvit_v2_s", marks=pytest.mark.slow),
        pytest.param("swin3d_b", marks=pytest.mark.slow),
        pytest.param("swin3d_s", marks=pytest.mark.slow),
    ],
)
def test_what_torchvision_publishes(name: str) -> None:
    """Its "GFLOPs" are multiply-adds of one clip of 16 frames at its crop, whatever the model trained on."""
    torchvision_video_models()
    from torchvision.models import get_model, get_model_weights

    weights = next(iter(get_model_weights(name)))
    with torch.device("meta"):
        model = get_model(name)
    crop = weights.transforms().crop_size[0]
    cost = model_cost(model, (16, crop, crop))
    assert cost.parameters == weights.meta["num_params"]
    assert cost.giga_multiply_adds == pytest.approx(weights.meta["_ops"], rel=1e-4)
    assert sum(layer.multiply_adds for layer in cost.layers) == cost.multiply_adds
    assert sum(layer.parameters for layer in cost.layers) == cost.parameters


def test_every_published_model_is_listed_above() -> None:
    module = torchvision_video_models()
    from torchvision.models import list_models

    marks = test_what_torchvision_publishes.pytestmark  # type: ignore[attr-defined]
    names = {value if isinstance(value, str) else value.values[0] for value in marks[0].args[1]}
    assert names == set(list_models(module=module))


class Attention(nn.Module):
    def forward(self, q: Tensor, k: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(q, k, k)


ATTENTION = 2 * 50 * 64 * 64 * 4 + 2 * 2 * 50 * 50 * 64


@pytest.mark.parametrize(
    ("model", "inputs", "multiply_adds"),
    [
        (nn.Linear(8, 5), [torch.empty(3, 7, 8)], 3 * 7 * 8 * 5),
        (nn.Conv3d(8, 16, 3, padding=1, groups=4), [torch.empty(1, 8, 4, 5, 6)], 4 * 5 * 6 * 16 * 2 * 27),
        (nn.Conv1d(8, 16, 3, stride=2, padding=1), [torch.empty(2, 8, 10)], 2 * 5 * 16 * 8 * 3),
        (nn.ConvTranspose2d(8, 16, 2, stride=2), [torch.empty(1, 8, 5, 6)], 5 * 6 * 8 * 16 * 4),
        (Attention(), [torch.empty(2, 4, 50, 16), torch.empty(2, 4, 30, 16)], 2 * 2 * 4 * 50 * 30 * 16),
        (nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), [torch.empty(2, 50, 64)],
         ATTENTION + 2 * 2 * 50 * 64 * 128),
        (nn.LSTM(64, 32, batch_first=True), [torch.empty(2, 50, 64)], 2 * 50 * 4 * 32 * (64 + 32)),
        (nn.GRU(64, 32, batch_first=True), [torch.empty(2, 50, 64)], 2 * 50 * 3 * 32 * (64 + 32)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)  # fmt: skip
def test_layers_by_hand(model: nn.Module, inputs: list[Tensor], multiply_adds: int) -> None:
    assert model_cost(model, inputs=inputs).multiply_adds == multiply_adds


class Products(nn.Module):
    """A matrix (3, 4) with a vector, by itself and beside what is added to it, and two vectors (4,)."""

    def forward(self, matrix: Tensor, vector: Tensor) -> Tensor:
        once = matrix @ vector
        return (
            torch.addmv(once, matrix, vector).sum() + torch.dot(vector, vector) + torch.vdot(vector, vector)
        )


def test_products_with_vectors_and_bilinear_layers_count() -> None:
    products = model_cost(Products(), inputs=[torch.empty(3, 4), torch.empty(4)])
    assert products.multiply_adds == 2 * 3 * 4 + 2 * 4
    # Two clips, and of each three moments: first with the weights (7, 4, 5), then what that gives with second.
    bilinear = model_cost(nn.Bilinear(4, 5, 7), inputs=[torch.empty(2, 3, 4), torch.empty(2, 3, 5)])
    assert bilinear.multiply_adds == 6 * 7 * 4 * 5 + 6 * 7 * 5
    assert bilinear.layers[0].multiply_adds == bilinear.multiply_adds
    single = model_cost(nn.Linear(8, 5), inputs=torch.empty(8))
    assert single.multiply_adds == 8 * 5


def test_einsum_and_matmul_outside_of_any_layer_belong_to_the_module_that_calls_them() -> None:
    class Mixer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return torch.einsum("bij,bjk->bik", self.linear(x), x) @ x

    cost = model_cost(nn.Sequential(Mixer()), inputs=torch.empty(2, 4, 4))
    assert [(layer.name, layer.multiply_adds) for layer in cost.layers] == [("0", 256), ("0.linear", 128)]


def test_memory_by_hand() -> None:
    """Linear 10→100, ReLU, linear 100→10 on 8 rows of float32."""
    model = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 10))
    cost = model_cost(model, inputs=torch.empty(8, 10))
    row = 8 * 4
    # Alive at once: the input, what goes into the ReLU and what comes out.
    assert cost.inference_bytes == row * (10 + 100 + 100)
    # Kept for the backward pass: the input, and the ReLU's output, which the second linear layer shares.
    assert cost.training_bytes == row * (10 + 100)
    assert [layer.activation_bytes for layer in cost.layers] == [row * 100, row * 10]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_fused_attention_keeps_no_score_matrix(device: str) -> None:
    inputs = [torch.empty(1, 1, 1000, 8, device=device), torch.empty(1, 1, 1000, 8, device=device)]
    assert model_cost(Attention(), inputs=inputs).inference_bytes < 1000 * 1000


def test_a_shared_layer_counts_once_for_parameters_and_twice_for_work() -> None:
    layer = nn.Linear(4, 4)
    cost = model_cost(nn.Sequential(layer, nn.ReLU(), layer), inputs=torch.empty(1, 4))
    assert cost.parameters == 20
    assert cost.multiply_adds == 32
    assert sum(row.multiply_adds for row in cost.layers) == 32


def test_a_network_that_looks_at_numbers_runs_on_zeros() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 4)
            self.offset = torch.ones(4)  # not a buffer

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x + self.offset if x.max() > 0 else x)

    assert model_cost(Branching(), inputs=torch.zeros(2, 4)).multiply_adds == 32


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.Dropout()).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model_cost(model, (4, 8, 8))
    assert model.training
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_our_own_models_and_frozen_bfloat16() -> None:
    model = create_model("causal_tiny", num_classes=5).to(torch.bfloat16).requires_grad_(False)
    cost = model_cost(model, (4, 96, 96))
    assert cost.parameters == sum(p.numel() for p in model.parameters())
    assert cost.multiply_adds == 4 * model_cost(model, (1, 96, 96)).multiply_adds
    assert cost.training_bytes > cost.inference_bytes > 0


def test_bad_input() -> None:
    model = create_model("causal_tiny", num_classes=5)
    with pytest.raises(OptionError, match="one of the two"):
        model_cost(model)
    with pytest.raises(OptionError, match=r"input_size is \(112, 112\)"):
        model_cost(model, (112, 112))
    with pytest.raises(ShapeError, match="4 channels"):
        model_cost(model, (4, 4, 16, 16))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        model_cost(nn.Linear(4, 4), inputs=torch.zeros(1, 5))
