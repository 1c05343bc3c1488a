"""Reading a line from a CTC network's output."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError, ShapeError
from muybridge.text import ctc

CHARACTERS = " !\"#&'()*+,-./0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def line(shared: Path) -> np.ndarray:
    """Scores before softmax of a handwriting network, (100, 80), blank last."""
    rows = (shared / "ctc" / "line" / "rnnOutput.csv").read_text().splitlines()
    return np.array([[float(cell) for cell in row.split(";")[:-1]] for row in rows])


def test_best_path_of_the_known_line(line: np.ndarray) -> None:
    assert ctc.greedy_decode(line, CHARACTERS, blank=-1) == "the fak friend of the fomly hae tC"


def test_repeats_merge_and_blanks_separate() -> None:
    path = [1, 1, 0, 1, 2, 2, 0, 0, 2]
    assert ctc.greedy_decode(np.eye(3)[path], "ab", kind="probabilities") == "aabb"


def test_spans_and_confidences_of_the_best_path() -> None:
    steps = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.1, 0.9, 0.0], [0.0, 0.2, 0.8]])
    path = ctc.best_path(steps, "ab", kind="probabilities")
    assert path.text == "ab"
    assert [(s.character, s.start, s.stop) for s in path.characters] == [("a", 1, 3), ("b", 3, 4)]
    assert [s.confidence for s in path.characters] == pytest.approx([0.9, 0.8])
    assert path.confidence == pytest.approx(0.85)
    assert path.log_probability == pytest.approx(np.log(0.9 * 0.7 * 0.9 * 0.8))
    assert path.to_dict()["characters"][0]["stop"] == 3


@pytest.mark.parametrize("blank", [0, 1, 2, -1, -3])
def test_the_blank_may_be_any_column(blank: int) -> None:
    symbols = list("ab")
    symbols.insert(blank % 3, "-")
    path = [symbols.index(symbol) for symbol in "a-ab"]
    assert ctc.greedy_decode(np.eye(3)[path], "ab", blank=blank, kind="probabilities") == "aab"


def test_logits_log_probabilities_and_probabilities_read_alike() -> None:
    logits = np.random.default_rng(0).normal(size=(30, 6)) * 3
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    paths = [
        ctc.best_path(logits, "abcde"),
        ctc.best_path(logits, "abcde", kind="logits"),
        ctc.best_path(np.log(probabilities), "abcde", kind="log_probabilities"),
        ctc.best_path(probabilities, "abcde", kind="probabilities"),
        ctc.best_path(probabilities.astype(np.float32), "abcde", kind="probabilities"),
    ]
    assert len({path.text for path in paths}) == 1
    for path in paths:
        assert path.log_probability == pytest.approx(paths[0].log_probability, rel=1e-6)
        confidences = [span.confidence for span in path.characters]
        assert confidences == pytest.approx([span.confidence for span in paths[0].characters], rel=1e-6)


def test_a_batch_reads_as_its_lines_do() -> None:
    rng = np.random.default_rng(1)
    lines = [rng.normal(size=(length, 4)) for length in (0, 1, 5, 9)]
    assert ctc.best_paths(lines, "abc") == [ctc.best_path(line, "abc") for line in lines]
    assert ctc.best_paths(np.stack([lines[2]] * 2), "abc") == [ctc.best_path(lines[2], "abc")] * 2


def test_symbols_of_several_code_points_and_right_to_left_text() -> None:
    # A letter with its combining mark is one column; Hebrew comes in the order of the time steps.
    path = np.eye(3)[[1, 2, 2, 0, 1]]
    assert ctc.greedy_decode(path, ["e\u0301", "o"], kind="probabilities") == "e\u0301oe\u0301"
    assert ctc.greedy_decode(path, "של", kind="probabilities") == "שלש"


def test_an_alphabet_of_nothing_writes_nothing() -> None:
    assert ctc.greedy_decode(np.zeros((3, 1)), "") == ""
    for options in ({}, {"hot_words": ["~"]}):
        (only,) = ctc.beam_search(np.zeros((3, 1)), "", nbest=5, **options)
        assert (only.text, only.log_probability, only.characters) == ("", 0.0, ())


def test_no_time_step_is_an_empty_line() -> None:
    assert ctc.greedy_decode(np.zeros((0, 3)), "ab") == ""
    assert ctc.best_path(np.zeros((0, 3)), "ab").log_probability == 0.0


def test_beam_search_of_the_known_line(line: np.ndarray) -> None:
    best = ctc.beam_search(line, CHARACTERS, blank=-1, width=25)[0]
    assert best.text == "the fak friend of the fomcly hae tC"
    # The beam sums most of the text's paths, never more than there are, and more than the best path alone.
    exact = ctc.log_probability(line, best.text, CHARACTERS, blank=-1)
    assert exact - 0.5 < best.log_probability <= exact
    assert best.log_probability > ctc.best_path(line, CHARACTERS, blank=-1).log_probability


def test_bigrams_of_the_corpus_on_the_known_line(line: np.ndarray, shared: Path) -> None:
    corpus = (shared / "ctc" / "line" / "corpus.txt").read_text()
    bigrams = ctc.CharacterLanguageModel.train(corpus, order=2, smoothing="none")
    known = "the fake friend of the family, lie th"
    assert ctc.beam_search(line, CHARACTERS, blank=-1, language_model=bigrams)[0].text == known
    # As published: a weight of 0.01, and in the end the mean over the text.
    published = {"language_model_weight": 0.01, "mean_bonus": True}
    assert ctc.beam_search(line, CHARACTERS, blank=-1, language_model=bigrams, **published)[0].text == known


def test_smoothed_model_and_lexicon_on_the_known_line(line: np.ndarray, shared: Path) -> None:
    corpus = (shared / "ctc" / "line" / "corpus.txt").read_text()
    model = ctc.CharacterLanguageModel.train(corpus, order=5)
    smoothed = ctc.beam_search(line, CHARACTERS, blank=-1, language_model=model)[0]
    assert smoothed.text == "the fake friend of the family hae tC"
    words = {word.strip(",") for word in corpus.split()}
    within = ctc.beam_search(line, CHARACTERS, blank=-1, width=100, lexicon=ctc.Lexicon(words), nbest=5)
    assert within[0].text.startswith("the fake friend of the family")
    assert all(ctc.Lexicon(words).allows(best.text) for best in within)


def test_probability_of_the_true_text_of_the_known_line(line: np.ndarray) -> None:
    value = ctc.log_probability(line, "the fake friend of the family, like the", CHARACTERS, blank=-1)
    assert value == pytest.approx(-28.0907217749, abs=1e-9)
    assert np.exp(value) == pytest.approx(6.31472642886565e-13, rel=1e-9)


def test_two_steps_by_hand() -> None:
    # Blank 0.6, a 0.4, twice. Paths: "--" 0.36, "a-" 0.24, "-a" 0.24, "aa" 0.16.
    steps = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert ctc.greedy_decode(steps, "a") == ""
    first, second = ctc.beam_search(steps, "a", nbest=2)
    assert (first.text, second.text) == ("a", "")
    assert np.exp([first.log_probability, second.log_probability]) == pytest.approx([0.64, 0.36])
    assert ctc.exhaustive_search(steps, "a") == pytest.approx({"a": np.log(0.64), "": np.log(0.36)})


def lattices(seed: int, count: int) -> list[np.ndarray]:
    """Random log-probabilities, from flat to peaked, some with impossible entries."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        num_columns = int(rng.integers(2, 5))
        num_steps = int(rng.integers(1, 8 - num_columns))
        logits = rng.normal(size=(num_steps, num_columns)) * rng.choice([0.3, 1, 4])
        if rng.random() < 0.3:
            logits[rng.random(logits.shape) < 0.3] = -np.inf
            logits[:, rng.integers(num_columns)] = 0.0
        found.append(logits)
    return found


