"""Two streams: one network looks at what is there, another at how it moves, and their answers are fused.

A frame shows the scene and the things in it; optical flow shows movement and nothing else. Each stream is an
ordinary 2D network, so each can be trained, and can start from image weights, by itself.

    rgb  (B, 3, T, H, W)  ─ spatial net, frame by frame ─┐
                                                         ├─ fusion ─ (B, K)
    flow (B, 2L, H, W)    ─ temporal net on the stack ───┘

`rgb` holds T frames of the clip; T = 1 is the paper's single frame, more frames are averaged. `flow` holds L
consecutive flow fields, horizontal and vertical displacement of each in turn: dx1, dy1, dx2, dy2, …, dxL,
dyL; `stack_flow` makes it. Where the streams meet is the question of the fusion:

    "average"  late: the mean of the two probabilities
    "learned"  late: their weighted mean, with a learned weight for every class
    "middle"   the last feature maps side by side, mixed by a 1×1 convolution, under one common head

Shapes of a stream, for 224 px and width 64:

    input     C_in × 224 × 224      C_in is 3, or 2L
    conv 1     64  × 112 × 112      7×7, stride 2; then batch norm and ReLU, as after every convolution
    conv 2    128  ×  56 ×  56      5×5, stride 2
    conv 3    256  ×  28 ×  28      3×3, stride 2
    conv 4    256  ×  14 ×  14      3×3, stride 2
    mean      256                   over space
    linear      K

Papers: Simonyan and Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos", NeurIPS
2014, arXiv:1406.2199; Feichtenhofer et al., "Convolutional Two-Stream Network Fusion for Video Action
Recognition", CVPR 2016, arXiv:1604.06573 (fusion in the middle).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from muybridge.errors import OptionError, ShapeError
from muybridge.models.input_check import check_clip
from muybridge.models.registry import register

__all__ = ["FrameNet", "TwoStream", "stack_flow", "two_stream"]


class FrameNet(nn.Module):
    """A small 2D network on images of any number of channels: one stream.

    Args:
        in_channels: 3 for a frame, 2L for a stack of L flow fields.
        num_classes: K.
        width: channels of the first convolution.

    >>> net = FrameNet(20, 5, width=8)
    >>> net(torch.zeros(2, 20, 64, 64)).shape, net.features(torch.zeros(2, 20, 64, 64)).shape
    (torch.Size([2, 5]), torch.Size([2, 32, 4, 4]))
    """

    def __init__(self, in_channels: int, num_classes: int, *, width: int = 64) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(in_channels, width, 7),
            _conv(width, 2 * width, 5),
            _conv(2 * width, 4 * width, 3),
            _conv(4 * width, 4 * width, 3),
        )
        self.num_features = 4 * width
        self.fc = nn.Linear(self.num_features, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """(B, in_channels, H, W) → (B, K) logits."""
        logits: Tensor = self.fc(self.features(images).mean(dim=(2, 3)))
        return logits


class TwoStream(nn.Module):
    """A spatial network on RGB and a temporal network on flow, fused.

    Args:
        num_classes: K.
        num_flow_fields: L, the flow fields of one stack.
        fusion: `"average"`, `"learned"` or `"middle"`, as drawn at the top of this file.
        width: channels of each stream's first convolution.

    Raises:
        OptionError: an unknown fusion.

    >>> model = TwoStream(5, num_flow_fields=10, width=8)
    >>> model(torch.zeros(2, 3, 4, 64, 64), torch.zeros(2, 20, 64, 64)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self, num_classes: int, *, num_flow_fields: int = 10, fusion: str = "average", width: int = 64
    ) -> None:
        super().__init__()
        if fusion not in ("average", "learned", "middle"):
            raise OptionError(f"fusion is {fusion!r}; it is 'average', 'learned' or 'middle'")
        self.num_flow_fields = num_flow_fields
        self.fusion = fusion
        self.spatial = FrameNet(3, num_classes, width=width)
        self.temporal = FrameNet(2 * num_flow_fields, num_classes, width=width)
        if fusion == "learned":
            # Zeros are equal weights: training begins at the average.
            self.stream_weights = nn.Parameter(torch.zeros(2, num_classes))
        if fusion == "middle":
            num_features = self.spatial.num_features
            self.mix = nn.Sequential(nn.Conv2d(2 * num_features, num_features, 1), nn.ReLU())
            self.fc = nn.Linear(num_features, num_classes)
            del self.spatial.fc, self.temporal.fc

    def forward(self, rgb: Tensor, flow: Tensor) -> Tensor:
        """Fuse what both streams say.

        Args:
            rgb: (B, 3, T, H, W) frames, normalized.
            flow: (B, 2L, H, W) flow fields, as `stack_flow` gives them.

        Returns:
            (B, K) logits; of a late fusion, the logarithm of the fused probabilities.

        Raises:
            ShapeError: inputs of another shape, or that do not belong together.
        """
        self._check(rgb, flow)
        if self.fusion == "middle":
            return self._fuse_features(rgb, flow)
        num_frames = rgb.shape[2]
        frame_logits = self.spatial(rgb.transpose(1, 2).flatten(0, 1)).unflatten(0, (-1, num_frames))
        spatial = frame_logits.softmax(dim=-1).mean(dim=1)
        temporal = self.temporal(flow).softmax(dim=-1)
        weights = torch.full((2, 1), 0.5, device=rgb.device)
        if self.fusion == "learned":
            weights = self.stream_weights.softmax(dim=0)
        fused = weights[0] * spatial + weights[1] * temporal
        # The logarithm makes it a logit: softmax and cross-entropy then see the fused probability.
        logits: Tensor = fused.clamp_min(torch.finfo(fused.dtype).tiny).log()
        return logits

    def _fuse_features(self, rgb: Tensor, flow: Tensor) -> Tensor:
        num_frames = rgb.shape[2]
        frames = self.spatial.features(rgb.transpose(1, 2).flatten(0, 1))
        spatial = frames.unflatten(0, (-1, num_frames)).mean(dim=1)
        mixed = self.mix(torch.cat([spatial, self.temporal.features(flow)], dim=1))
        logits: Tensor = self.fc(mixed.mean(dim=(2, 3)))
        return logits

    def _check(self, rgb: Tensor, flow: Tensor) -> None:
        check_clip(rgb)
        channels = 2 * self.num_flow_fields
        if flow.ndim != 4 or flow.shape[1] != channels:
            raise ShapeError(
                f"flow is {tuple(flow.shape)}; it must be (B, {channels}, H, W): dx and dy of"
                f" {self.num_flow_fields} fields in turn, as stack_flow gives them"
            )
        if (flow.shape[0], *flow.shape[2:]) != (rgb.shape[0], *rgb.shape[3:]):
            raise ShapeError(
                f"rgb is {tuple(rgb.shape)} but flow is {tuple(flow.shape)}; both need the same B, H and W"
            )


