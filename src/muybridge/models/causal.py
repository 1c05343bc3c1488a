"""Causal streaming networks: a frame comes in, its logits come out, and no frame is computed twice.

A clip network that watches a stream re-reads its whole window for every new frame. Here every convolution
over time sees the present and the past only, so what it needs of the past is a short buffer. Frames
pushed one by one give what the whole clip gives, because both are the same call with chunks of another
length:

    frames (B, 3, t, H, W) ─┐                        ┌─ logits (B, t, K), one row for each frame
                            ├─ step(frames, state) ──┤
    state of the past ──────┘                        └─ state for the next call

    input       (B, T, 112, 112, 3)    RGB; beside it the difference to the frame before → 6 channels
    stem        (B, T,  56,  56,  32)  5×5, stride 2
    stage 1     (B, T,  28,  28,  64)  each stage: two blocks, the first one of stride 2;
    stage 2     (B, T,  14,  14, 128)  a block is a 3×3 convolution over space, then one over time
    stage 3     (B, T,   7,   7, 256)
    pool        (B, T, 256)            mean over space, then over the last `memory_frames` frames
    linear      (B, T, K)

The idea of a stream's buffer: Kondratyuk et al., "MoViNets: Mobile Video Networks for Efficient Video
Recognition", CVPR 2021; of the shift: Lin et al., "TSM: Temporal Shift Module", ICCV 2019. The layers are in
`causal_layers.py`.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from muybridge.counts import check_count
from muybridge.errors import OptionError, ShapeError
from muybridge.models.causal_layers import ConvBlock, ShiftBlock, SpatialConv, halved
from muybridge.models.checkpoint import packaged_weights
from muybridge.models.input_check import check_clip
from muybridge.models.registry import register

__all__ = ["CausalNet", "CausalState", "CausalStream", "causal_shift_small", "causal_small", "causal_tiny"]

CausalState = dict[str, Tensor]
"""What a network remembers of the past: named tensors, fit for `torch.save` and for safetensors."""


MAX_MEMORY_FRAMES = 2**14
"""Nine minutes at 30 frames per second; a stream's buffer has room for them all from the beginning."""


