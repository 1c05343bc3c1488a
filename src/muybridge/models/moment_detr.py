"""Grounding after Moment-DETR: which moments of a long video does a sentence speak of?

    cells of each moment (B, T, S, D') ──the sentence picks──► one token a moment ┐
    words ──► tokens ─────────────────────────────────────────────────────────────┴► attention among all
                                                    saliency of each moment ◄── linear ◄──┤ memory
    N learned queries ──► self-attention, cross-attention to the memory ──► N spans and whether each is one

There are no anchors and there is no suppression: each query learns to give another span, and in training each true
span is matched with one of them. Where a sentence speaks of nothing in the video, no query says "here".

Of the paper are the transformer, the saliency head, the losses and the matching. Two things are other than there:
a moment may come as several cells, of which the sentence picks what it speaks of (S = 1 for vectors of an image-text
model leaves nothing to pick); and a span's start and end point at moments, as an average of their times under a
softmax, instead of being computed from the query alone: so they are exact after a short training, not a long one. In
training they are told where to point, too (`pointing_loss` in `training.world_moments`).

Paper: Lei, Berg, Bansal, Detecting Moments and Highlights in Videos via Natural Language Queries (QVHighlights),
NeurIPS 2021, arXiv:2107.09609.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from muybridge.errors import OptionError, ShapeError
from muybridge.models.attention import Attention, TransformerBlock
from muybridge.models.registry import register
from muybridge.models.temporal_shift import TemporalShiftNet
from muybridge.models.vocabulary import PAD, Vocabulary, check_length

__all__ = ["Grounding", "MomentDETR", "moment_detr"]


class Grounding(NamedTuple):
    """What the network says of a batch.

    Args:
        spans: (B, N, 2) start and end, as shares of the video.
        logits: (B, N) whether each span is one.
        saliency: (B, T) how much each moment belongs to what the sentence says.
        pointing: (B, N, 2, T) where start and end point, as logits over edges that lie evenly from 0 to 1; the spans
            are their means.
    """

    spans: Tensor
    logits: Tensor
    saliency: Tensor
    pointing: Tensor


class MomentDETR(nn.Module):
    """Features of moments and a sentence → spans.

    Args:
        words: the vocabulary of the sentences.
        num_features: D' of the features.
        dim: D.
        num_layers: of the encoder, and of the decoder.
        num_heads: of each attention.
        num_queries: N, the most spans that are given.
        max_words: the longest sentence, with its start and end.
        eye_width: width of own eyes, which turn a video into features (`look`); 0 for features from elsewhere.

    >>> model = MomentDETR(("red", "jumps"), num_features=16, dim=32)
    >>> found = model(torch.zeros(2, 60, 4, 16), torch.tensor([[1, 4, 2], [1, 5, 2]]))
    >>> found.spans.shape, found.saliency.shape
    (torch.Size([2, 5, 2]), torch.Size([2, 60]))
    """

    def __init__(
        self,
        words: tuple[str, ...],
        *,
        num_features: int = 128,
        dim: int = 128,
        num_layers: int = 2,
        num_heads: int = 4,
        num_queries: int = 5,
        max_words: int = 24,
        eye_width: int = 0,
    ) -> None:
        super().__init__()
        self.eyes = TemporalShiftNet(width=eye_width, num_features=num_features) if eye_width else None
        if min(num_features, dim, num_layers, num_queries) < 1:
            raise OptionError("num_features, dim, num_layers and num_queries must be at least 1")
        self.vocabulary = Vocabulary(words)
        self.num_features = num_features
        self.words = nn.Embedding(len(self.vocabulary), dim)
        self.word_positions = nn.Parameter(0.1 * torch.randn(max_words, dim))
        self.reader = TransformerBlock(dim, num_heads)
        self.project = nn.Sequential(nn.LayerNorm(num_features), nn.Linear(num_features, dim))
        self.pick = Attention(dim, num_heads)
        self.token_norm = nn.LayerNorm(dim)
        self.encoder = nn.ModuleList([TransformerBlock(dim, num_heads) for _ in range(num_layers)])
        self.queries = nn.Parameter(torch.randn(num_queries, dim))
        self.decoder = nn.ModuleList(
            [TransformerBlock(dim, num_heads, cross=True) for _ in range(num_layers)]
        )
        self.saliency = nn.Linear(dim, 1)
        self.query_norm, self.memory_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.points_at, self.pointed_at = nn.Linear(dim, 2 * dim), nn.Linear(dim, 2 * dim)
        self.is_span = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 1))

    def forward(self, features: Tensor, sentences: Tensor) -> Grounding:
        """Features (B, T, S, D') and sentences (B·R, L) int64, R for each video → what is said of each sentence.

        Raises:
            ShapeError: features of another shape, or sentences that the videos cannot share.
            OptionError: a sentence longer than the positions that were learned.
        """
        if features.ndim != 4 or features.shape[3] != self.num_features:
            raise ShapeError(
                f"expected features (B, T, S, {self.num_features}), got {tuple(features.shape)}; S = 1 where"
                " each moment has one vector"
            )
        if sentences.shape[0] % features.shape[0]:
            raise ShapeError(f"{len(sentences)} sentences for {len(features)} videos; give each as many")
        check_length(sentences, len(self.word_positions), what="sentence")
        known = sentences != PAD
        words = self.words(sentences) + self.word_positions[: sentences.shape[1]]
        words = self.reader(words, known=known)
        moments = self._pick_cells(features, words[:, 0])
        num_moments = moments.shape[1]
        moments = moments + sinusoids(num_moments, moments.shape[2]).to(moments)
        memory = torch.cat((moments, words), dim=1)
        is_known = torch.cat((known.new_ones(moments.shape[:2]), known), dim=1)
        for layer in self.encoder:
            memory = layer(memory, known=is_known)
        moments = memory[:, :num_moments]
        x = self.queries.expand(memory.shape[0], -1, -1)
        for layer in self.decoder:
            x = layer(x, moments)
        pointing = self._point(x, moments)
        # The moments lie in the middle of their slots, and a span may begin or end at either edge of one.
        edges = torch.linspace(0, 1, num_moments, device=moments.device)
        return Grounding(
            pointing.softmax(dim=-1) @ edges,
            self.is_span(x)[..., 0].float(),
            self.saliency(moments)[..., 0].float(),
            pointing,
        )

    @torch.no_grad()
    def look(self, clip: Tensor) -> Tensor:
        """A whole video (3, T, H, W) as features (T, S, D'): a moment is a frame.

        Raises:
            OptionError: a network without eyes.
        """
        if self.eyes is None:
            raise OptionError("this network has no eyes (eye_width=0): give it features of the video")
        grid: Tensor = self.eyes.each_frame(clip[None])
        return grid[0].flatten(2).permute(1, 2, 0)

    def _pick_cells(self, features: Tensor, sentences: Tensor) -> Tensor:
        """(B, T, S, D') and (B·R, D) → (B·R, T, D): of each moment what the sentence looks for."""
        batch, num_moments, num_cells, _ = features.shape
        cells = self.project(features).flatten(0, 1)
        looks_for = (
            sentences.view(batch, 1, -1, sentences.shape[1]).expand(-1, num_moments, -1, -1).flatten(0, 1)
        )
        picked = self.pick(looks_for, cells)
        if num_cells == 1:
            picked = picked + cells
        by_sentence = picked.view(batch, num_moments, *picked.shape[1:]).transpose(1, 2).flatten(0, 1)
        out: Tensor = self.token_norm(by_sentence)
        return out

    def _point(self, queries: Tensor, moments: Tensor) -> Tensor:
        """(B, N, D) and (B, T, D) → (B, N, 2, T): where the start and the end of each span point, as logits."""
        dim = moments.shape[2]
        q = self.points_at(self.query_norm(queries)).unflatten(-1, (2, dim)).transpose(1, 2)
        k = self.pointed_at(self.memory_norm(moments)).unflatten(-1, (2, dim)).transpose(1, 2)
        pointing: Tensor = (q @ k.transpose(-1, -2) / math.sqrt(dim)).float()
        return pointing.transpose(1, 2)

    @torch.no_grad()
    def find(self, features: Tensor, sentence: str) -> list[tuple[float, float, float]]:
        """The spans for one sentence in one video.

        Args:
            features: (T, S, D').
            sentence: what to look for.

        Returns:
            (start, end, probability) of all N spans, start and end as shares of the video; the likeliest first.
        """
        found = self(features[None], self.vocabulary.encode(sentence)[None].to(features.device))
        spans = found.spans[0].sort(dim=-1).values.tolist()
        scores = found.logits[0].float().sigmoid().tolist()
        rows = [(start, end, score) for (start, end), score in zip(spans, scores, strict=True)]
        return sorted(rows, key=lambda row: -row[2])


def sinusoids(length: int, dim: int) -> Tensor:
    """(length, dim) the places of a sequence as waves, so that any length has some.

    Source: Vaswani et al., Attention Is All You Need, section 3.5.

    >>> sinusoids(3, 4)[0].tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    rates = torch.exp(-math.log(10_000) * torch.arange(0, dim, 2) / dim)
    angles = torch.arange(length)[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), dim=1)


@register(
    inputs=((120, 36, 128), (24,)),
    word_inputs=(1,),
    task="moments",
    paper="Detecting Moments and Highlights in Videos via Natural Language Queries, arXiv:2107.09609",
)
def moment_detr(
    *,
    words: tuple[str, ...] = ("a", "thing", "moves"),
    num_features: int = 128,
    dim: int = 128,
    num_layers: int = 2,
    num_heads: int = 4,
    num_queries: int = 5,
    max_words: int = 24,
    eye_width: int = 0,
) -> MomentDETR:
    """Moment-DETR: moments of a long video and the words of a sentence give the spans that it speaks of.

    Args:
        words: the vocabulary of the sentences.
        num_features: D' of the features.
        dim: D.
        num_layers: of the encoder, and of the decoder.
        num_heads: of each attention.
        num_queries: N, the most spans.
        max_words: the longest sentence, with its start and end.
        eye_width: width of own eyes, which turn a video into features; 0 for features from elsewhere.

    >>> moment_detr().queries.shape
    torch.Size([5, 128])
    """
    return MomentDETR(
        tuple(words),
        num_features=num_features,
        dim=dim,
        num_layers=num_layers,
        num_heads=num_heads,
        num_queries=num_queries,
        max_words=max_words,
        eye_width=eye_width,
    )
