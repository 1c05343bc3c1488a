"""Several looks at one line."""

import numpy as np
import pytest

from muybridge.errors import OptionError, ShapeError
from muybridge.text import ctc


def test_looks_that_are_added_rescue_a_blurred_one() -> None:
    rng = np.random.default_rng(2)
    truth = np.eye(4)[[0, 1, 0, 2, 3, 0, 1]] * 4
    looks = [truth + rng.normal(size=truth.shape) * 2.5 for _ in range(6)]
    assert any(ctc.greedy_decode(look, "abc") != "abca" for look in looks)
    assert ctc.greedy_decode(ctc.add_evidence(looks), "abc") == "abca"
    # One look that excludes the truth has no veto, and may be left out by its weight.
    wrong = np.log(np.eye(4)[[0, 2, 0, 2, 3, 0, 1]] + 1e-300)
    assert ctc.greedy_decode(ctc.add_evidence([*looks, wrong]), "abc") == "abca"
    alone = ctc.add_evidence([looks[0], wrong], weights=[1, 0], floor=0.0)
    assert alone == pytest.approx(ctc.add_evidence([looks[0]], floor=0.0))


def test_looks_of_different_lengths_read_together() -> None:
    rng = np.random.default_rng(4)
    paths = ([1, 0, 2, 3], [0, 1, 1, 0, 2, 2, 3], [1, 2, 0, 0, 3, 3, 0, 0])
    looks = [np.eye(4)[path] * 2 + rng.normal(size=(len(path), 4)) for path in paths]
    together = ctc.read_together(looks, "abc")
    assert together[0].text == "abc"
    for reading in together:
        total = sum(ctc.log_probability(look, reading.text, "abc") for look in looks)
        assert reading.log_probability == pytest.approx(total)


@pytest.mark.parametrize("alphabet", [["e", "\u0301", "e\u0301"], ["a", "bc", "abc", "ab", "cd"]])
def test_looks_at_text_that_can_be_spelled_in_several_ways(alphabet: list[str]) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        looks = [rng.normal(size=(steps, len(alphabet) + 1)) * 2 for steps in (2, 3)]
        truths = [ctc.exhaustive_search(look, alphabet) for look in looks]
        totals = {text: truths[0][text] + truths[1][text] for text in truths[0] if text in truths[1]}
        together = ctc.read_together(looks, alphabet, width=300, nbest=300)
        found = {reading.text: reading.log_probability for reading in together}
        assert len(found) == len(together)
        assert {text: found[text] for text in totals} == pytest.approx(totals)
        assert together[0].text == max(totals, key=totals.__getitem__)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: ctc.add_evidence([]), ShapeError, "looks of the shapes"),
        (lambda x: ctc.add_evidence([x, x[:1]]), ShapeError, "read_together"),
        (lambda x: ctc.add_evidence([x], weights=[0]), OptionError, "not all 0"),
        (lambda x: ctc.add_evidence([x], floor=1), OptionError, "floor=1"),
        (lambda x: ctc.read_together([], "ab"), ShapeError, "looks with"),
        (lambda x: ctc.read_together([x], "ab", nbest=0), OptionError, "nbest=0"),
    ],
)
def test_bad_input(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(np.log([[0.2, 0.5, 0.3]] * 2))
