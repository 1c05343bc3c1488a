"""The transformer's parts for tokens of every kind: words, cells of a video, moments, queries.

    x ──► x + self-attention ──► + cross-attention to a memory (if there is one) ──► + MLP

With `causal`, a token sees only itself and those before it: so a sentence can be learned in one go, each word from
the words before it, and then be written word by word.

Paper: Vaswani et al., Attention Is All You Need, arXiv:1706.03762; the norm comes first, as in GPT-2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from muybridge.errors import OptionError

__all__ = ["Attention", "TransformerBlock"]


class Attention(nn.Module):
    """softmax(Q Kᵀ / √d) V in several heads; keys and values come from the memory.

    Args:
        dim: D.
        num_heads: how many.

    Raises:
        OptionError: a D that the heads cannot share.

    >>> Attention(32, 4)(torch.zeros(2, 5, 32), torch.zeros(2, 9, 32)).shape
    torch.Size([2, 5, 32])
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        if dim % num_heads:
            raise OptionError(f"{dim} features cannot be shared by {num_heads} heads")
        self.num_heads = num_heads
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.output = nn.Linear(dim, dim)

    def forward(
        self, x: Tensor, memory: Tensor, *, causal: bool = False, known: Tensor | None = None
    ) -> Tensor:
        """Let each token look at the memory.

        Args:
            x: (B, N, D).
            memory: (B, M, D); x itself for self-attention.
            causal: token n sees only the first n + 1 of the memory.
            known: (B, M) bool: False for what is only there to fill up.

        Returns:
            (B, N, D).
        """
        q, k, v = (
            layer(tokens).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for layer, tokens in ((self.query, x), (self.key, memory), (self.value, memory))
        )
        # Written out: for the short sequences here that is several times faster to train on a CPU than the fused
        # scaled_dot_product_attention.
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if known is not None:
            scores = scores.masked_fill(~known[:, None, None, :], -torch.inf)
        if causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(later, -torch.inf)
        mixed = scores.softmax(dim=-1) @ v
        out: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return out


class TransformerBlock(nn.Module):
    """Self-attention, cross-attention where there is a memory, and an MLP, each on top of what was there.

    Args:
        dim: D.
        num_heads: of each attention.
        cross: whether there is a memory to look at.
        mlp_ratio: width of the MLP by D.

    >>> block = TransformerBlock(32, 4, cross=True)
    >>> block(torch.zeros(2, 5, 32), torch.zeros(2, 9, 32), causal=True).shape
    torch.Size([2, 5, 32])
    """

    def __init__(self, dim: int, num_heads: int, *, cross: bool = False, mlp_ratio: int = 3) -> None:
        super().__init__()
        self.self_norm, self.self_attention = nn.LayerNorm(dim), Attention(dim, num_heads)
        self.cross_norm = nn.LayerNorm(dim) if cross else None
        self.cross_attention = Attention(dim, num_heads) if cross else None
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, mlp_ratio * dim), nn.GELU(), nn.Linear(mlp_ratio * dim, dim)
        )

    def forward(
        self, x: Tensor, memory: Tensor | None = None, *, causal: bool = False, known: Tensor | None = None
    ) -> Tensor:
        """Tokens and what they look at → tokens.

        Args:
            x: (B·R, N, D): R rows for each memory.
            memory: (B, M, D).
            causal: no token sees those after it.
            known: (B·R, N) bool: False for tokens that only fill up.

        Returns:
            (B·R, N, D).
        """
        normed = self.self_norm(x)
        x = x + self.self_attention(normed, normed, causal=causal, known=known)
        if self.cross_attention is not None and self.cross_norm is not None and memory is not None:
            # Several rows may look at one memory: its keys and values are computed once.
            rows = self.cross_norm(x).reshape(memory.shape[0], -1, x.shape[2])
            x = x + self.cross_attention(rows, memory).view_as(x)
        out: Tensor = x + self.mlp(x)
        return out
