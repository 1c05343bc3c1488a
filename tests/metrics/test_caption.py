"""Caption measures: hand-worked values, brute forces, and the numbers of the published code."""

import math
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, strategies as st

from muybridge.errors import OptionError, ShapeError
from muybridge.metrics.caption import bleu, caption_tokens, cider, rouge_l

TRUTH = {
    0: ["a man throws a ball to the left", "the man throws the red ball", "a person is throwing something"],
    1: ["two dogs run on the beach", "dogs are running along the sea"],
    2: [
        "a woman claps her hands while a man waves",
        "a woman is clapping",
        "people clap",
        "someone claps and another waves their hand",
    ],
    3: ["a red square turns left and then stops"],
}
SAID = {
    0: "a man throws the ball",
    1: "two dogs are running on the beach beach",
    2: "a woman claps and a man waves his hand to her",
    3: "a blue circle turns left",
}
sentences = st.lists(st.sampled_from(["a", "the", "dog", "runs", "left"]), min_size=1, max_size=7).map(
    " ".join
)


def test_numbers_of_the_published_code() -> None:
    # pycocoevalcap 1.2 (Bleu, Rouge, Cider) on the sentences above.
    assert bleu(TRUTH, SAID) == pytest.approx(
        (0.8275862068680143, 0.6807703546920578, 0.5096958241128785, 5.2828840191067256e-05), rel=1e-9
    )
    assert rouge_l(TRUTH, SAID) == pytest.approx(0.625708309116215, rel=1e-12)
    assert cider(TRUTH, SAID) == pytest.approx(1.870261282324127, rel=1e-12)


def test_bleu_by_hand() -> None:
    # "the the the the" against "the cat sat there": one of four words counts, once.
    assert bleu(["the cat sat there"], ["the the the the"], max_order=1) == pytest.approx((1 / 4,))
    # Three words, all right, where the closest reference has four: e^(1 - 4/3).
    short = bleu([["a cat sat there", "a cat sat there for days on end"]], ["a cat sat"], max_order=2)
    assert short == pytest.approx((math.exp(-1 / 3),) * 2)
    # Equally close references: the shorter one counts, so there is no penalty.
    assert bleu([["a b", "a b c d"]], ["a b c"], max_order=1) == pytest.approx((1.0,))


def test_rouge_by_hand() -> None:
    # Precision and recall are each taken from the best reference: 3/3 and 3/4.
    p, r, b = 1.0, 3 / 4, 1.44
    assert rouge_l([["a cat sat there", "nothing"]], ["a cat sat"]) == pytest.approx(
        (1 + b) * p * r / (r + b * p)
    )
    assert rouge_l(["a cat"], ["two dogs"]) == 0.0
    assert rouge_l(["a cat"], [""]) == 0.0


def test_cider_by_hand() -> None:
    # Words of one video of two weigh log 2, those of both weigh 0. Unigrams: said {x}, true {x, y}: cosine 1/√2;
    # clipped x·x / (1·√2) is the same. Length: 0 pairs of words against 1.
    truth, said = [["x y"], ["z z"]], ["x", "w"]
    plain = 10 * (1 / math.sqrt(2)) / 4 / 2
    assert cider(truth, said, formula="plain") == pytest.approx(plain)
    assert cider(truth, said) == pytest.approx(plain * math.exp(-1 / 72))


def test_repeating_a_rare_word_gains_nothing_where_clipped() -> None:
    truth = [["horse gallops by"], ["a dog sleeps"]]
    once, thrice = ["a horse", "x"], ["a horse horse horse", "x"]
    assert cider(truth, thrice) < cider(truth, once)
    assert cider(truth, thrice, formula="plain") > cider(truth, once, formula="plain")


def test_one_video_alone_says_nothing_of_rarity() -> None:
    assert cider([["a cat"]], ["a cat"]) == 0.0


