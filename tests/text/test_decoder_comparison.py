"""Decoders side by side over noise."""

import json

import numpy as np
import pytest

from muybridge.errors import OptionError, ShapeError
from muybridge.text import ctc
from muybridge.text.decoder_comparison import compare_decoders, spelled_logits

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def greedy(lines: list[np.ndarray]) -> list[str]:
    return [path.text for path in ctc.best_paths(lines, LETTERS, kind="logits")]


def beam(lines: list[np.ndarray]) -> list[str]:
    return [best[0].text for best in ctc.beam_search_batch(lines, LETTERS, spans=False, kind="logits")]


def test_spelled_logits_spell_the_text() -> None:
    logits = spelled_logits("HELLO", LETTERS, steps_per_character=2)
    assert logits.shape == (16, 27)
    assert ctc.greedy_decode(logits, LETTERS) == "HELLO"
    last = spelled_logits("HELLO", LETTERS, blank=-1)
    assert ctc.greedy_decode(last, LETTERS, blank=-1) == "HELLO"


def test_noise_hurts_and_the_same_noise_goes_to_all() -> None:
    logits = spelled_logits("HELLO", LETTERS, steps_per_character=1)
    decoders = {"greedy": greedy, "again": greedy, "beam": beam}
    comparison = compare_decoders(logits, "HELLO", decoders, sigmas=[0, 1, 2], num_seeds=40)
    for name in decoders:
        clean, some, much = comparison.of(name)
        assert clean.cer.value == 0.0
        assert clean.exact.value == 1.0
        assert clean.exact.low < 1.0  # forty lines do not prove perfection
        assert clean.cer.value <= some.cer.value < much.cer.value
        assert much.cer.low < much.cer.value < much.cer.high
    assert [(s.cer, s.exact) for s in comparison.of("greedy")] == [
        (s.cer, s.exact) for s in comparison.of("again")
    ]
    assert len(str(comparison).splitlines()) == 2 + 3
    assert json.loads(json.dumps(comparison.to_dict()))["num_seeds"] == 40


def test_bad_input() -> None:
    with pytest.raises(OptionError, match="needs a decoder"):
        compare_decoders(np.zeros((3, 27)), "A", {})
    with pytest.raises(OptionError, match="sigmas of 0 or more"):
        compare_decoders(np.zeros((3, 27)), "A", {"greedy": greedy}, sigmas=[-1])
    with pytest.raises(ShapeError):
        compare_decoders(np.zeros(27), "A", {"greedy": greedy})
    with pytest.raises(OptionError, match="not in the alphabet"):
        spelled_logits("hello", LETTERS)
