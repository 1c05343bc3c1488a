"""Words and their numbers, for the networks that read or write sentences.

    "the red circle moves left" ──encode──► [1, 7, 4, 5, 9, 8, 2] ──decode──► "the red circle moves left"

The first four numbers are kept: 0 fills up short sentences, 1 starts one, 2 ends one, 3 is any unknown word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from muybridge.errors import OptionError

__all__ = ["END", "PAD", "START", "UNKNOWN", "Vocabulary", "check_length"]

PAD, START, END, UNKNOWN = 0, 1, 2, 3
_SPECIAL = ("<pad>", "<start>", "<end>", "<unknown>")
_WORD = re.compile(r"[\w'-]+|[,.?!]")


class Vocabulary:
    """A list of known words.

    Args:
        words: without the four special ones.

    Raises:
        OptionError: a word that comes twice.

    >>> vocabulary = Vocabulary.of(["the red circle moves left", "the blue star turns left, then the red one"])
    >>> vocabulary.encode("the red star?").tolist()
    [1, 12, 10, 11, 3, 2]
    >>> vocabulary.decode([1, 12, 10, 11, 4, 2, 0, 0])
    'the red star,'
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate((*_SPECIAL, *words))}
        if len(self._numbers) != len(words) + len(_SPECIAL):
            raise OptionError(
                "a vocabulary holds each word once, and none of <pad>, <start>, <end>, <unknown>"
            )

    @classmethod
    def of(cls, sentences: Iterable[str]) -> Vocabulary:
        """All words of some sentences, in order of the alphabet."""
        return cls(sorted({word for sentence in sentences for word in split_words(sentence)}))

    def __len__(self) -> int:
        return len(self._numbers)

    def encode(self, sentence: str) -> Tensor:
        """(L,) int64: the start, the words, the end."""
        numbers = [self._numbers.get(word, UNKNOWN) for word in split_words(sentence)]
        return torch.tensor([START, *numbers, END])

    def encode_many(self, sentences: Sequence[str]) -> Tensor:
        """(B, L) int64, filled up with `PAD` to the longest."""
        rows = [self.encode(sentence) for sentence in sentences]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)

    def decode(self, numbers: Iterable[int]) -> str:
        """The sentence up to its end; commas and full stops without a space before them."""
        words = []
        for number in numbers:
            if number == END:
                break
            if number not in (PAD, START):
                words.append((*_SPECIAL, *self.words)[number])
        return re.sub(r" ([,.?!])", r"\1", " ".join(words))


def split_words(sentence: str) -> list[str]:
    """Lower-case words and punctuation marks.

    >>> split_words("What color, please?")
    ['what', 'color', ',', 'please', '?']
    """
    return _WORD.findall(sentence.lower())


def check_length(sentences: Tensor, num_positions: int, *, what: str) -> None:
    """Refuse sentences that are longer than what a network learned to read.

    Args:
        sentences: (B, L) int64, each with its start and its end.
        num_positions: the most of both and of words.
        what: they are called.

    Raises:
        OptionError: they are longer.

    >>> check_length(torch.ones(1, 8), 7, what="query")
    Traceback (most recent call last):
    ...
    muybridge.errors.OptionError: a query of 6 words and marks; at most 5 are read
    """
    if sentences.shape[1] > num_positions:
        raise OptionError(
            f"a {what} of {sentences.shape[1] - 2} words and marks; at most {num_positions - 2} are read"
        )
