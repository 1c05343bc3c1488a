"""A frame encoder with a temporal head: a network for pictures reads each frame, a small one reads what it says.

    clip     (B, 3, T, H, W)
      │ the encoder on each frame by itself: any network for pictures
    moments  (B, T, D)
      │ the head, over time
    logits   (B, K)

Such a network needs no new training of its larger half, and on a stream each frame is encoded once, however many
windows it belongs to. Three heads, from the one that cannot tell forward from backward to the one that can:

    "mean"       the mean over time, then a linear layer
    "attention"  a mean weighted by a learned score of each moment
    "gru"        a recurrent network reads the moments in order; its last state is classified

Papers: Wang et al., "Temporal Segment Networks", ECCV 2016, arXiv:1608.00859 (mean); Donahue et al., "Long-term
Recurrent Convolutional Networks for Visual Recognition and Description", CVPR 2015, arXiv:1411.4389 (recurrent head).
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from muybridge.errors import OptionError, ShapeError
from muybridge.models.input_check import check_clip
from muybridge.models.registry import register
from muybridge.models.two_stream import FrameNet

__all__ = ["FrameEncoderNet", "TemporalHead", "frame_encoder"]

HeadKind = Literal["mean", "attention", "gru"]
_KINDS = ("mean", "attention", "gru")


class TemporalHead(nn.Module):
    """Moments (B, T, D) → logits (B, K).

    Args:
        num_features: D.
        num_classes: K.
        kind: `"mean"`, `"attention"` or `"gru"`.

    Raises:
        OptionError: an unknown kind.

    >>> import torch
    >>> TemporalHead(8, 3, kind="gru")(torch.zeros(2, 5, 8)).shape
    torch.Size([2, 3])
    """

    def __init__(self, num_features: int, num_classes: int, *, kind: HeadKind = "attention") -> None:
        super().__init__()
        if kind not in _KINDS:
            raise OptionError(f"head is {kind!r}; it is one of {', '.join(_KINDS)}")
        self.num_features = num_features
        self.kind = kind
        self.score = nn.Linear(num_features, 1) if kind == "attention" else None
        self.gru = nn.GRU(num_features, num_features, batch_first=True) if kind == "gru" else None
        self.fc = nn.Linear(num_features, num_classes)

    def forward(self, moments: Tensor) -> Tensor:
        """(B, T, D) → (B, K)."""
        if moments.ndim != 3 or moments.shape[2] != self.num_features or moments.shape[1] < 1:
            raise ShapeError(f"moments are {tuple(moments.shape)}; they must be (B, T, {self.num_features})")
        if self.gru is not None:
            pooled = self.gru(moments)[0][:, -1]
        elif self.score is not None:
            pooled = (moments * self.score(moments).softmax(dim=1)).sum(dim=1)
        else:
            pooled = moments.mean(dim=1)
        logits: Tensor = self.fc(pooled)
        return logits


class FrameEncoderNet(nn.Module):
    """An encoder of pictures and a head over time.

    Args:
        encoder: (N, 3, H, W) → (N, D), or (N, D, h, w), which is averaged over space.
        head: (B, T, D) → (B, K).

    Input (B, 3, T, H, W) float32; output (B, K) logits.

    >>> import torch
    >>> net = FrameEncoderNet(nn.Conv2d(3, 8, 3), TemporalHead(8, 5))
    >>> clip = torch.randn(2, 3, 4, 16, 16)
    >>> torch.equal(net(clip), net.classify_moments(net.encode_moments(clip)))
    True
    """

    frames_per_moment = 1

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def encode_moments(self, clip: Tensor) -> Tensor:
        """Each frame by itself: (B, 3, T, H, W) → (B, T, D)."""
        check_clip(clip)
        features: Tensor = self.encoder(clip.transpose(1, 2).flatten(0, 1))
        if features.ndim == 4:
            features = features.mean(dim=(2, 3))
        return features.view(clip.shape[0], clip.shape[2], -1)

    def classify_moments(self, moments: Tensor) -> Tensor:
        """The head: (B, T, D) → (B, K) logits."""
        logits: Tensor = self.head(moments)
        return logits

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W) → (B, K) logits."""
        return self.classify_moments(self.encode_moments(clip))


@register(
    inputs=((3, 16, 112, 112),),
    head="head.fc",
    paper="Temporal Segment Networks, arXiv:1608.00859",
)
def frame_encoder(
    *, num_classes: int = 400, head: HeadKind = "attention", width: int = 64
) -> FrameEncoderNet:
    """A 2D network on each frame and a head over time.

    Args:
        num_classes: K, the size of the output.
        head: `"mean"`, `"attention"` or `"gru"`.
        width: channels of the encoder's first convolution.

    >>> import torch
    >>> frame_encoder(num_classes=5, width=8)(torch.zeros(1, 3, 4, 64, 64)).shape
    torch.Size([1, 5])
    """
    encoder = FrameNet(3, 1, width=width)
    return FrameEncoderNet(encoder.features, TemporalHead(encoder.num_features, num_classes, kind=head))