def test_a_wide_beam_equals_the_exhaustive_search_on_thousands_of_lattices() -> None:
    by_columns: dict[int, list[np.ndarray]] = {}
    for lattice in lattices(seed=5, count=3000):
        by_columns.setdefault(lattice.shape[1], []).append(lattice)
    for num_columns, group in by_columns.items():
        alphabet = "abc"[: num_columns - 1]
        # A width of all the labelings that there are: 3 letters in up to 5 steps make at most 364.
        width = sum((num_columns - 1) ** length for length in range(6))
        beams = ctc.beam_search_batch(group, alphabet, width=width, nbest=width, spans=False)
        for lattice, hypotheses in zip(group, beams, strict=True):
            truth = {
                text: value
                for text, value in ctc.exhaustive_search(lattice, alphabet).items()
                if value > -np.inf
            }
            found = {best.text: best.log_probability for best in hypotheses}
            assert len(found) == len(hypotheses)  # no labeling twice
            assert found == pytest.approx(truth, abs=1e-9)
            assert hypotheses[0].log_probability == pytest.approx(max(truth.values()))


def plain_beam(lattice: np.ndarray, width: int) -> dict[tuple[int, ...], float]:
    """Prefix beam search in its plainest form, blank 0: the same pruning, none of the shortcuts."""
    kept = {(): (0.0, -np.inf)}
    for row in lattice - np.logaddexp.reduce(lattice, axis=1, keepdims=True):
        grown: dict[tuple[int, ...], list[float]] = {}
        for labeling, (blank, last) in kept.items():
            total = np.logaddexp(blank, last)
            entry = grown.setdefault(labeling, [-np.inf, -np.inf])
            entry[0] = np.logaddexp(entry[0], total + row[0])
            if labeling:
                entry[1] = np.logaddexp(entry[1], last + row[labeling[-1]])
            for column in range(1, lattice.shape[1]):
                source = blank if labeling and labeling[-1] == column else total
                entry = grown.setdefault((*labeling, column), [-np.inf, -np.inf])
                entry[1] = np.logaddexp(entry[1], source + row[column])
        best = sorted(grown, key=lambda labeling: -np.logaddexp(*grown[labeling]))[:width]
        kept = {labeling: tuple(grown[labeling]) for labeling in best}
    totals = {labeling: float(np.logaddexp(*pair)) for labeling, pair in kept.items()}
    return {labeling: total for labeling, total in totals.items() if total > -np.inf}


