"""Questions about a clip: the question's words look at what the eyes see, and one of the known answers is chosen.

    what color is the shape that turns left ? ──► words ──► self-attention, cross-attention ◄── visual tokens ◄── clip
                                                               └─ first token ──linear──► red

A network may answer well without looking: because some answers are more frequent, or because the question gives them
away. `blind=True` builds the same network without eyes, whose score says how much that is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from muybridge.errors import OptionError
from muybridge.models.attention import TransformerBlock
from muybridge.models.registry import register
from muybridge.models.visual_tokens import VisualTokens
from muybridge.models.vocabulary import PAD, Vocabulary, check_length

__all__ = ["VideoQANet", "video_qa"]


class VideoQANet(nn.Module):
    """Clips and questions → answers.

    Args:
        words: the vocabulary of the questions.
        answers: what can be answered.
        dim: D.
        num_layers: in which the words look at the clip.
        num_visual_layers: of attention among the visual tokens.
        num_heads: of each attention.
        max_words: the longest question, with its start and end.
        blind: no eyes: the baseline that sees the question alone.

    Raises:
        OptionError: no answers.

    >>> model = VideoQANet(("what", "color"), ("red", "blue"), dim=32)
    >>> model(torch.zeros(2, 3, 16, 48, 48), torch.tensor([[1, 4, 2], [1, 5, 2]])).shape
    torch.Size([2, 2])
    """

    def __init__(
        self,
        words: tuple[str, ...],
        answers: tuple[str, ...],
        *,
        dim: int = 128,
        num_layers: int = 3,
        num_visual_layers: int = 1,
        num_heads: int = 4,
        max_words: int = 24,
        blind: bool = False,
    ) -> None:
        super().__init__()
        if not answers:
            raise OptionError("a network that answers needs at least one answer")
        self.vocabulary, self.answers = Vocabulary(words), tuple(answers)
        self.visual = None if blind else VisualTokens(dim, num_layers=num_visual_layers, num_heads=num_heads)
        self.words = nn.Embedding(len(self.vocabulary), dim)
        self.positions = nn.Parameter(0.1 * torch.randn(max_words, dim))
        self.blocks = nn.ModuleList(
            [TransformerBlock(dim, num_heads, cross=not blind) for _ in range(num_layers)]
        )
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, len(answers))

    def forward(self, clips: Tensor | None, questions: Tensor, *, grids: Tensor | None = None) -> Tensor:
        """Clips and the questions about them → logits of the answers (B·R, K).

        Args:
            clips: (B, 3, T, H, W); None where the grids are given, or for a network without eyes.
            questions: (B·R, L) int64, R of each clip.
            grids: (B, D', t, h, w) what the eyes saw, where that was kept.

        Raises:
            OptionError: neither clips nor grids, for a network that looks.
        """
        if self.visual is None:
            return self.decide(None, questions)
        if grids is not None:
            return self.decide(self.visual.from_grid(grids), questions)
        if clips is None:
            raise OptionError("a network that looks needs clips, or the grids that its eyes saw")
        return self.decide(self.visual(clips), questions)

    def decide(self, tokens: Tensor | None, questions: Tensor) -> Tensor:
        """Visual tokens (B, N, D) and questions (B·R, L) → logits of the answers (B·R, K).

        Raises:
            OptionError: a question longer than the positions that were learned.
        """
        check_length(questions, len(self.positions), what="question")
        x = self.words(questions) + self.positions[: questions.shape[1]]
        for block in self.blocks:
            x = block(x, tokens, known=questions != PAD)
        logits: Tensor = self.head(self.norm(x[:, 0]))
        return logits

    @torch.no_grad()
    def ask(self, clips: Tensor, questions: list[str]) -> list[tuple[str, float]]:
        """For each clip (B, 3, T, H, W) and its question the likeliest answer and its probability."""
        encoded = self.vocabulary.encode_many(questions).to(clips.device)
        probabilities = self(clips, encoded).float().softmax(dim=1)
        best = probabilities.max(dim=1)
        return [
            (self.answers[n], p) for n, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]


@register(inputs=((3, 16, 48, 48), (24,)), word_inputs=(1,), task="answers")
def video_qa(
    *,
    words: tuple[str, ...] = ("what", "moves", "?"),
    answers: tuple[str, ...] = ("a", "b"),
    dim: int = 128,
    num_layers: int = 3,
    num_visual_layers: int = 1,
    num_heads: int = 4,
    max_words: int = 24,
    blind: bool = False,
) -> VideoQANet:
    """A video encoder and the words of a question that look at it: one of the known answers.

    Args:
        words: the vocabulary of the questions.
        answers: what can be answered.
        dim: D.
        num_layers: in which the words look at the clip.
        num_visual_layers: of attention among the visual tokens.
        num_heads: of each attention.
        max_words: the longest question, with its start and end.
        blind: no eyes: the baseline that sees the question alone.

    >>> video_qa(blind=True).visual is None
    True
    """
    return VideoQANet(
        tuple(words),
        tuple(answers),
        dim=dim,
        num_layers=num_layers,
        num_visual_layers=num_visual_layers,
        num_heads=num_heads,
        max_words=max_words,
        blind=blind,
    )