@given(st.lists(st.tuples(st.lists(sentences, min_size=1, max_size=3), sentences), min_size=1, max_size=4))
def test_bleu_is_that_of_a_brute_force(videos: list[tuple[list[str], str]]) -> None:
    for order in (1, 2):
        right = said = 0
        for references, prediction in videos:
            words = prediction.split()
            grams = [tuple(words[i : i + order]) for i in range(len(words) - order + 1)]
            for gram in set(grams):
                best = max(
                    sum(tuple(r.split()[i : i + order]) == gram for i in range(len(r.split())))
                    for r in references
                )
                right += min(grams.count(gram), best)
            said += len(grams)
        if order == 1:
            first = right / said
        elif said:
            second = right / said
            got = bleu([v[0] for v in videos], [v[1] for v in videos], max_order=2)
            length = sum(len(v[1].split()) for v in videos)
            closest = sum(
                sorted((len(r.split()) for r in v[0]), key=lambda n, v=v: (abs(n - len(v[1].split())), n))[0]
                for v in videos
            )
            penalty = min(1.0, math.exp(1 - closest / length))
            assert got[0] == pytest.approx(penalty * first, abs=1e-6)
            assert got[1] == pytest.approx(penalty * math.sqrt(first * second), abs=1e-6)


@given(sentences, sentences)
def test_rouge_is_that_of_a_brute_force(true: str, said: str) -> None:
    words, other = true.split(), said.split()
    subsequences = Counter(c for n in range(len(words) + 1) for c in combinations(words, n))
    longest = max(len(c) for n in range(len(other) + 1) for c in combinations(other, n) if c in subsequences)
    precision, recall = longest / len(other), longest / len(words)
    both = recall + 1.44 * precision
    assert rouge_l([true], [said]) == pytest.approx(2.44 * precision * recall / both if longest else 0.0)


def test_what_is_said_word_for_word_is_best() -> None:
    said = {key: references[0] for key, references in TRUTH.items()}
    assert bleu(TRUTH, said)[3] == pytest.approx(1.0, abs=1e-6)
    assert rouge_l(TRUTH, said) == pytest.approx(1.0)
    truth = {key: [said[key]] for key in said}
    assert cider(truth, said) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("sentence", "tokens"),
    [
        ("Two dogs play; one barks!", ["two", "dogs", "play", "one", "barks"]),
        ("It's the dog's ball, isn’t it?", ["it", "'s", "the", "dog", "'s", "ball", "is", "n't", "it"]),
        ("They don't, we'll see", ["they", "do", "n't", "we", "'ll", "see"]),
        ("a 3.5-inch T-shirt", ["a", "3.5-inch", "t-shirt"]),
        ("ein Mädchen läuft", ["ein", "mädchen", "läuft"]),
        ("...", []),
    ],
)
def test_tokens(sentence: str, tokens: list[str]) -> None:
    assert caption_tokens(sentence) == tokens


def test_bad_input_is_named() -> None:
    with pytest.raises(ShapeError, match="1 videos with references but 2"):
        bleu([["a"]], ["a", "b"])
    with pytest.raises(ShapeError, match="references come first"):
        rouge_l(["a b"], [["a", "b"]])
    with pytest.raises(ShapeError, match="lists"):
        rouge_l("a b", "a")
    with pytest.raises(ShapeError, match="both"):
        cider({1: "a"}, ["a"])
    with pytest.raises(ShapeError, match="ids"):
        cider({1: "a"}, {2: "a"})
    with pytest.raises(OptionError, match="no reference"):
        bleu([[]], ["a"])
    with pytest.raises(ShapeError, match="such as '1', 1"):
        cider({1: "a"}, {"1": "a"})
    with pytest.raises(ShapeError, match="lists"):
        bleu(["a"], None)  # type: ignore[arg-type]
    for wrong in (None, 5, {"caption": "a b"}, [None]):
        with pytest.raises(OptionError, match="video 0: its prediction must be text"):
            bleu([["a b"]], [wrong])  # type: ignore[list-item]
        with pytest.raises(OptionError, match="video 'x': its references must be text"):
            rouge_l({"x": wrong}, {"x": "a b"})  # type: ignore[dict-item]
    with pytest.raises(OptionError, match="max_order"):
        bleu(["a"], ["a"], max_order=0)
    with pytest.raises(OptionError, match="formula"):
        cider(["a"], ["a"], formula="d")  # type: ignore[arg-type]