@given(
    seed=st.integers(0, 2**32 - 1),
    num_steps=st.integers(1, 25),
    num_columns=st.integers(2, 12),
    width=st.integers(1, 12),
    spread=st.sampled_from([0.5, 2.0, 6.0]),
)
@settings(max_examples=120, deadline=None)
def test_the_shortcuts_of_the_beam_change_nothing(
    seed: int, num_steps: int, num_columns: int, width: int, spread: float
) -> None:
    lattice = np.random.default_rng(seed).normal(size=(num_steps, num_columns)) * spread
    plain = plain_beam(lattice, width)
    alphabet = "abcdefghijk"[: num_columns - 1]
    texts = {"".join(alphabet[column - 1] for column in labeling): value for labeling, value in plain.items()}
    for batch in ([lattice], [lattice] * 3):  # a single line takes a short way that a batch does not
        found = ctc.beam_search_batch(batch, alphabet, width=width, nbest=width, spans=False)
        assert {best.text: best.log_probability for best in found[-1]} == pytest.approx(texts)
    scored = ctc.beam_search(
        lattice, alphabet, width=width, nbest=width, hot_words=["~"], spans=False
    )  # a hot word that cannot occur: the other search, with nothing to say
    assert {best.text: best.log_probability for best in scored} == pytest.approx(texts)


def test_a_batch_of_different_lengths_reads_as_its_lines_do() -> None:
    rng = np.random.default_rng(3)
    lines = [rng.normal(size=(length, 9)) * 2 for length in (7, 0, 30, 1, 18, 30)]
    batch = ctc.beam_search_batch(lines, "abcdefgh", nbest=3)
    for line, found in zip(lines, batch, strict=True):
        alone = ctc.beam_search(line, "abcdefgh", nbest=3)
        assert [best.text for best in found] == [best.text for best in alone]
        assert [best.characters for best in found] == [best.characters for best in alone]
        values = [best.log_probability for best in found]
        assert values == pytest.approx([best.log_probability for best in alone])
        assert values == sorted(values, reverse=True)
    assert [best.text for best in batch[1]] == [""]
    assert ctc.beam_search_batch([], "abc") == []


def test_beam_search_agrees_with_fast_ctc_decode() -> None:
    peer = pytest.importorskip("fast_ctc_decode")
    rng = np.random.default_rng(8)
    alphabet = [chr(0x4E00 + column) for column in range(40)]
    for _ in range(30):
        lattice = rng.normal(size=(int(rng.integers(1, 40)), 41)) * rng.choice([1, 3, 6])
        probabilities = np.exp(lattice - lattice.max(axis=1, keepdims=True))
        probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
        theirs, _ = peer.beam_search(probabilities, ["_", *alphabet], beam_size=25, beam_cut_threshold=0.0)
        ours = ctc.beam_search(probabilities, alphabet, width=25, kind="probabilities")[0]
        assert ours.text == theirs


@pytest.mark.parametrize("num_columns", [3, 30, 300])
@pytest.mark.parametrize("blank", [0, 2, -1])
def test_certain_networks_leave_one_text(num_columns: int, blank: int) -> None:
    alphabet = [chr(0x4E00 + column) for column in range(num_columns - 1)]
    symbols = [*alphabet]
    symbols.insert(blank % num_columns, "")
    path = [blank % num_columns, 1, 1, blank % num_columns, 1, blank % num_columns]
    found = ctc.beam_search(np.eye(num_columns)[path], alphabet, blank=blank, nbest=25, kind="probabilities")
    assert [best.text for best in found] == [symbols[1] * 2]
    assert found[0].log_probability == pytest.approx(0.0)


