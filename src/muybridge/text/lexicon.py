"""Words in a beam search: the only ones that may be written (lexicon), or likelier ones (hot words)."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError

__all__ = ["HotWords", "Lexicon"]


@dataclass(slots=True)
class _Node:
    """A place in the tree of words; its number is its place in the list of nodes."""

    children: dict[str, int] = field(default_factory=dict)
    is_word: bool = False
    depth: int = 0
    word_depth: int = 0  # of the longest word that is a prefix of this place
    fallback: int = 0  # the longest other place whose characters end this one
    num_completed: int = 0  # characters of all words that end here


def _tree(words: Iterable[str], what: str) -> list[_Node]:
    nodes = [_Node()]
    for word in words:
        at = 0
        for character in word:
            if character not in nodes[at].children:
                nodes[at].children[character] = len(nodes)
                nodes.append(_Node(depth=nodes[at].depth + 1))
            at = nodes[at].children[character]
        nodes[at].is_word = at > 0
    if len(nodes) == 1:
        raise OptionError(f"{what} hold no word")
    return nodes


def _separates(character: str) -> bool:
    return not character.isalnum() and not unicodedata.category(character).startswith("M")


class Lexicon:
    """The words that may be written.

    Characters that are no letters, digits or marks, and occur in no word, may be written between the words.

    Args:
        words: the words, each of one character or more.
        ignore_case: whether upper and lower case are the same (Unicode's full case folding: ß is ss as well).

    Raises:
        OptionError: there is no word.

    >>> Lexicon(["cat", "cats", "dog"]).allows("cat, dog"), Lexicon(["cat"]).allows("ca")
    (True, False)
    """

    def __init__(self, words: Iterable[str], *, ignore_case: bool = False) -> None:
        if isinstance(words, str):
            raise OptionError("a lexicon takes a list of words; split the string first")
        self._ignore_case = ignore_case
        listed = [self._folded(word) for word in words]
        self._nodes = _tree(listed, "the lexicon's words")
        self._characters = set().union(*listed)

    def _folded(self, text: str) -> str:
        # Other than `lower`, it asks no neighbors: a beam has not written them yet.
        return text.casefold() if self._ignore_case else text

    def step(self, node: int, symbol: str) -> int | None:
        """Where a symbol leads from a place in the tree, or None where it must not be written."""
        for character in self._folded(symbol):
            if character in self._characters:
                child = self._nodes[node].children.get(character)
                if child is None:
                    return None
                node = child
            elif _separates(character) and self.is_complete(node):
                node = 0
            else:
                return None
        return node

    def is_complete(self, node: int) -> bool:
        """Whether a text may end at a place in the tree."""
        return node == 0 or self._nodes[node].is_word

    def allows(self, text: str) -> bool:
        """Whether a text holds nothing but the lexicon's words and separators."""
        node = self.step(0, text)
        return node is not None and self.is_complete(node)


class LexiconScorer:
    """A lexicon's say in a beam search: 0 for what may be written, −inf for what may not."""

    def __init__(self, lexicon: Lexicon, symbols: Sequence[str]) -> None:
        self._lexicon, self._symbols = lexicon, symbols

    def start(self) -> int:
        """The root of the tree of words."""
        return 0

    def scores(self, state: int) -> NDArray[np.float64]:
        """(K,) 0 or −inf."""
        steps = [self._lexicon.step(state, symbol) for symbol in self._symbols]
        return np.array([-np.inf if step is None else 0.0 for step in steps])

    def after(self, state: int, column: int) -> int:
        """The place in the tree that the column leads to."""
        return self._lexicon.step(state, self._symbols[column]) or 0

    def at_end(self, state: int) -> float:
        """−inf within a word."""
        return 0.0 if self._lexicon.is_complete(state) else -np.inf


class HotWords:
    """Words that are likelier than the network thinks: names of the people in a film, parts of a machine.

    Every character of a hot word adds to the score while the word grows; where the word breaks off, what it
    had gained is taken back. Hot words are found anywhere, so they serve scripts without spaces as well;
    where two of them overlap, or one holds the other, both count. So a text gains the bonus times the
    lengths of all occurrences of all hot words, a word listed twice being one. Source of the search: A. Aho,
    M. Corasick, CACM 1975.

    Args:
        words: the hot words.
        bonus: what each of their characters adds, in nats; about 1 to 3 is usual.

    Raises:
        OptionError: there is no word, or the bonus is not above 0.

    >>> hot = HotWords(["New York Times", "York"], bonus=1.0)
    >>> [hot.gain(text) for text in ("New", "New York", "New York Times")]
    [0.0, 4.0, 18.0]
    """

    def __init__(self, words: Iterable[str], *, bonus: float = 1.5) -> None:
        if isinstance(words, str):
            raise OptionError("hot words are a list; split the string first")
        if not bonus > 0:
            raise OptionError(f"bonus={bonus} must be above 0")
        self.bonus = bonus
        self._nodes = _tree(words, "the hot words")
        queue = deque([0])  # shorter places first: a fallback is complete before what falls back to it
        while queue:
            node = self._nodes[queue.popleft()]
            for character, place in node.children.items():
                child = self._nodes[place]
                child.fallback = self._go(node.fallback, character) if node.depth else 0
                child.word_depth = child.depth if child.is_word else node.word_depth
                shorter = self._nodes[child.fallback].num_completed
                child.num_completed = shorter + (child.depth if child.is_word else 0)
                queue.append(place)

    def _go(self, place: int, character: str) -> int:
        while place and character not in self._nodes[place].children:
            place = self._nodes[place].fallback
        return self._nodes[place].children.get(character, 0)

    def _advance(self, place: int) -> int:
        """The characters that are given in advance for the longest word begun, less the word it begins with.

        They only guide the search: what is given at one place is taken back at the next.
        """
        node = self._nodes[place]
        return node.depth - node.word_depth

    def step(self, place: int, symbol: str) -> tuple[int, float]:
        """Where a symbol leads from a place in the tree, and what it adds."""
        num_characters = -self._advance(place)
        for character in symbol:
            place = self._go(place, character)
            num_characters += self._nodes[place].num_completed
        return place, self.bonus * (num_characters + self._advance(place))

    def at_end(self, place: int) -> float:
        """Take back what an incomplete word was given."""
        return -self.bonus * self._advance(place)

    def gain(self, text: str) -> float:
        """What a whole text gains, in nats."""
        place, gained = self.step(0, text)
        return gained + self.at_end(place)


class HotWordsScorer:
    """The hot words' say in a beam search."""

    def __init__(self, words: HotWords, symbols: Sequence[str]) -> None:
        self._words, self._symbols = words, symbols

    def start(self) -> int:
        """The root of the tree of words."""
        return 0

    def scores(self, state: int) -> NDArray[np.float64]:
        """(K,) what each next column adds."""
        return np.array([self._words.step(state, symbol)[1] for symbol in self._symbols])

    def after(self, state: int, column: int) -> int:
        """The place in the tree that the column leads to."""
        return self._words.step(state, self._symbols[column])[0]

    def at_end(self, state: int) -> float:
        """What is taken back."""
        return self._words.at_end(state)
