"""A clip as tokens that a language network can look at: what is seen in each cell at each moment, and where that is.

clip (B, 3, T, H, W) ──eyes──► grid (B, D, t, h, w) ──+ place and time──► tokens (B, t·h·w, D) ──attention──► tokens
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from muybridge.errors import ShapeError
from muybridge.models.attention import TransformerBlock
from muybridge.models.temporal_shift import TemporalShiftNet

__all__ = ["VisualTokens"]


class VisualTokens(nn.Module):
    """Eyes, learned places and times, and a few layers of attention among the tokens.

    Args:
        dim: D of the tokens.
        num_layers: of attention; 0 leaves each token with what its own cell shows.
        num_heads: of each.
        grid: (t, h, w): the most moments, rows and columns.
        width: of the eyes' first layer.

    >>> VisualTokens(64, num_layers=1)(torch.zeros(2, 3, 16, 48, 48)).shape
    torch.Size([2, 288, 64])
    """

    def __init__(
        self,
        dim: int,
        *,
        num_layers: int = 1,
        num_heads: int = 4,
        grid: tuple[int, int, int] = (8, 6, 6),
        width: int = 32,
    ) -> None:
        super().__init__()
        self.grid = grid
        self.eyes = TemporalShiftNet(width=width)
        self.project = nn.Linear(self.eyes.num_features, dim)
        self.norm = nn.LayerNorm(dim)
        self.places = nn.ParameterList([nn.Parameter(0.3 * torch.randn(size, dim)) for size in grid])
        self.layers = nn.ModuleList([TransformerBlock(dim, num_heads) for _ in range(num_layers)])

    def forward(self, clips: Tensor) -> Tensor:
        """(B, 3, T, H, W) → (B, t·h·w, D).

        Raises:
            ShapeError: a clip longer or larger than the places that were learned.
        """
        return self.from_grid(self.eyes(clips))

    def from_grid(self, grid: Tensor) -> Tensor:
        """What the eyes gave, (B, D', t, h, w) → (B, t·h·w, D); for those who keep it instead of the clips."""
        size = tuple(grid.shape[2:])
        if any(given > most for given, most in zip(size, self.grid, strict=True)):
            raise ShapeError(
                f"a grid of {size} moments, rows and columns; places are known for {self.grid} at most"
            )
        cells = self.norm(self.project(grid.movedim(1, -1)))
        t, y, x = (place[:given] for place, given in zip(self.places, size, strict=True))
        tokens: Tensor = (cells + t[:, None, None] + y[:, None] + x).flatten(1, 3)
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens
