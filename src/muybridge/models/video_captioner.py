"""A captioner: eyes that see a clip, and a GPT-style decoder that writes what they see, word by word.

    clip ──VisualTokens──► visual tokens ─────────────┐ cross-attention
    <start> the red circle ──► word + position ──► causal self-attention ──► next word: moves

In training all words of a sentence are predicted at once, each from the true words before it. In use the network
reads its own words: `greedy` takes the likeliest next word, `beam_search` keeps the best few sentences.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from muybridge.errors import OptionError
from muybridge.models.attention import TransformerBlock
from muybridge.models.registry import register
from muybridge.models.visual_tokens import VisualTokens
from muybridge.models.vocabulary import END, PAD, START, UNKNOWN, Vocabulary

__all__ = ["VideoCaptioner", "video_captioner"]


class VideoCaptioner(nn.Module):
    """Clips and the words so far → the next word at each place.

    Args:
        words: the vocabulary.
        dim: D.
        num_layers: of the decoder.
        num_visual_layers: of attention among the visual tokens.
        num_heads: of each attention.
        max_words: the longest sentence, with its start and end.

    >>> model = VideoCaptioner(("a", "circle", "moves"), dim=32)
    >>> model(torch.zeros(2, 3, 16, 48, 48), torch.tensor([[1, 4, 5], [1, 4, 6]])).shape
    torch.Size([2, 3, 7])
    """

    def __init__(
        self,
        words: tuple[str, ...],
        *,
        dim: int = 128,
        num_layers: int = 2,
        num_visual_layers: int = 1,
        num_heads: int = 4,
        max_words: int = 24,
    ) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(words)
        self.visual = VisualTokens(dim, num_layers=num_visual_layers, num_heads=num_heads)
        self.words = nn.Embedding(len(self.vocabulary), dim)
        self.positions = nn.Parameter(0.1 * torch.randn(max_words, dim))
        blocks = [TransformerBlock(dim, num_heads, cross=True) for _ in range(num_layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, len(self.vocabulary))

    @property
    def max_words(self) -> int:
        """The longest sentence, with its start and end."""
        return self.positions.shape[0]

    def forward(self, clips: Tensor, words: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) and words (B, L) int64 → logits of the word after each (B, L, V)."""
        return self.read_on(self.visual(clips), words)

    def read_on(self, tokens: Tensor, words: Tensor) -> Tensor:
        """Visual tokens (B, N, D) and words (B, L) → logits of the word after each (B, L, V).

        Raises:
            OptionError: more words than there are positions.
        """
        if words.shape[1] > self.max_words:
            raise OptionError(f"{words.shape[1]} words; the network knows positions for {self.max_words}")
        x = self.words(words) + self.positions[: words.shape[1]]
        for block in self.blocks:
            x = block(x, tokens, causal=True)
        logits: Tensor = self.head(self.norm(x))
        return logits

    @torch.no_grad()
    def greedy(self, clips: Tensor) -> list[str]:
        """One sentence for each clip (B, 3, T, H, W): always the likeliest next word."""
        tokens = self.visual(clips)
        words = torch.full((clips.shape[0], 1), START, device=clips.device)
        while words.shape[1] < self.max_words and not (words == END).any(dim=1).all():
            words = torch.cat((words, self._next(tokens, words).argmax(dim=1, keepdim=True)), dim=1)
        return [self.vocabulary.decode(row.tolist()) for row in words]

    @torch.no_grad()
    def beam_search(
        self, clip: Tensor, *, width: int = 4, length_power: float = 0.7
    ) -> list[tuple[str, float]]:
        """The best sentences for one clip, and how likely each of their words is on average.

        Args:
            clip: (3, T, H, W).
            width: how many sentences are kept at each word.
            length_power: scores are divided by length to this power: 0 prefers short sentences.

        Returns:
            At most `width` (sentence, probability of a word, geometric mean), the best first.

        Raises:
            OptionError: a width below 1.

        Source: Wu et al., Google's Neural Machine Translation System, arXiv:1609.08144, section 7, without its
        constant.
        """
        if width < 1:
            raise OptionError(f"width is {width}; it must be 1 or more")
        tokens = self.visual(clip[None])
        words = torch.full((1, 1), START, device=clip.device)
        totals = torch.zeros(1, device=clip.device)
        ended: list[tuple[float, float, list[int]]] = []
        for length in range(1, self.max_words):
            logs = self._next(tokens.expand(len(words), -1, -1), words)
            best, places = (totals[:, None] + logs).flatten().topk(min(width, logs.numel()))
            rows, added = places // logs.shape[1], places % logs.shape[1]
            words, totals = torch.cat((words[rows], added[:, None]), dim=1), best
            is_last = (added == END) | (length == self.max_words - 1)
            for row in is_last.nonzero()[:, 0].tolist():
                total = float(totals[row])
                ended.append((total / length**length_power, total / length, words[row].tolist()))
            words, totals = words[~is_last], totals[~is_last]
            # Nothing that goes on can win once the best that ended beats it even at the greatest length.
            worst_end = sorted((score for score, _, _ in ended), reverse=True)[:width]
            if len(words) == 0 or (
                len(worst_end) == width and float(totals.max()) / self.max_words**length_power < worst_end[-1]
            ):
                break
        ended.sort(key=lambda found: -found[0])
        return [
            (self.vocabulary.decode(found), float(torch.tensor(mean).exp()))
            for _, mean, found in ended[:width]
        ]

    def _next(self, tokens: Tensor, words: Tensor) -> Tensor:
        """(B, V) log-probabilities of the next word; after the end comes nothing, and nobody says "unknown"."""
        logits = self.read_on(tokens, words)[:, -1].float()
        logits[:, [START, PAD, UNKNOWN]] = -torch.inf
        done = (words == END).any(dim=1)
        logits[done] = -torch.inf
        logits[done, END] = 0.0
        return functional.log_softmax(logits, dim=1)


@register(
    inputs=((3, 16, 48, 48), (24,)),
    word_inputs=(1,),
    task="captions",
    paper="Language Models are Unsupervised Multitask Learners",
)
def video_captioner(
    *,
    words: tuple[str, ...] = ("a", "thing", "moves"),
    dim: int = 128,
    num_layers: int = 2,
    num_visual_layers: int = 1,
    num_heads: int = 4,
    max_words: int = 24,
) -> VideoCaptioner:
    """A video encoder and a GPT-style decoder that writes a sentence about a clip.

    Args:
        words: the vocabulary.
        dim: D.
        num_layers: of the decoder.
        num_visual_layers: of attention among the visual tokens.
        num_heads: of each attention.
        max_words: the longest sentence.

    >>> video_captioner().vocabulary.words
    ('a', 'thing', 'moves')
    """
    return VideoCaptioner(
        tuple(words),
        dim=dim,
        num_layers=num_layers,
        num_visual_layers=num_visual_layers,
        num_heads=num_heads,
        max_words=max_words,
    )
