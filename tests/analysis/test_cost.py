"""The formulas of cost, against values worked out by hand and against real layers."""

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from muybridge.analysis.cost import attention_cost, conv3d_cost
from muybridge.errors import OptionError


@pytest.mark.parametrize(
    ("spec", "input_size", "parameters", "factorized", "billions"),
    [
        ((3, 64, 3, 7, 7), (16, 224, 224), 28_288, 21_824, 22.66),
        ((64, 128, 3, 3, 3), (8, 56, 56), 221_312, 123_136, 5.55),
        ((128, 256, 3, 3, 3), (4, 28, 28), 884_992, 492_032, 2.77),
    ],
)
def test_three_layers_by_hand(
    spec: tuple[int, ...], input_size: tuple[int, ...], parameters: int, factorized: int, billions: float
) -> None:
    cost = conv3d_cost(spec, input_size)
    assert cost.parameters == parameters
    assert cost.factorized_parameters == factorized
    assert round(cost.multiply_adds / 1e9, 2) == billions
    assert cost.parameter_savings == pytest.approx(1 - factorized / parameters)


counts = st.integers(1, 6)


@settings(max_examples=15, deadline=None)
@given(
    spec=st.tuples(counts, counts, *[st.sampled_from([1, 3, 5])] * 3),
    input_size=st.tuples(counts, counts, counts),
)
def test_the_formula_equals_real_layers(spec: tuple[int, ...], input_size: tuple[int, int, int]) -> None:
    c_in, c_out, *kernel = spec
    padding = [k // 2 for k in kernel]
    with torch.device("meta"):
        full = nn.Conv3d(c_in, c_out, kernel, padding=padding)
        split = nn.Sequential(
            nn.Conv3d(c_in, c_out, (1, *kernel[1:]), padding=(0, *padding[1:])),
            nn.Conv3d(c_out, c_out, (kernel[0], 1, 1), padding=(padding[0], 0, 0)),
        )
        clip = torch.empty(1, c_in, *input_size)
    cost = conv3d_cost(spec, input_size)
    for net, parameters, multiply_adds in (
        (full, cost.parameters, cost.multiply_adds),
        (split, cost.factorized_parameters, cost.factorized_multiply_adds),
    ):
        with FlopCounterMode(display=False) as counter:
            net(clip)
        assert counter.get_total_flops() == 2 * multiply_adds
        assert sum(p.numel() for p in net.parameters()) == parameters


def test_a_factorization_can_cost_more_and_says_so() -> None:
    cost = conv3d_cost((1, 64, 3, 3, 3), (1, 1, 1))
    assert cost.parameter_savings < 0
    assert cost.to_dict()["multiply_add_savings"] < 0


def test_attention_by_hand() -> None:
    cost = attention_cost((16, 224, 224), tubelet=(2, 16, 16), width=768)
    assert (cost.num_tokens, cost.tokens_per_step, cost.num_steps) == (1568, 196, 8)
    assert cost.joint_scores == 1568**2
    assert cost.factorized_scores == 8 * 196**2 + 196 * 8**2
    assert cost.joint_multiply_adds == 2 * 1568**2 * 768
    assert cost.projection_multiply_adds == 4 * 1568 * 768**2
    assert cost.to_dict()["ratio"] == pytest.approx(1568 / 204)


def test_joint_attention_grows_with_the_square_of_the_frames() -> None:
    costs = [attention_cost((frames, 224, 224)) for frames in (16, 32)]
    assert costs[1].joint_multiply_adds == 4 * costs[0].joint_multiply_adds
    assert costs[1].factorized_multiply_adds == pytest.approx(2 * costs[0].factorized_multiply_adds, rel=0.05)


def test_numbers_that_make_no_sense() -> None:
    with pytest.raises(OptionError, match=r"spec is \(3, 64, 3, 7\); it must be \(in, out"):
        conv3d_cost((3, 64, 3, 7), (16, 224, 224))
    with pytest.raises(OptionError, match="each at least 1"):
        conv3d_cost((3, 64, 3, 7, 7), (16, 0, 224))
    with pytest.raises(OptionError, match="not a whole number of tubelets"):
        attention_cost((15, 224, 224))
