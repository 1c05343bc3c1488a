"""The paths of a given text: sums, the best one, all of them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError
from muybridge.text import alignment


@given(
    seed=st.integers(0, 2**32 - 1),
    num_steps=st.integers(1, 20),
    length=st.integers(0, 12),
    num_columns=st.integers(2, 6),
)
@settings(max_examples=150, deadline=None)
def test_log_probability_is_the_ctc_loss_of_torch(
    seed: int, num_steps: int, length: int, num_columns: int
) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(num_steps, num_columns)) * 2
    blank = int(rng.integers(num_columns))
    columns = [column for column in range(num_columns) if column != blank]
    target = rng.choice(columns, size=length)
    alphabet = "abcdef"[: num_columns - 1]
    text = "".join(alphabet[columns.index(column)] for column in target)
    loss = torch.nn.functional.ctc_loss(
        torch.log_softmax(torch.from_numpy(logits), dim=1)[:, None],
        torch.from_numpy(target)[None],
        [num_steps],
        [length],
        blank=blank,
        reduction="sum",
    )
    value = alignment.log_probability(logits, text, alphabet, blank=blank)
    assert value == pytest.approx(-loss.item())


def test_log_probability_is_the_sum_over_all_paths() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        logits = rng.normal(size=(int(rng.integers(1, 6)), 3)) * 2
        truth = alignment.exhaustive_search(logits, "ab", blank=1)
        values = alignment.log_probabilities(logits, list(truth), "ab", blank=1)
        assert values == pytest.approx(list(truth.values()))
        assert np.exp(values).sum() == pytest.approx(1)


AMBIGUOUS = [["e", "\u0301", "e\u0301"], ["a", "ab", "b", "a"], ["a", "bc", "abc", "ab", "c"]]


@pytest.mark.parametrize("alphabet", AMBIGUOUS)
def test_every_way_to_spell_a_text_counts(alphabet: list[str]) -> None:
    rng = np.random.default_rng(3)
    for num_steps in (1, 2, 3, 4):
        logits = rng.normal(size=(num_steps, len(alphabet) + 1)) * 2
        truth = alignment.exhaustive_search(logits, alphabet, blank=-1)
        values = alignment.log_probabilities(logits, list(truth), alphabet, blank=-1)
        assert values == pytest.approx(list(truth.values()))
        assert np.exp(values).sum() == pytest.approx(1)


def test_a_text_that_its_longest_symbols_cannot_write() -> None:
    # "abc" and then nothing that writes d; but "ab" and "cd" do.
    alphabet = ["abc", "ab", "cd"]
    steps = [[0.1, 0.1, 0.7, 0.1], [0.2, 0.1, 0.1, 0.6]]
    value = alignment.log_probability(steps, "abcd", alphabet, kind="probabilities")
    assert np.exp(value) == pytest.approx(0.7 * 0.6)
    spans = alignment.align(steps, "abcd", alphabet, kind="probabilities")
    assert [(span.character, span.start, span.stop) for span in spans] == [("ab", 0, 1), ("cd", 1, 2)]


def test_a_text_of_several_spellings_that_needs_more_steps() -> None:
    assert alignment.log_probability(np.zeros((1, 4)), "abab", ["a", "b", "ab"]) == -np.inf
    with pytest.raises(OptionError, match="'abab' cannot be written in 1 time steps"):
        alignment.align(np.zeros((1, 4)), "abab", ["a", "b", "ab"])


def test_alignment_takes_the_likelier_spelling() -> None:
    for whole, parts in ((0.7, [("e\u0301", 0, 1)]), (0.1, [("e", 0, 1), ("\u0301", 1, 2)])):
        steps = [[0.1, 0.8 - whole, 0.1, whole], [0.5, 0.1, 0.3, 0.1]]
        spans = alignment.align(steps, "e\u0301", ["e", "\u0301", "e\u0301"], kind="probabilities")
        assert [(span.character, span.start, span.stop) for span in spans] == parts


def test_texts_of_different_lengths_in_one_pass() -> None:
    logits = np.random.default_rng(1).normal(size=(8, 4))
    texts = ["", "a", "abc", "aabbccaa", "aaaaa"]
    one_by_one = [alignment.log_probability(logits, text, "abc") for text in texts]
    assert alignment.log_probabilities(logits, texts, "abc") == pytest.approx(one_by_one)
    assert one_by_one[-1] == -np.inf  # five equal letters need nine steps
    assert alignment.log_probabilities(logits, [], "abc") == []


def test_no_time_step_writes_nothing_but_the_empty_text() -> None:
    assert alignment.log_probability(np.zeros((0, 3)), "", "ab") == 0.0
    assert alignment.log_probability(np.zeros((0, 3)), "a", "ab") == -np.inf
    assert alignment.align(np.zeros((0, 3)), "", "ab") == ()
    assert alignment.exhaustive_search(np.zeros((0, 3)), "ab") == {"": 0.0}


def test_alignment_is_the_best_of_all_paths_of_the_text() -> None:
    import itertools

    rng = np.random.default_rng(2)
    for _ in range(60):
        steps = rng.dirichlet(np.ones(3), size=5)
        for text in ("", "a", "ab", "aa", "aba"):
            best, spans = -1.0, ()
            for path in itertools.product(range(3), repeat=5):
                runs = [(column, len(list(run))) for column, run in itertools.groupby(path)]
                if "".join("-ab"[column] for column, _ in runs if column) != text:
                    continue
                value = float(np.prod(steps[range(5), path]))
                if value > best:
                    ends = np.cumsum([length for _, length in runs])
                    best = value
                    spans = tuple(
                        ("-ab"[column], int(end) - length, int(end))
                        for (column, length), end in zip(runs, ends, strict=True)
                        if column
                    )
            found = alignment.align(steps, text, "ab", kind="probabilities")
            assert tuple((s.character, s.start, s.stop) for s in found) == spans


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: alignment.align(x, "aaa", "ab"), "cannot be written in 3 time steps"),
        (
            lambda x: alignment.log_probability(x, "ax", "ab"),
            "'x' at position 1 of 'ax' is not in the alphabet",
        ),
        (lambda x: alignment.exhaustive_search(np.zeros((30, 3)), "ab"), "use beam_search"),
    ],
)
def test_bad_input(call, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        call(np.zeros((3, 3)))
