"""The causal family: pushing frames equals the whole clip, the future has no say, the memory ends."""

import io
import itertools

import pytest
import torch
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError, ShapeError
from muybridge.models.causal import CausalNet, causal_shift_small, causal_small, causal_tiny
from muybridge.models.causal_layers import TemporalConv

TEMPORAL = pytest.mark.parametrize("temporal", ["conv", "shift"])


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def small_net(*, temporal: str = "conv", memory_frames: int = 4, use_differences: bool = True) -> CausalNet:
    """A network whose batch norm has seen data, so that no statistic is trivially zero or one."""
    net = CausalNet(
        5,
        widths=(8, 12, 16),
        memory_frames=memory_frames,
        temporal=temporal,
        use_differences=use_differences,
    )
    net.train()
    for _ in range(3):
        net(torch.randn(2, 3, 4, 24, 32))
    return net.eval()


@TEMPORAL
@pytest.mark.parametrize("use_differences", [True, False])
def test_frames_pushed_one_by_one_give_what_the_whole_clip_gives(
    temporal: str, use_differences: bool
) -> None:
    net = small_net(temporal=temporal, use_differences=use_differences)
    clip = torch.randn(2, 3, 9, 25, 31)  # odd sizes, and longer than the memory
    stream = net.stream()
    pushed = torch.stack([stream.push(frame) for frame in clip.unbind(2)], dim=1)
    with torch.no_grad():
        whole = net.frame_logits(clip)
        assert torch.equal(net(clip), whole[:, -1])
    torch.testing.assert_close(pushed, whole, rtol=0, atol=1e-5)
    assert stream.num_frames == 9


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 10), max_size=4))
def test_chunks_of_any_length_give_the_same(cuts: list[int]) -> None:
    net = small_net()
    clip = torch.randn(1, 3, 11, 16, 16)
    state = net.initial_state(1, 16, 16)
    logits = []
    edges = [0, *sorted(set(cuts)), 11]
    with torch.no_grad():
        for start, end in itertools.pairwise(edges):
            chunk, state = net.step(clip[:, :, start:end], state)
            logits.append(chunk)
        torch.testing.assert_close(torch.cat(logits, dim=1), net.frame_logits(clip), rtol=0, atol=1e-5)


@TEMPORAL
def test_the_future_has_no_say_and_the_past_has(temporal: str) -> None:
    net = small_net(temporal=temporal, memory_frames=1)
    clip = torch.randn(1, 3, 6, 16, 16)
    changed = clip.clone()
    changed[:, :, 3] += 1.0
    with torch.no_grad():
        before, after = net.frame_logits(clip)[0], net.frame_logits(changed)[0]
    moved = (before - after).abs().amax(dim=1)
    assert (moved[:3] == 0).all()
    assert (moved[3:] > 1e-4).all()  # even at one frame of memory, what came before still shows


@TEMPORAL
def test_time_reversed_is_another_clip(temporal: str) -> None:
    net = small_net(temporal=temporal)
    clip = torch.randn(1, 3, 4, 16, 16)
    with torch.no_grad():
        assert (net(clip) - net(clip.flip(2))).abs().max() > 1e-3


def test_the_memory_ends() -> None:
    """Two blocks of kernel 3 look 4 frames back, differences 1, the mean over 4 frames 3: 8 in all."""
    net = CausalNet(5, widths=(8, 12), memory_frames=4).eval()
    clip = torch.randn(1, 3, 20, 16, 16)
    other = clip.clone()
    other[:, :, 8] += 1.0
    with torch.no_grad():
        moved = (net.frame_logits(clip) - net.frame_logits(other))[0].abs().amax(dim=1)
    assert (moved[8:17] > 0).all()
    assert (moved[17:] == 0).all()


def test_the_mean_counts_only_frames_that_were_there() -> None:
    net = small_net(memory_frames=4)
    features = torch.arange(1.0, 7.0).view(1, 6, 1).expand(1, 6, net.head.in_features)
    pooled, _, count = net._remember(features, net.initial_state(1, 16, 16))
    assert pooled[0, :, 0].tolist() == [1.0, 1.5, 2.0, 2.5, 3.5, 4.5]
    assert count.item() == 4


def test_a_temporal_convolution_equals_conv3d_over_a_padded_clip() -> None:
    conv = TemporalConv(4, kernel_size=3)
    x = torch.randn(2, 7, 3, 5, 4)
    weight = conv.linear.weight.view(4, 3, 4).permute(0, 2, 1)[..., None, None]
    padded = torch.nn.functional.pad(x.permute(0, 4, 1, 2, 3), (0, 0, 0, 0, 2, 0))
    expected = torch.nn.functional.conv3d(padded, weight).permute(0, 2, 3, 4, 1)
    torch.testing.assert_close(conv(x, conv.empty_past(2, 3, 5))[0], expected, rtol=0, atol=1e-5)


@TEMPORAL
def test_a_saved_state_goes_on_where_it_stood(temporal: str) -> None:
    net = small_net(temporal=temporal)
    clip = torch.randn(7, 3, 16, 16)
    stream = net.stream()
    for frame in clip[:4]:
        stream.push(frame)
    file = io.BytesIO()
    torch.save(stream.state_dict(), file)
    expected = [stream.push(frame) for frame in clip[4:]]
    file.seek(0)
    again = net.stream()
    again.load_state_dict(torch.load(file, weights_only=True))
    assert again.num_frames == 4
    for frame, logits in zip(clip[4:], expected, strict=True):
        assert torch.equal(again.push(frame), logits)


