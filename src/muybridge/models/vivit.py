"""ViViT: a clip becomes a sentence of tubelets, and attention reads it.

    clip 3 x 16 x 224 x 224
      │ tubelets: a convolution whose stride is its kernel, 2 x 16 x 16
    tokens (8 · 14 · 14 = 1568) x D
      │ + class token, + one learned position for each
      │ L blocks:  x + attention(norm(x)),  then  x + mlp(norm(x))
    class token D ──linear──► K

Attention compares all pairs of its tokens, so its cost grows with the square of their number. Three ways
to pay it, with t tokens along time and s in each moment:

    "joint"                      every token with every other          (t·s)²
    "factorized_encoder"         a network over each moment's s tokens, then one over t moments    t·s² + t²
    "factorized_self_attention"  in every block first over space, then over time                    t·s² +
    s·t²

Attention itself does not know any order: without the learned positions a clip played backward is the same
clip.

Parameter names of the joint model are those of the public checkpoints (google/vivit-b-16x2-kinetics400),
so they load unchanged.

Paper: Arnab et al., ViViT: A Video Vision Transformer, ICCV 2021, arXiv:2103.15691.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from muybridge.errors import OptionError
from muybridge.models.input_check import check_clip
from muybridge.models.registry import register
from muybridge.models.weights import Weights, kinetics400_labels

__all__ = ["ViViT", "vivit"]

AttentionKind = Literal["joint", "factorized_encoder", "factorized_self_attention"]
_KINDS = ("joint", "factorized_encoder", "factorized_self_attention")


class SelfAttention(nn.Module):
    """Every token looks at every other: softmax(Q Kᵀ / √d) V, in several heads.

    Input and output (B, N, D).
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attention = nn.ModuleDict({name: nn.Linear(dim, dim) for name in ("query", "key", "value")})
        self.output = nn.ModuleDict({"dense": nn.Linear(dim, dim)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, N, D) → (B, N, D)."""
        batch, num_tokens, dim = x.shape
        split = (batch, num_tokens, self.num_heads, dim // self.num_heads)
        q, k, v = (self.attention[name](x).view(split).transpose(1, 2) for name in ("query", "key", "value"))
        mixed = functional.scaled_dot_product_attention(q, k, v)
        out: torch.Tensor = self.output["dense"](mixed.transpose(1, 2).reshape(batch, num_tokens, dim))
        return out


class Block(nn.Module):
    """Pre-norm: the residual path stays untouched, each branch sees normalized tokens.

    Input and output (B, N, D).
    """

    def __init__(self, dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.attention = SelfAttention(dim, num_heads)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(dim, mlp_dim)})
        self.output = nn.ModuleDict({"dense": nn.Linear(mlp_dim, dim)})
        self.layernorm_before = nn.LayerNorm(dim, eps=1e-6)
        self.layernorm_after = nn.LayerNorm(dim, eps=1e-6)

    def mlp(self, x: torch.Tensor) -> torch.Tensor:
        """Each token by itself: (B, N, D) → (B, N, D)."""
        hidden = self.intermediate["dense"](self.layernorm_after(x))
        out: torch.Tensor = self.output["dense"](functional.gelu(hidden, approximate="tanh"))
        return out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, N, D) → (B, N, D)."""
        x = x + self.attention(self.layernorm_before(x))
        return x + self.mlp(x)


class SpaceTimeBlock(Block):
    """Attention over the tokens of one moment, then over the moments at one place, then the MLP.

    Input and output (B, t, s, D).
    """

    def __init__(self, dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__(dim, num_heads, mlp_dim)
        self.attention_time = SelfAttention(dim, num_heads)
        self.layernorm_time = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, t, s, D) → (B, t, s, D)."""
        batch, t, s, _ = x.shape
        space = self.attention(self.layernorm_before(x).flatten(0, 1))
        x = x + space.view(batch, t, s, -1)
        time = self.attention_time(self.layernorm_time(x).transpose(1, 2).flatten(0, 1))
        x = x + time.view(batch, s, t, -1).transpose(1, 2)
        return x + self.mlp(x)


class TubeletEmbedding(nn.Module):
    """Cuts a clip into tubelets and maps each to a token.

    Input (B, 3, T, H, W), output (B, t, s, D) with t = T / tubelet[0] and s = H·W / (tubelet[1]·tubelet[2]).
    """

    def __init__(self, dim: int, tubelet: tuple[int, int, int]) -> None:
        super().__init__()
        self.projection = nn.Conv3d(3, dim, tubelet, stride=tubelet)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, H, W) → (B, t, s, D)."""
        tokens: torch.Tensor = self.projection(clip)
        return tokens.flatten(3).permute(0, 2, 3, 1)


class Embeddings(nn.Module):
    """Tubelet tokens, a class token where the model has one, and learned positions.

    Input (B, 3, T, H, W), output (B, t, s, D).
    """

    def __init__(
        self, dim: int, tubelet: tuple[int, int, int], num_positions: int, class_token: bool
    ) -> None:
        super().__init__()
        self.patch_embeddings = TubeletEmbedding(dim, tubelet)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if class_token else None
        self.position_embeddings = (
            nn.Parameter(torch.randn(1, num_positions, dim) * 0.02) if num_positions else None
        )

    def with_class_and_positions(self, tokens: torch.Tensor) -> torch.Tensor:
        """(B, N, D) → (B, N or 1 + N, D)."""
        if self.cls_token is not None:
            tokens = torch.cat((self.cls_token.expand(tokens.shape[0], -1, -1), tokens), dim=1)
        return tokens if self.position_embeddings is None else tokens + self.position_embeddings


class Stack(nn.Module):
    """Blocks one after the other."""

    def __init__(self, kind: type[Block], depth: int, dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.layer = nn.ModuleList(kind(dim, num_heads, mlp_dim) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same shape in and out."""
        for layer in self.layer:
            x = layer(x)
        return x


class TemporalEncoder(nn.Module):
    """The second network of the factorized encoder: a class token reads one token of each moment.

    Input (B, t, D), output (B, 1 + t, D).
    """

    def __init__(self, depth: int, dim: int, num_heads: int, mlp_dim: int, t: int, positions: bool) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.position_embeddings = nn.Parameter(torch.randn(1, 1 + t, dim) * 0.02) if positions else None
        self.encoder = Stack(Block, depth, dim, num_heads, mlp_dim)
        self.layernorm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, moments: torch.Tensor) -> torch.Tensor:
        """(B, t, D) → (B, 1 + t, D)."""
        x = torch.cat((self.cls_token.expand(moments.shape[0], -1, -1), moments), dim=1)
        if self.position_embeddings is not None:
            x = x + self.position_embeddings
        out: torch.Tensor = self.layernorm(self.encoder(x))
        return out


class ViViT(nn.Module):
    """A video vision transformer.

    Args:
        num_classes: K, the size of the output.
        num_frames: T of the clips.
        size_px: H and W of the clips.
        tubelet: (frames, height, width) of one token.
        dim: D, the size of a token.
        depth: blocks; of the spatial network, where there are two.
        num_heads: heads of each attention; they share D.
        mlp_dim: hidden size of the MLP.
        attention: who looks at whom; see the top of this file.
        temporal_depth: blocks of the temporal network of the factorized encoder.
        positions: learned positions; without them the model cannot tell forward from backward.

    Input (B, 3, num_frames, size_px, size_px) float32; output (B, K) logits.

    Raises:
        OptionError: sizes that do not divide each other, or an unknown kind of attention.

    >>> model = ViViT(5, num_frames=4, size_px=32, dim=24, depth=1, num_heads=2, mlp_dim=48)
    >>> model(torch.zeros(2, 3, 4, 32, 32)).shape, model.num_tokens
    (torch.Size([2, 5]), 8)
    """

    def __init__(
        self,
        num_classes: int = 400,
        *,
        num_frames: int = 32,
        size_px: int = 224,
        tubelet: tuple[int, int, int] = (2, 16, 16),
        dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        mlp_dim: int = 3072,
        attention: AttentionKind = "joint",
        temporal_depth: int = 4,
        positions: bool = True,
    ) -> None:
        super().__init__()
        _check_sizes(num_frames, size_px, tubelet, dim, num_heads, attention)
        self.num_frames, self.size_px, self.attention = num_frames, size_px, attention
        self.tubelet_frames = tubelet[0]
        t, s = num_frames // tubelet[0], (size_px // tubelet[1]) * (size_px // tubelet[2])
        self.num_tokens = t * s
        class_token = attention != "factorized_self_attention"  # the paper averages there instead
        num_positions = (s if attention == "factorized_encoder" else t * s) + class_token
        kind = SpaceTimeBlock if attention == "factorized_self_attention" else Block
        self.vivit = nn.ModuleDict(
            {
                "embeddings": Embeddings(dim, tubelet, num_positions if positions else 0, class_token),
                "encoder": Stack(kind, depth, dim, num_heads, mlp_dim),
                "layernorm": nn.LayerNorm(dim, eps=1e-6),
            }
        )
        if attention == "factorized_encoder":
            self.vivit["temporal"] = TemporalEncoder(temporal_depth, dim, num_heads, mlp_dim, t, positions)
        self.classifier = nn.Linear(dim, num_classes)
        self.apply(_initialize)

    @property
    def frames_per_moment(self) -> int | None:
        """Frames that `encode_moments` reads at once; None where attention mixes the moments in every block."""
        return self.tubelet_frames if self.attention == "factorized_encoder" else None

    def encode_moments(self, clip: torch.Tensor) -> torch.Tensor:
        """The spatial network of the factorized encoder, each moment by itself: (B, 3, t·tubelet, H, W) → (B, t, D)."""
        embeddings: Embeddings = self.vivit["embeddings"]  # type: ignore[assignment]
        tokens = embeddings.patch_embeddings(clip)
        batch, t, _, dim = tokens.shape
        x = self.vivit["encoder"](embeddings.with_class_and_positions(tokens.flatten(0, 1)))
        moments: torch.Tensor = self.vivit["layernorm"](x[:, 0])
        return moments.view(batch, t, dim)

    def classify_moments(self, moments: torch.Tensor) -> torch.Tensor:
        """The temporal network of the factorized encoder and the classifier: (B, t, D) → (B, K) logits."""
        logits: torch.Tensor = self.classifier(self.vivit["temporal"](moments)[:, 0])
        return logits

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, H, W) → (B, D), what the classifier sees."""
        check_clip(clip, num_frames=self.num_frames, size_px=self.size_px)
        if self.attention == "factorized_encoder":
            read: torch.Tensor = self.vivit["temporal"](self.encode_moments(clip))[:, 0]
            return read
        embeddings: Embeddings = self.vivit["embeddings"]  # type: ignore[assignment]
        tokens = embeddings.patch_embeddings(clip)
        batch, t, s, dim = tokens.shape
        x = embeddings.with_class_and_positions(tokens.flatten(1, 2))
        if self.attention == "joint":
            pooled = self.vivit["layernorm"](self.vivit["encoder"](x)[:, 0])
        else:
            blocks = self.vivit["encoder"](x.view(batch, t, s, dim))
            pooled = self.vivit["layernorm"](blocks).mean(dim=(1, 2))
        features: torch.Tensor = pooled
        return features

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, H, W) → (B, K) logits."""
        logits: torch.Tensor = self.classifier(self.features(clip))
        return logits


def _check_sizes(
    num_frames: int, size_px: int, tubelet: tuple[int, int, int], dim: int, num_heads: int, attention: str
) -> None:
    if attention not in _KINDS:
        raise OptionError(f"attention is {attention!r}; it is one of {', '.join(_KINDS)}")
    if dim % num_heads:
        raise OptionError(f"dim {dim} does not divide into {num_heads} heads")
    for size, step, name in ((num_frames, tubelet[0], "num_frames"), (size_px, tubelet[1], "size_px")):
        if size < step or size % step:
            raise OptionError(f"{name} {size} is not a multiple of the tubelet's {step}")
    if size_px % tubelet[2]:
        raise OptionError(f"size_px {size_px} is not a multiple of the tubelet's {tubelet[2]}")


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv3d):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _load_folder(reference: str, num_classes: int | None) -> nn.Module:
    from muybridge.models.vivit_weights import load_vivit_folder

    return load_vivit_folder(reference, num_classes)


@register(
    inputs=((3, 32, 224, 224),),
    head="classifier",
    weights=(
        Weights(
            "kinetics400",
            hub_name="google/vivit-b-16x2-kinetics400",
            license="MIT",
            source="https://huggingface.co/google/vivit-b-16x2-kinetics400",
            labels=kinetics400_labels(),
            num_frames=32,
            stride=2,
            size_px=224,
        ),
    ),
    load_folder=_load_folder,
    paper="ViViT: A Video Vision Transformer, arXiv:2103.15691",
)
def vivit(
    *,
    num_classes: int = 400,
    num_frames: int = 32,
    size_px: int = 224,
    tubelet: tuple[int, int, int] = (2, 16, 16),
    dim: int = 768,
    depth: int = 12,
    num_heads: int = 12,
    mlp_dim: int = 3072,
    attention: AttentionKind = "joint",
    temporal_depth: int = 4,
    positions: bool = True,
) -> ViViT:
    """A transformer on tubelets, by default of the size ViViT-B/16x2.

    Args:
        num_classes: K, the size of the output.
        num_frames: T of the clips.
        size_px: H and W of the clips.
        tubelet: (frames, height, width) of one token.
        dim: D, the size of a token.
        depth: blocks; of the spatial network, where there are two.
        num_heads: heads of each attention.
        mlp_dim: hidden size of the MLP.
        attention: `"joint"`, `"factorized_encoder"` or `"factorized_self_attention"`.
        temporal_depth: blocks of the temporal network of the factorized encoder.
        positions: learned positions.

    >>> model = vivit(num_frames=16, size_px=64, dim=48, depth=2, num_heads=3, mlp_dim=96, num_classes=4)
    >>> model(torch.zeros(1, 3, 16, 64, 64)).shape
    torch.Size([1, 4])
    """
    return ViViT(
        num_classes,
        num_frames=num_frames,
        size_px=size_px,
        tubelet=tubelet,
        dim=dim,
        depth=depth,
        num_heads=num_heads,
        mlp_dim=mlp_dim,
        attention=attention,
        temporal_depth=temporal_depth,
        positions=positions,
    )
