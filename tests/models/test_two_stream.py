"""Two streams: the layout of the flow stack, and what each fusion computes."""

import pytest
import torch

from muybridge.errors import OptionError, ShapeError
from muybridge.models.two_stream import TwoStream, stack_flow

FUSIONS = pytest.mark.parametrize("fusion", ["average", "learned", "middle"])


def inputs(num_frames: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(2, 3, num_frames, 32, 32), torch.randn(2, 6, 32, 32)


def model(fusion: str) -> TwoStream:
    torch.manual_seed(1)
    return TwoStream(5, num_flow_fields=3, fusion=fusion, width=8).eval()


@FUSIONS
def test_shapes_and_gradients(fusion: str) -> None:
    net = model(fusion).train()
    logits = net(*inputs())
    assert logits.shape == (2, 5)
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 3])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_average_fusion_is_the_mean_of_the_probabilities() -> None:
    net = model("average")
    rgb, flow = inputs(num_frames=1)
    expected = (net.spatial(rgb[:, :, 0]).softmax(-1) + net.temporal(flow).softmax(-1)) / 2
    torch.testing.assert_close(net(rgb, flow).softmax(-1), expected)


def test_several_frames_are_averaged() -> None:
    net = model("average")
    rgb, flow = inputs(num_frames=3)
    each = torch.stack([net(rgb[:, :, [t]], flow).softmax(-1) for t in range(3)])
    torch.testing.assert_close(net(rgb, flow).softmax(-1), each.mean(0))


def test_learned_fusion_begins_at_the_average_and_may_trust_a_stream_for_a_class() -> None:
    net, average = model("learned"), model("average")
    average.load_state_dict(net.state_dict(), strict=False)
    rgb, flow = inputs(num_frames=1)
    torch.testing.assert_close(net(rgb, flow), average(rgb, flow))
    with torch.no_grad():
        net.stream_weights[:, 2] = torch.tensor([-50.0, 50.0])
    torch.testing.assert_close(net(rgb, flow)[:, 2].exp(), net.temporal(flow).softmax(-1)[:, 2])


def test_middle_fusion_sees_both_streams_at_one_place() -> None:
    net = model("middle")
    rgb, flow = inputs()
    assert not torch.allclose(net(rgb, flow), net(rgb, flow.flip(0)))
    assert not torch.allclose(net(rgb, flow), net(rgb.flip(0), flow))


def test_the_layout_of_the_flow_stack() -> None:
    fields = torch.zeros(2, 3, 4, 5, 2)
    fields[1, 2, ..., 0] = 10.0  # dx of the third field
    fields[1, 2, ..., 1] = -30.0  # dy, beyond the bound
    stack = stack_flow(fields, bound_px=20.0, center=False)
    assert stack.shape == (2, 6, 4, 5)
    assert stack[1, :, 0, 0].tolist() == [0, 0, 0, 0, 0.5, -1.0]
    assert stack_flow(fields[1], center=False).equal(stack[1])


def test_centering_takes_a_camera_pan_out() -> None:
    fields = torch.full((1, 4, 4, 2), 3.0)
    fields[0, 0, 0] += 16.0
    stack = stack_flow(fields, bound_px=20.0)
    torch.testing.assert_close(stack[:, 0, 0], torch.full((2,), 15 / 20))
    torch.testing.assert_close(stack[:, 1, 1], torch.full((2,), -1 / 20))


def test_inputs_that_do_not_fit() -> None:
    net = model("average")
    rgb, flow = inputs()
    with pytest.raises(ShapeError, match=r"flow is \(2, 4, 32, 32\); it must be \(B, 6, H, W\)"):
        net(rgb, flow[:, :4])
    with pytest.raises(ShapeError, match="same B, H and W"):
        net(rgb, flow[..., :16])
    with pytest.raises(ShapeError, match=r"expected clips .* got \(2, 3, 32, 32\)"):
        net(rgb[:, :, 0], flow)
    with pytest.raises(ShapeError, match=r"fields is \(4, 5, 3\)"):
        stack_flow(torch.zeros(4, 5, 3))
    with pytest.raises(OptionError, match="'average', 'learned' or 'middle'"):
        TwoStream(5, fusion="early")