def test_pruning_drops_what_is_far_behind() -> None:
    steps = np.log([[0.89, 0.1, 0.01], [0.89, 0.1, 0.01]])
    everything = {best.text for best in ctc.beam_search(steps, "ab", nbest=25)}
    assert everything == {"", "a", "b", "ab", "ba"}
    pruned = ctc.beam_search(steps, "ab", nbest=25, max_gap=3.0)
    assert [best.text for best in pruned] == ["", "a"]
    scored = ctc.beam_search(steps, "ab", nbest=25, max_gap=3.0, hot_words=["~"])
    assert [best.text for best in scored] == ["", "a"]


@pytest.mark.parametrize("length_bonus", [0.7, -1.5])
@pytest.mark.parametrize("options", [{}, {"hot_words": ["~"]}, {"lexicon": ["a", "b", "c"]}])
def test_the_length_bonus_needs_no_language_model(length_bonus: float, options: dict) -> None:
    for lattice in lattices(seed=11, count=40):
        alphabet = "abc"[: lattice.shape[1] - 1]
        scores = {
            text: value + length_bonus * len(text)
            for text, value in ctc.exhaustive_search(lattice, alphabet).items()
            if value > -np.inf and ("lexicon" not in options or len(text) <= 1)
        }
        found = ctc.beam_search(lattice, alphabet, width=400, nbest=400, length_bonus=length_bonus, **options)
        assert {best.text: best.score for best in found} == pytest.approx(scores)
        assert found[0].score == pytest.approx(max(scores.values()))


def test_the_length_bonus_by_hand() -> None:
    # Of the two steps above: "" has 0.36 and "a" 0.64; log(0.64 / 0.36) is 0.575 nats.
    steps = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert ctc.beam_search(steps, "a", length_bonus=-0.57)[0].text == "a"
    assert ctc.beam_search(steps, "a", length_bonus=-0.58)[0].text == ""
    # The mean bonus of any text but the empty one is that of a character.
    best = ctc.beam_search(
        np.eye(3)[[1, 0, 2]], "ab", kind="probabilities", length_bonus=2.0, mean_bonus=True
    )
    assert (best[0].text, best[0].score) == ("ab", pytest.approx(2.0))


def test_lexicon_and_hot_words() -> None:
    # "cot" by the network; the lexicon has only "cat", a hot word tips the scales as well.
    alphabet = "acot "
    steps = np.log(
        [
            [0.10, 0.02, 0.80, 0.02, 0.03, 0.03],
            [0.10, 0.35, 0.03, 0.45, 0.04, 0.03],
            [0.10, 0.02, 0.02, 0.02, 0.80, 0.04],
        ]
    )
    assert ctc.beam_search(steps, alphabet)[0].text == "cot"
    assert ctc.beam_search(steps, alphabet, lexicon=["cat", "oat"])[0].text == "cat"
    assert ctc.beam_search(steps, alphabet, hot_words=["cat"])[0].text == "cat"
    hot = ctc.beam_search(steps, alphabet, hot_words=ctc.HotWords(["cat"], bonus=2.0))[0]
    assert hot.score == pytest.approx(hot.log_probability + 6.0)
    unlikely = ctc.beam_search(steps, alphabet, hot_words=ctc.HotWords(["cat"], bonus=0.01))[0]
    assert unlikely.text == "cot"
    assert unlikely.score == pytest.approx(unlikely.log_probability)  # the advance on "c" is taken back
    assert ctc.beam_search(steps, alphabet, lexicon=["aaaaaa"], width=1) == []


def test_a_beam_larger_than_all_texts_finds_the_best_with_hot_words() -> None:
    rng = np.random.default_rng(5)
    for lattice in lattices(seed=12, count=60):
        alphabet = "abc"[: lattice.shape[1] - 1]
        words = {"".join(rng.choice(list(alphabet), rng.integers(1, 5))) for _ in range(rng.integers(1, 5))}
        scores = {
            text: value
            + 0.8 * sum(len(w) for w in words for at in range(len(text)) if text.startswith(w, at))
            for text, value in ctc.exhaustive_search(lattice, alphabet).items()
            if value > -np.inf
        }
        hot_words = ctc.HotWords(words, bonus=0.8)
        found = ctc.beam_search(lattice, alphabet, width=400, nbest=400, hot_words=hot_words)
        assert {best.text: best.score for best in found} == pytest.approx(scores)
        assert found[0].score == pytest.approx(max(scores.values()))


