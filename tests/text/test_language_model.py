"""Character n-gram models."""

import math
import random
from pathlib import Path

import pytest

from muybridge.errors import MuybridgeError, OptionError
from muybridge.text.language_model import CharacterLanguageModel

ARPA = """
\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.5\ta\t-0.25
-0.7\tb\t-0.1
-0.9\t<space>

\\2-grams:
-0.2\t<s> a
-0.3\ta b
-0.4\tb <space>

\\end\\
"""


def test_relative_frequencies_by_hand() -> None:
    # " abab ": pairs " a" ab ba ab "b ".
    model = CharacterLanguageModel.train("abab", order=2, smoothing="none")
    assert model.next_log_probability(("a",), "b") == pytest.approx(0.0)
    assert model.next_log_probability(("b",), "a") == pytest.approx(math.log(1 / 2))
    assert model.next_log_probability(("b",), "b") == -math.inf
    assert model.log_probability("ab") == pytest.approx(0.0)


def test_witten_bell_by_hand() -> None:
    # " abab " has 6 characters of 3 kinds; equal chances give 1/4 to each and to one unknown.
    model = CharacterLanguageModel.train("abab", order=2)
    unigram_a = (2 + 3 / 4) / 9
    assert model.next_log_probability((), "a") == pytest.approx(math.log(unigram_a))
    assert model.next_log_probability((), "x") == pytest.approx(math.log(3 / 9 / 4))
    # After b: a once, space once; 2 kinds among 2.
    assert model.next_log_probability(("b",), "a") == pytest.approx(math.log((1 + 2 * unigram_a) / 4))
    unigram_b = (2 + 3 / 4) / 9
    assert model.next_log_probability(("b",), "b") == pytest.approx(math.log(2 / 4 * unigram_b))


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_chances_after_any_history_sum_to_one(smoothing: str, order: int) -> None:
    text = "the quick brown fox jumps over the lazy dog and the fox of the fog"
    model = CharacterLanguageModel.train(text, order=order, smoothing=smoothing)
    characters = sorted(set(text))
    for history in ((), ("t",), ("t", "h"), ("x", "q"), tuple("over"), ("~",)):
        row = [model.next_log_probability(history, character) for character in [*characters, "~"]]
        assert sum(map(math.exp, row)) == pytest.approx(1)


def test_longer_histories_foretell_more() -> None:
    text = "the quick brown fox jumps over the lazy dog " * 3
    perplexities = [CharacterLanguageModel.train(text, order=n).perplexity("the lazy fox") for n in (1, 2, 3)]
    assert perplexities == sorted(perplexities, reverse=True)


def test_arpa_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(ARPA)
    model = CharacterLanguageModel.from_arpa(path)
    assert model.order == 2
    ten = math.log(10)
    # <s> a is listed; then a b; then b and the space.
    assert model.log_probability("ab ") == pytest.approx((-0.2 - 0.3 - 0.4) * ten)
    assert model.next_log_probability(("a",), "a") == pytest.approx((-0.25 - 0.5) * ten)
    assert model.next_log_probability(("b",), "x") == pytest.approx((-0.1 - 1.0) * ten)


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
def test_arpa_round_trip(tmp_path: Path, smoothing: str) -> None:
    model = CharacterLanguageModel.train("so say we all, so say we", order=4, smoothing=smoothing)
    model.save_arpa(tmp_path / "model.arpa")
    again = CharacterLanguageModel.from_arpa(tmp_path / "model.arpa")
    for text in ("so say we", "we say so", "xylophone", "all, all"):
        assert again.log_probability(text) == pytest.approx(model.log_probability(text), abs=1e-4)


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney", "none"])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_arpa_round_trip_of_any_text(tmp_path: Path, smoothing: str, order: int) -> None:
    rng = random.Random(0)
    trained = ["a|b|c a|b", "\u2581ab", "x", "dac", *("".join(rng.choices("abcd ", k=9)) for _ in range(12))]
    for text in trained:
        model = CharacterLanguageModel.train(text, order=order, smoothing=smoothing)
        model.save_arpa(tmp_path / "model.arpa")
        again = CharacterLanguageModel.from_arpa(tmp_path / "model.arpa")
        for _ in range(40):
            written = "".join(rng.choices("abcdxz |\u2581", k=5))
            expected = pytest.approx(model.log_probability(written), abs=1e-4)
            assert again.log_probability(written) == expected, (text, written)


def test_a_history_is_kept_while_it_may_grow() -> None:
    # " x " has one trigram; " " alone is no history of Kneser-Ney, " x" is.
    model = CharacterLanguageModel.train("x", order=3, smoothing="kneser-ney")
    unigram = 0.25 / 2 + 0.75 * 2 / 2 / 3  # of "x" and of " ": each was seen after one other character
    assert model.log_probability("x ") == pytest.approx(
        math.log(unigram) + math.log(0.25 + 0.75 * (0.25 + 0.75 * unigram))
    )


@pytest.mark.parametrize(
    ("listed", "space"),
    [
        (("<space>", "\u2581", "|"), "<space>"),
        (("\u2581", "|"), "\u2581"),
        (("|",), "|"),
        ((), None),
    ],
)
def test_which_token_of_an_arpa_file_is_the_space(
    tmp_path: Path, listed: tuple[str, ...], space: str | None
) -> None:
    lines = [f"-{number}\t{token}" for number, token in enumerate(("a", *listed), 1)]
    path = tmp_path / "model.arpa"
    path.write_text("\\data\\\n\\1-grams:\n" + "\n".join(lines) + "\n\\end\\\n", encoding="utf-8")
    model = CharacterLanguageModel.from_arpa(path)
    for number, token in enumerate(listed, 2):
        character = " " if token == space else token
        assert model.next_log_probability((), character) == pytest.approx(-number * math.log(10))
    assert (model.log_probability(" ") > -math.inf) == (space is not None)


def test_an_arpa_file_may_list_a_letter_with_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(ARPA.replace("\tb", "\te\u0301").replace(" b", " e\u0301").replace("b <", "e\u0301 <"))
    model = CharacterLanguageModel.from_arpa(path)
    ten = math.log(10)
    assert model.log_probability("ae\u0301 ") == pytest.approx((-0.2 - 0.3 - 0.4) * ten)
    assert model.next_log_probabilities(("a",), ["e\u0301", "e"]) == pytest.approx([-0.3 * ten, -1.25 * ten])
    assert model.after(model.start, "ae\u0301") == ("e\u0301",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no model at all", "begins with"),
        (ARPA.replace("\\end\\", ""), "cut off"),
        (ARPA.replace("-0.2", "two"), "two"),
        (ARPA.replace("<s> a", "a"), "an entry of 2 tokens"),
        (ARPA.replace("2-grams", "x-grams"), "names no length"),
    ],
)
def test_damaged_arpa_files(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(content)
    with pytest.raises(MuybridgeError, match=message):
        CharacterLanguageModel.from_arpa(path)


def test_a_missing_arpa_file(tmp_path: Path) -> None:
    with pytest.raises(MuybridgeError, match="cannot be read"):
        CharacterLanguageModel.from_arpa(tmp_path / "none.arpa")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "empty text"),
        (" \n", {}, "empty text"),
        ("a", {"order": 0}, "order is 0; it must be a whole number"),
        ("a", {"order": 2.5}, "order is 2.5"),
        ("a", {"smoothing": "x"}, "x"),
    ],
)
def test_bad_input(text: str, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        CharacterLanguageModel.train(text, **options)
    with pytest.raises(OptionError, match="empty text"):
        CharacterLanguageModel.train("a").perplexity("")
