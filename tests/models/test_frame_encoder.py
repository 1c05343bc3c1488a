"""A frame encoder with a temporal head: what each head can see."""

import pytest
import torch

from muybridge.errors import OptionError, ShapeError
from muybridge.models.frame_encoder import TemporalHead, frame_encoder
from muybridge.models.vivit import vivit


def backward_difference(kind: str) -> float:
    torch.manual_seed(0)
    head = TemporalHead(6, 3, kind=kind)  # type: ignore[arg-type]
    moments = torch.randn(1, 7, 6)
    return float((head(moments) - head(moments.flip(1))).detach().abs().max())


def test_only_the_recurrent_head_tells_forward_from_backward() -> None:
    assert backward_difference("mean") < 1e-6
    assert backward_difference("attention") < 1e-6
    assert backward_difference("gru") > 1e-3


def test_each_frame_is_encoded_by_itself() -> None:
    torch.manual_seed(0)
    net = frame_encoder(num_classes=4, width=8).eval()
    clip = torch.randn(2, 3, 5, 32, 32)
    with torch.no_grad():
        together = net.encode_moments(clip)
        alone = torch.cat([net.encode_moments(clip[:, :, t : t + 1]) for t in range(5)], dim=1)
        assert torch.allclose(together, alone, atol=1e-5)
        assert torch.allclose(net.classify_moments(alone), net(clip), atol=1e-5)


def test_the_factorized_encoder_of_vivit_reads_each_tubelet_by_itself() -> None:
    torch.manual_seed(0)
    sizes = {
        "num_frames": 8,
        "size_px": 32,
        "dim": 24,
        "depth": 2,
        "num_heads": 2,
        "mlp_dim": 48,
        "num_classes": 3,
    }
    net = vivit(attention="factorized_encoder", **sizes).eval()
    clip = torch.randn(1, 3, 8, 32, 32)
    with torch.no_grad():
        alone = torch.cat([net.encode_moments(clip[:, :, t : t + 2]) for t in range(0, 8, 2)], dim=1)
        assert torch.allclose(net.classify_moments(alone), net(clip), atol=1e-5)
    assert net.frames_per_moment == 2
    assert vivit(attention="joint", **sizes).frames_per_moment is None


def test_what_a_head_does_not_take() -> None:
    with pytest.raises(OptionError, match="lstm"):
        TemporalHead(4, 2, kind="lstm")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"\(B, T, 4\)"):
        TemporalHead(4, 2)(torch.zeros(2, 3))