def test_spans_of_a_hypothesis_lie_on_its_best_path() -> None:
    steps = [[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.3, 0.7, 0.0], [0.9, 0.1, 0.0], [0.0, 0.2, 0.8]]
    best = ctc.beam_search(steps, "ab", kind="probabilities")[0]
    assert best.text == "ab"
    assert [(s.character, s.start, s.stop) for s in best.characters] == [("a", 1, 3), ("b", 4, 5)]
    assert [s.confidence for s in best.characters] == pytest.approx([0.8, 0.8])
    assert ctc.beam_search(steps, "ab", kind="probabilities", spans=False)[0].characters == ()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: ctc.beam_search(x, "ab", width=0), OptionError, "width is 0; it must be a whole number"),
        (lambda x: ctc.beam_search(x, "ab", width=2.5), OptionError, "width is 2.5"),
        (lambda x: ctc.beam_search(x, "ab", nbest=2.5), OptionError, "nbest is 2.5"),
        (lambda x: ctc.beam_search(x, "ab", nbest=26), OptionError, "nbest=26"),
        (lambda x: ctc.beam_search(x, "ab", max_gap=0), OptionError, "max_gap=0"),
        (lambda x: ctc.beam_search(x, "ab", length_bonus=np.nan), OptionError, "length_bonus=nan"),
        (lambda x: ctc.beam_search(x, "ab", language_model_weight=np.nan), OptionError, "weight=nan"),
        (lambda x: ctc.beam_search(x, "ab", language_model_weight=np.inf), OptionError, "weight=inf"),
        (lambda x: ctc.beam_search(x * np.nan, "ab"), OptionError, "NaN"),
        (lambda x: ctc.beam_search_batch([x, x[:, :2]], "ab"), ShapeError, r"\[2, 3\] columns"),
        (lambda x: ctc.beam_search(x, "ab", lexicon="words"), OptionError, "split the string"),
        (lambda x: ctc.beam_search(x, "ab", lexicon=[]), OptionError, "no word"),
        (lambda x: ctc.beam_search(x, "ab", hot_words="words"), OptionError, "split the string"),
        (lambda x: ctc.HotWords(["a"], bonus=0), OptionError, "bonus=0"),
        (
            lambda x: ctc.beam_search(x, "ab", language_model=ctc.CharacterLanguageModel.train("xyz")),
            OptionError,
            "is it one of words",
        ),
    ],
)
def test_bad_input_of_the_searches(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(np.log([[0.2, 0.5, 0.3]] * 2))


@pytest.mark.parametrize(
    ("values", "alphabet", "options", "error", "message"),
    [
        (np.full((2, 3), np.nan), "ab", {}, OptionError, "time step 0 holds NaN"),
        (np.array([[0, 1.0], [0, np.inf]]), "a", {}, OptionError, "time step 1 holds .inf"),
        (np.full((1, 3), -np.inf), "ab", {}, OptionError, "only .inf"),
        (np.zeros((2, 3)), "ab", {"blank": 3}, OptionError, "blank=3 is not one of the 3 columns"),
        (np.zeros((2, 3)), "ab", {"blank": -4}, OptionError, "blank=-4"),
        (np.zeros((2, 3)), "abc", {}, OptionError, "need 2; leave the blank out"),
        (np.zeros((2, 3)), "a", {}, OptionError, "1 characters, but 3 columns"),
        (np.zeros((2, 3)), ["a", ""], {}, OptionError, "empty string"),
        (np.zeros(3), "ab", {}, ShapeError, r"\(3,\)"),
        (np.zeros((2, 0)), "", {}, ShapeError, r"\(2, 0\)"),
        (np.zeros((1, 2, 3)), "ab", {}, ShapeError, "best_paths"),
        (np.array([["x", "y"]]), "a", {}, ShapeError, "real numbers"),
        (np.array([[0.2, 0.8]]), "a", {}, OptionError, "as probabilities do"),
        (np.array([[0.2, 0.7]] * 12), "a", {}, OptionError, "as probabilities do"),
        (np.array([[0.2, 0.7]]), "a", {"kind": "probabilities"}, OptionError, "row 0 sums to 0.9"),
        (np.array([[-0.2, 1.2]]), "a", {"kind": "probabilities"}, OptionError, "a value of -0.2"),
        (np.log([[0.2, 0.7]]), "a", {"kind": "log_probabilities"}, OptionError, "row 0 sum to 0.9"),
        (np.zeros((2, 3)), "ab", {"kind": "softmax"}, OptionError, "kind='softmax'"),
    ],
)
def test_bad_input(
    values: np.ndarray, alphabet: str, options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ctc.greedy_decode(values, alphabet, **options)