def test_reset_begins_anew_and_an_empty_state_is_a_fresh_stream() -> None:
    net = small_net()
    frame = torch.randn(3, 16, 16)
    stream = net.stream()
    assert stream.state_dict() == {}
    first = stream.push(frame)
    assert not torch.equal(stream.push(frame), first)
    stream.reset()
    assert stream.num_frames == 0
    assert torch.equal(stream.push(frame), first)
    stream.load_state_dict({})
    assert torch.equal(stream.push(frame), first)
    stream.reset()
    assert stream.push(torch.randn(3, 32, 24)).shape == (5,)  # another size is another stream


def test_streams_in_step_do_not_mix() -> None:
    net = small_net()
    clip = torch.randn(3, 3, 5, 16, 16)
    together = net.stream()
    batched = [together.push(frame) for frame in clip.unbind(2)][-1]
    for row in range(3):
        alone = net.stream()
        single = [alone.push(frame) for frame in clip[row].unbind(1)][-1]
        torch.testing.assert_close(batched[row], single, rtol=0, atol=1e-5)


def test_one_frame_costs_one_frame() -> None:
    """The multiply-adds of one push are a sixteenth of those of a clip of 16 frames."""
    from torch.utils.flop_counter import FlopCounterMode

    net = small_net()
    with torch.no_grad(), FlopCounterMode(display=False) as clip_cost:
        net(torch.zeros(1, 3, 16, 16, 16))
    stream = net.stream()
    with FlopCounterMode(display=False) as frame_cost:
        stream.push(torch.zeros(3, 16, 16))
    assert clip_cost.get_total_flops() == 16 * frame_cost.get_total_flops() > 0


def test_gradients_reach_every_parameter() -> None:
    net = small_net().train()
    net(torch.randn(2, 3, 4, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize(
    ("build", "millions"), [(causal_tiny, 0.22), (causal_small, 1.79), (causal_shift_small, 1.27)]
)
def test_the_family_has_the_sizes_it_says(build: object, millions: float) -> None:
    with torch.device("meta"):
        net = build()  # type: ignore[operator]
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 4, 2, 16, 16), (1, 3, 0, 16, 16), (2, 3, 16, 16)])
def test_a_clip_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"expected clips \(B, 3, T, H, W\) float32, got \("):
        small_net()(torch.zeros(shape))


def test_frames_that_do_not_fit() -> None:
    stream = small_net().stream()
    with pytest.raises(ShapeError, match=r"frame is \(16, 16\); it must be \(3, H, W\)"):
        stream.push(torch.zeros(16, 16))
    stream.push(torch.zeros(3, 16, 16))
    with pytest.raises(ShapeError, match=r"\(1, 3, 24, 24\).*\(1, 3, 16, 16\); call reset\(\)"):
        stream.push(torch.zeros(3, 24, 24))


def test_nan_does_not_enter_the_memory() -> None:
    net = small_net()
    stream, clean = net.stream(), net.stream()
    frame = torch.randn(3, 16, 16)
    stream.push(frame)
    clean.push(frame)
    with pytest.raises(OptionError, match="frame 1 has NaN or infinite values"):
        stream.push(torch.full((3, 16, 16), torch.nan))
    assert torch.equal(stream.push(frame), clean.push(frame))


def test_a_state_of_another_network() -> None:
    stream = small_net().stream()
    stream.push(torch.zeros(3, 16, 16))
    with pytest.raises(ShapeError, match=r"of another network: .*block3"):
        CausalNet(5, widths=(8, 12)).eval().stream().load_state_dict(stream.state_dict())


def test_options_that_make_no_sense() -> None:
    with pytest.raises(OptionError, match=r"training mode; call model\.eval"):
        causal_tiny(num_classes=5).train().stream()
    with pytest.raises(OptionError, match="'conv' or 'shift'"):
        CausalNet(5, temporal="lstm")
    with pytest.raises(OptionError, match="memory_frames=0"):
        CausalNet(5, memory_frames=0)
    for memory in (2.5, 10**7):
        with pytest.raises(OptionError, match="whole number from 1 to 16384"):
            CausalNet(5, memory_frames=memory)  # type: ignore[arg-type]


@TEMPORAL
def test_folding_changes_nothing_but_the_weights(temporal: str) -> None:
    net = small_net(temporal=temporal)
    folded = net.folded()
    assert not any("running_mean" in name for name in folded.state_dict())
    assert any("running_mean" in name for name in net.state_dict())
    clip = torch.randn(2, 3, 5, 24, 24)
    with torch.no_grad():
        torch.testing.assert_close(folded.frame_logits(clip), net.frame_logits(clip), rtol=0, atol=1e-5)


def test_it_learns_in_bfloat16_where_the_processor_has_none() -> None:
    net = CausalNet(3, widths=(8, 12))
    with torch.autocast("cpu", torch.bfloat16):
        net(torch.randn(2, 3, 4, 16, 16)).float().logsumexp(1).sum().backward()
    assert all(bool(p.grad.isfinite().all()) and bool(p.grad.any()) for p in net.parameters())
