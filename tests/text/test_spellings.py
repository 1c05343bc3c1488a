"""Symbols of several code points in a beam search: a text may have several labelings."""

import numpy as np
import pytest

from muybridge.text import ctc

# A letter, its mark, and both; one letter in two columns; symbols that begin others.
ALPHABETS = [["e", "\u0301", "e\u0301"], ["a", "b", "a"], ["a", "bc", "abc", "ab", "c"]]
MODEL = ctc.CharacterLanguageModel.train("cafe\u0301 de\u0301ja\u0300 abc cab", order=3)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_a_wide_beam_finds_each_text_once_with_all_its_labelings(alphabet: list[str], weight: float) -> None:
    rng = np.random.default_rng(7)
    for num_steps in (1, 2, 3):
        logits = rng.normal(size=(num_steps, len(alphabet) + 1)) * 2
        truth = ctc.exhaustive_search(logits, alphabet)
        options = {"language_model": MODEL, "language_model_weight": weight} if weight else {}
        found = ctc.beam_search(logits, alphabet, width=400, nbest=400, **options)
        assert len({best.text for best in found}) == len(found)
        assert {best.text: best.log_probability for best in found} == pytest.approx(truth)
        scores = {text: value + weight * MODEL.log_probability(text) for text, value in truth.items()}
        assert {best.text: best.score for best in found} == pytest.approx(scores)
        assert [best.score for best in found] == pytest.approx(sorted(scores.values(), reverse=True))
        (only,) = ctc.beam_search(logits, alphabet, width=400, **options)
        assert only.text == max(scores, key=scores.__getitem__)


def test_a_language_model_knows_a_letter_with_its_mark() -> None:
    # The network is sure of c, a, f, and cannot tell \u00e9 from e; the model has read only the first.
    alphabet = ["c", "a", "f", "e\u0301", "e"]
    steps = np.eye(6)[[1, 2, 3, 4]]
    steps[3] = [0, 0, 0, 0, 0.5, 0.5]
    model = ctc.CharacterLanguageModel.train("cafe\u0301 cafe\u0301", order=3, smoothing="none")
    best = ctc.beam_search(steps, alphabet, language_model=model, kind="probabilities")[0]
    assert best.text == "cafe\u0301"
    assert best.score == pytest.approx(np.log(0.5) + 0.3 * model.log_probability("cafe\u0301"))
    assert model.knows_any(["e\u0301"])
    assert not model.knows_any(["x\u0302", ""])