class CausalNet(nn.Module):
    """A video classifier whose answer for a frame depends on that frame and the past alone.

    Args:
        num_classes: K, the classes to tell apart.
        widths: channels of the stem and of each stage.
        blocks_per_stage: how many blocks a stage has; the first halves height and width.
        memory_frames: the answer is the mean over this many last frames (over all, while there are fewer).
        temporal: `"conv"` (a learned kernel of three frames) or `"shift"` (no parameter over time).
        use_differences: put the difference to the frame before beside each frame.
        stem_stride: by how much the first convolution shrinks height and width.
        with_maximum: give the last layer, beside each feature's mean over space, its maximum: what is small in the
            picture is lost in a mean.
        dropout: on the pooled features, in training.

    Raises:
        OptionError: an unknown `temporal`, numbers that are not positive, or a memory that is no whole number or too
            long.

    >>> net = CausalNet(5, widths=(8, 16), blocks_per_stage=1).eval()
    >>> clip = torch.randn(2, 3, 6, 32, 32)
    >>> net(clip).shape, net.frame_logits(clip).shape
    (torch.Size([2, 5]), torch.Size([2, 6, 5]))
    >>> stream = net.stream()
    >>> logits = [stream.push(frame) for frame in clip[0].unbind(1)]
    >>> torch.allclose(logits[-1], net(clip[:1])[0], atol=1e-5)
    True
    """

    def __init__(
        self,
        num_classes: int,
        *,
        widths: Sequence[int] = (32, 64, 128, 256),
        blocks_per_stage: int = 2,
        memory_frames: int = 32,
        temporal: str = "conv",
        use_differences: bool = True,
        stem_stride: int = 2,
        with_maximum: bool = False,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if temporal not in ("conv", "shift"):
            raise OptionError(f"temporal is {temporal!r}; it is 'conv' or 'shift'")
        if min(num_classes, blocks_per_stage, memory_frames, stem_stride, *widths) < 1 or len(widths) < 2:
            raise OptionError(
                f"num_classes={num_classes}, blocks_per_stage={blocks_per_stage},"
                f" memory_frames={memory_frames}, stem_stride={stem_stride}, widths={tuple(widths)}: all must be"
                " at least 1, and widths name the stem and one stage or more"
            )
        check_count("memory_frames", memory_frames, most=MAX_MEMORY_FRAMES)
        block = ConvBlock if temporal == "conv" else ShiftBlock
        self.memory_frames = memory_frames
        self.use_differences = use_differences
        in_channels = 6 if use_differences else 3
        self.stem = SpatialConv(in_channels, widths[0], kernel_size=stem_stride + 3, stride=stem_stride)
        if use_differences:
            # From frame to frame little changes: with equal weights training would see the movement last.
            with torch.no_grad():
                self.stem.conv.weight[:, 3:] *= 4
        self.blocks = nn.ModuleList(
            block(in_width if first else out_width, out_width, stride=2 if first else 1)
            for in_width, out_width in itertools.pairwise(widths)
            for first in [True] + [False] * (blocks_per_stage - 1)
        )
        self.dropout = nn.Dropout(dropout)
        self.with_maximum = with_maximum
        self.head = nn.Linear(widths[-1] * (2 if with_maximum else 1), num_classes)

    def initial_state(self, batch_size: int, height: int, width: int) -> CausalState:
        """The state before the first frame, for frames of (height, width).

        >>> {name: tuple(past.shape) for name, past in causal_tiny().initial_state(1, 96, 96).items()}
        {'num_frames': (1,), 'features': (1, 31, 128), 'frame': (1, 1, 96, 96, 3),
        'block0': (1, 2, 24, 24, 32), 'block1': (1, 2, 12, 12, 64), 'block2': (1, 2, 6, 6, 128)}
        """
        blank = self.head.weight.new_zeros
        state = {
            "num_frames": blank(1),
            "features": blank(batch_size, self.memory_frames - 1, self.head.in_features),
        }
        if self.use_differences:
            state["frame"] = blank(batch_size, 1, height, width, 3)
        stride = self.stem.conv.stride[0]
        height, width = halved(height, stride), halved(width, stride)
        for name, block in self._named_blocks():
            state[name] = block.empty_past(batch_size, height, width)
            if not block.keeps_shape:
                height, width = halved(height), halved(width)
        return state

    def step(self, frames: Tensor, state: Mapping[str, Tensor]) -> tuple[Tensor, CausalState]:
        """Go on by t frames, t ≥ 1.

        Args:
            frames: (B, 3, t, H, W), normalized as the weights ask.
            state: from `initial_state`, or from the call before.

        Returns:
            Logits (B, t, K), one row for each frame, and the state after the last of them.
        """
        check_clip(frames)
        new: CausalState = {}
        x = frames.permute(0, 2, 3, 4, 1)
        if self.use_differences:
            known = torch.cat([state["frame"], x], dim=1)
            differences = known[:, 1:] - known[:, :-1]
            # Before the first frame of all there was nothing to differ from.
            is_first = (state["num_frames"] == 0) & (torch.arange(x.shape[1], device=x.device) == 0)
            differences = differences.masked_fill(is_first.view(1, -1, 1, 1, 1), 0.0)
            new["frame"] = known[:, -1:]
            x = torch.cat([x, differences], dim=-1)
        x = self.stem(x)
        for name, block in self._named_blocks():
            x, new[name] = block(x, state[name])
        features = x.mean(dim=(2, 3))
        if self.with_maximum:
            features = torch.cat([features, x.amax(dim=(2, 3))], dim=-1)
        pooled, new["features"], new["num_frames"] = self._remember(features, state)
        return self.head(self.dropout(pooled)), new

    def forward(self, clip: Tensor) -> Tensor:
        """Logits (B, K) of a clip (B, 3, T, H, W): those of its last frame, which has seen all others."""
        return self.frame_logits(clip)[:, -1]

    def frame_logits(self, clip: Tensor) -> Tensor:
        """Logits (B, T, K) after each frame of a clip (B, 3, T, H, W).

        Raises:
            ShapeError: not (B, 3, T, H, W).
        """
        check_clip(clip)
        return self.step(clip, self.initial_state(clip.shape[0], *clip.shape[-2:]))[0]

    def folded(self) -> CausalNet:
        """A copy for inference: batch norm worked into the weights, memory laid out as the frames lie.

        Raises:
            OptionError: a model in training mode, whose batch norm is still moving.
        """
        if self.training:
            raise OptionError("the model is in training mode; call model.eval() before it runs on a stream")
        net = copy.deepcopy(self)
        net.stem.fold_norm()
        for _, block in net._named_blocks():
            block.fold_norm()
        return net.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]

    def stream(self) -> CausalStream:
        """A stream that takes single frames; the network must be in `.eval()` mode."""
        return CausalStream(self)

    def _named_blocks(self) -> list[tuple[str, ConvBlock | ShiftBlock]]:
        return [(f"block{index}", cast(ConvBlock, block)) for index, block in enumerate(self.blocks)]

    def _remember(self, features: Tensor, state: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The mean of features (B, T, D) over the last `memory_frames` frames, at each frame."""
        num_frames = features.shape[1]
        known = torch.cat([state["features"], features], dim=1)
        means = functional.avg_pool1d(known.transpose(1, 2), self.memory_frames, stride=1).transpose(1, 2)
        ordinals = state["num_frames"] + torch.arange(1, num_frames + 1, device=features.device)
        counts = ordinals.clamp(max=self.memory_frames)  # clamped, so that it stays exact forever
        pooled = means * (self.memory_frames / counts).view(1, -1, 1)
        return pooled, known[:, num_frames:], counts[-1:]


class CausalStream:
    """One running stream: it keeps the state between frames.

    Args:
        model: a `CausalNet` in `.eval()` mode; the stream works with its weights as they are now.

    Raises:
        OptionError: a model in training mode, whose batch norm would look at the future.

    >>> stream = causal_tiny(num_classes=5).eval().stream()
    >>> frame = torch.rand(3, 96, 96)
    >>> stream.push(frame).shape, stream.num_frames
    (torch.Size([5]), 1)
    >>> saved = stream.state_dict()
    >>> expected = stream.push(frame)
    >>> other = stream.model.stream()
    >>> other.load_state_dict(saved)
    >>> torch.equal(other.push(frame), expected)
    True
    """

    def __init__(self, model: CausalNet) -> None:
        self.model = model
        self._net = model.folded()
        self.num_frames = 0
        self._state: CausalState | None = None
        self._size = torch.Size()

    def push(self, frame: Tensor) -> Tensor:
        """See the next frame; return the logits as of now.

        Args:
            frame: (3, H, W) for one stream, or (B, 3, H, W) for B streams in step; normalized as the
                weights ask.

        Returns:
            Logits (K,) or (B, K).

        Raises:
            ShapeError: a frame of another shape than (3, H, W) or than the frames before.
            OptionError: a frame with NaN or infinite values, which would stay in the memory.
        """
        if frame.ndim not in (3, 4) or frame.shape[-3] != 3 or 0 in frame.shape:
            raise ShapeError(f"frame is {tuple(frame.shape)}; it must be (3, H, W), or (B, 3, H, W)")
        logits = self._go_on((frame if frame.ndim == 4 else frame[None])[:, :, None])
        return logits[:, 0] if frame.ndim == 4 else logits[0, 0]

    def push_clip(self, clip: Tensor) -> Tensor:
        """See the next frames at once: the same as one after the other, for less.

        Args:
            clip: (3, T, H, W) for one stream, or (B, 3, T, H, W) for B streams in step; normalized as the
                weights ask.

        Returns:
            Logits (T, K) or (B, T, K), one row for each frame.

        Raises:
            ShapeError: a clip of another shape than that, or frames of another size than those before.
            OptionError: a frame with NaN or infinite values.

        >>> stream = causal_tiny(num_classes=5).eval().stream()
        >>> again = stream.model.stream()
        >>> clip = torch.rand(3, 4, 32, 32)
        >>> one_by_one = torch.stack([stream.push(frame) for frame in clip.unbind(1)])
        >>> torch.allclose(again.push_clip(clip), one_by_one, atol=1e-5)
        True
        """
        if clip.ndim not in (4, 5) or clip.shape[-4] != 3 or 0 in clip.shape:
            raise ShapeError(f"clip is {tuple(clip.shape)}; it must be (3, T, H, W), or (B, 3, T, H, W)")
        logits = self._go_on(clip if clip.ndim == 5 else clip[None])
        return logits if clip.ndim == 5 else logits[0]

    def _go_on(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W) → (B, T, K)."""
        sound = torch.isfinite(clip)
        if not sound.all():
            sound = sound.all(dim=4).all(dim=3).all(dim=1).all(dim=0)
            bad = self.num_frames + int((~sound).nonzero()[0])
            raise OptionError(f"frame {bad} has NaN or infinite values; drop it or repair it")
        with torch.inference_mode():
            logits, self._state = self._net.step(clip, self._state_for(clip[:, :, 0]))
        self.num_frames += clip.shape[2]
        return logits

    def reset(self) -> None:
        """Forget everything: the next frame is the first of a new stream."""
        self._state = None
        self.num_frames = 0

    def state_dict(self) -> CausalState:
        """All that `load_state_dict` needs to go on; empty before the first frame."""
        if self._state is None:
            return {}
        position = torch.tensor([self.num_frames, *self._size])
        return {name: past.clone() for name, past in self._state.items()} | {"position": position}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a saved state.

        Raises:
            ShapeError: the state of another network.
        """
        if not state:
            return self.reset()
        num_frames, *size = state["position"].tolist()
        expected = {name: past.shape for name, past in self.model.initial_state(size[0], *size[2:]).items()}
        found = {name: past.shape for name, past in state.items() if name != "position"}
        if expected != found:
            wrong = sorted(name for name in expected | found if expected.get(name) != found.get(name))
            raise ShapeError(f"the state is of another network: {', '.join(wrong)} do not fit this one")
        self._state = {name: state[name].clone() for name in expected}
        self.num_frames, self._size = num_frames, torch.Size(size)
        return None

    def _state_for(self, batch: Tensor) -> CausalState:
        if self._state is None:
            self._size = batch.shape
            return self.model.initial_state(batch.shape[0], *batch.shape[-2:])
        if batch.shape != self._size:
            raise ShapeError(
                f"frame is {tuple(batch.shape)}, the frames before it were {tuple(self._size)};"
                " call reset() to begin another stream"
            )
        return self._state


_PAPER = "MoViNets: Mobile Video Networks for Efficient Video Recognition, arXiv:2103.11511"


@register(inputs=((3, 16, 96, 96),), head="head", paper=_PAPER)
def causal_tiny(*, num_classes: int = 400, memory_frames: int = 32) -> CausalNet:
    """A causal network of 0.2 M parameters, for a camera beside other work.

    Args:
        num_classes: K, the size of the output.
        memory_frames: over how many last frames the answer is averaged.

    >>> causal_tiny(num_classes=5).eval().stream().push(torch.zeros(3, 96, 96)).shape
    torch.Size([5])
    """
    widths = (16, 32, 64, 128)
    return CausalNet(num_classes, widths=widths, blocks_per_stage=1, memory_frames=memory_frames)


@register(inputs=((3, 16, 112, 112),), head="head", paper=_PAPER)
def causal_small(*, num_classes: int = 400, memory_frames: int = 32) -> CausalNet:
    """A causal network of 1.8 M parameters with convolutions over time, the family's standard size.

    Args:
        num_classes: K, the size of the output.
        memory_frames: over how many last frames the answer is averaged.

    >>> sum(parameter.numel() for parameter in causal_small().parameters())
    1788560
    """
    return CausalNet(num_classes, memory_frames=memory_frames)


@register(inputs=((3, 16, 96, 96),), head="head", weights=(packaged_weights("starter"),), paper=_PAPER)
def causal_light(*, num_classes: int = 400, memory_frames: int = 16) -> CausalNet:
    """A causal network of 1.1 M parameters that learns fast: what is fine is looked at once, what moves at length.

    Its first convolution shrinks the picture to a quarter, where most of the time of the others goes.

    Args:
        num_classes: K, the size of the output.
        memory_frames: over how many last frames the answer is averaged.

    >>> causal_light(num_classes=5).eval().stream().push(torch.zeros(3, 96, 96)).shape
    torch.Size([5])
    """
    widths = (32, 96, 192)
    return CausalNet(
        num_classes, widths=widths, stem_stride=4, with_maximum=True, memory_frames=memory_frames
    )


@register(
    inputs=((3, 16, 112, 112),),
    head="head",
    paper="TSM: Temporal Shift Module for Efficient Video Understanding, arXiv:1811.08383",
)
def causal_shift_small(*, num_classes: int = 400, memory_frames: int = 32) -> CausalNet:
    """A causal network of 1.3 M parameters: `causal_small` with shifts for its convolutions over time.

    Args:
        num_classes: K, the size of the output.
        memory_frames: over how many last frames the answer is averaged.

    >>> sum(parameter.numel() for parameter in causal_shift_small().parameters())
    1270672
    """
    return CausalNet(num_classes, memory_frames=memory_frames, temporal="shift")