def stack_flow(fields: Tensor, *, bound_px: float = 20.0, center: bool = True) -> Tensor:
    """Lay flow fields over each other as channels dx1, dy1, dx2, dy2 and so on.

    Args:
        fields: (B, L, H, W, 2) or (L, H, W, 2) displacements in pixels, x before y, as `compute_flow` gives.
        bound_px: longer displacements are cut off; what remains is divided by it, into [-1, 1].
        center: subtract each field's mean, which takes most of the camera's movement out.

    Returns:
        (B, 2L, H, W), or (2L, H, W).

    Raises:
        ShapeError: not fields of two displacements.

    >>> fields = torch.tensor([[1.0, 2.0], [3.0, 40.0]]).view(2, 1, 1, 2)
    >>> stack_flow(fields, center=False).flatten()
    tensor([0.0500, 0.1000, 0.1500, 1.0000])
    """
    if fields.ndim not in (4, 5) or fields.shape[-1] != 2:
        raise ShapeError(f"fields is {tuple(fields.shape)}; it must be (L, H, W, 2) or (B, L, H, W, 2)")
    if center:
        fields = fields - fields.mean(dim=(-3, -2), keepdim=True)
    bounded = fields.clamp(-bound_px, bound_px) / bound_px
    return bounded.movedim(-1, -3).flatten(-4, -3)


@register(
    inputs=((3, 1, 224, 224), (20, 224, 224)),
    paper="Two-Stream Convolutional Networks for Action Recognition in Videos, arXiv:1406.2199",
)
def two_stream(
    *, num_classes: int = 400, num_flow_fields: int = 10, fusion: str = "average", width: int = 64
) -> TwoStream:
    """A network on RGB and one on optical flow, with late or middle fusion.

    Args:
        num_classes: K, the size of the output.
        num_flow_fields: L, the flow fields of one stack.
        fusion: `"average"`, `"learned"` or `"middle"`.
        width: channels of each stream's first convolution.

    >>> sum(parameter.numel() for parameter in two_stream(fusion="middle").parameters())
    2488144
    """
    return TwoStream(num_classes, num_flow_fields=num_flow_fields, fusion=fusion, width=width)


def _conv(in_channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    """A convolution of stride 2 with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride=2, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
