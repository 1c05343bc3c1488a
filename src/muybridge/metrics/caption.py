"""Captions against references, by the formulas that captioning papers report: BLEU, ROUGE-L and CIDEr.

All follow the evaluation code of COCO captions (coco-caption, `pycocoevalcap`), number for number, given the same
tokens. That code has its tokens from Stanford's Java program; `caption_tokens` needs no Java and agrees with it on
plain sentences: lower case, contractions split ("isn't" → "is n't", "dog's" → "dog 's"), punctuation left out,
hyphenated words whole. Give `tokenize=str.split` for sentences that are tokenized already.

Sources: Papineni et al., "BLEU", ACL 2002; Lin, "ROUGE", 2004; Vedantam, Zitnick and Parikh, "CIDEr:
Consensus-based Image Description Evaluation", CVPR 2015; Chen et al., "Microsoft COCO Captions", 2015.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import regex

from muybridge.errors import OptionError, ShapeError

__all__ = ["bleu", "caption_tokens", "cider", "rouge_l"]

References = Sequence[str | Sequence[str]] | Mapping[Hashable, str | Sequence[str]]
Predictions = Sequence[str] | Mapping[Hashable, str | Sequence[str]]
Tokenize = Callable[[str], list[str]]
Ngrams = Counter[tuple[str, ...]]
Weights = list[dict[tuple[str, ...], float]]
"""For each order, n-gram → TF-IDF."""

_TOKEN = regex.compile(
    r"n't\b|'(?:s|re|ve|ll|d|m)\b"  # what follows a word, as the Penn Treebank splits it
    r"|(?:(?!n't\b)[\p{L}\p{M}\p{N}_])+(?:[-./,](?=[\p{L}\p{N}])[\p{L}\p{M}\p{N}_]+)*"
    r"|[^\s\p{P}]"
)
_SIGMA = 6.0


def caption_tokens(sentence: str) -> list[str]:
    """The words of a caption as the measures count them: lower case, without punctuation.

    >>> caption_tokens("A man's T-shirt, red-and-blue, isn't dry.")
    ['a', 'man', "'s", 't-shirt', 'red-and-blue', 'is', "n't", 'dry']
    """
    return [match[0] for match in _TOKEN.finditer(sentence.lower().replace("’", "'"))]


def bleu(
    references: References,
    predictions: Predictions,
    *,
    max_order: int = 4,
    tokenize: Tokenize = caption_tokens,
) -> tuple[float, ...]:
    """BLEU-1 to BLEU-4 of a whole corpus: clipped n-gram precision, times a penalty for being short.

    Args:
        references: what is right to say, one or several sentences for each video: a list, or a mapping by id.
        predictions: what was said, one sentence for each.
        max_order: the longest n-gram.
        tokenize: sentence → words.

    Returns:
        (max_order,) in [0, 1]. The penalty takes, for each video, the reference whose length is closest.

    Raises:
        ShapeError: not one prediction for each video.
        OptionError: a video without reference, one whose sentence is no text, or `max_order` below 1.

    Two of four words are right, and none of the pairs; the prediction is as long as the reference:

    >>> [round(value, 3) for value in bleu([["a cat sits down"]], ["a dog sits up"], max_order=2)]
    [0.5, 0.0]
    """
    if max_order < 1:
        raise OptionError(f"max_order={max_order} must be at least 1")
    num_right, num_said = np.zeros(max_order), np.zeros(max_order)
    length_said, length_true = 0, 0
    for true, said in _token_pairs(references, predictions, tokenize):
        allowed: Ngrams = Counter()
        for reference in true:
            allowed |= _ngrams(reference, max_order)
        for ngram, count in _ngrams(said, max_order).items():
            num_right[len(ngram) - 1] += min(count, allowed[ngram])
        num_said += [max(0, len(said) - order) for order in range(max_order)]
        length_said += len(said)
        length_true += min((abs(len(reference) - len(said)), len(reference)) for reference in true)[1]
    # The published code's guards against division by zero.
    precisions = (num_right + 1e-15) / (num_said + 1e-9)
    ratio = (length_said + 1e-15) / (length_true + 1e-9)
    penalty = math.exp(1 - 1 / ratio) if ratio < 1 and length_said else float(length_said > 0)
    orders = np.arange(1, max_order + 1)
    return tuple(float(value) for value in penalty * np.exp(np.log(precisions).cumsum() / orders))


def rouge_l(
    references: References,
    predictions: Predictions,
    *,
    beta: float = 1.2,
    tokenize: Tokenize = caption_tokens,
) -> float:
    """ROUGE-L: the F-measure of the longest common subsequence, averaged over the videos.

    Args:
        references: what is right to say, one or several sentences for each video: a list, or a mapping by id.
        predictions: what was said, one sentence for each.
        beta: how much more recall weighs than precision.
        tokenize: sentence → words.

    Returns:
        In [0, 1]. Precision and recall are each the best over a video's references.

    Raises:
        ShapeError: not one prediction for each video.
        OptionError: a video without reference, or one whose sentence is no text.

    "a sits down" is common: precision 3/4 and recall 3/5.

    >>> p, r, b = 3 / 4, 3 / 5, 1.2**2
    >>> rouge_l([["a gray cat sits down"]], ["a dog sits down"]) == (1 + b) * p * r / (r + b * p)
    True
    """
    scores = []
    for true, said in _token_pairs(references, predictions, tokenize):
        shared = [(_common_length(reference, said), len(reference)) for reference in true]
        precision = max(common for common, _ in shared) / max(1, len(said))
        recall = max(common / max(1, length) for common, length in shared)
        both = recall + beta**2 * precision
        scores.append((1 + beta**2) * precision * recall / both if precision and recall else 0.0)
    return float(np.mean(scores))


def cider(
    references: References,
    predictions: Predictions,
    *,
    formula: Literal["coco", "plain"] = "coco",
    max_order: int = 4,
    tokenize: Tokenize = caption_tokens,
) -> float:
    """CIDEr: how much a sentence agrees with the references in the words that tell this video from the others.

    Args:
        references: what is right to say, one or several sentences for each video: a list, or a mapping by id.
        predictions: what was said, one sentence for each.
        formula: `"coco"` is what coco-caption's `Cider` computes and papers report as CIDEr: it clips repeated
            n-grams and punishes another length (σ = 6), as the paper's CIDEr-D does, but without stemming;
            `"plain"` is the paper's first formula, the cosine alone.
        max_order: the longest n-gram.
        tokenize: sentence → words.

    Returns:
        The mean over videos, n-gram orders and references, times 10, in [0, 10]. Rare n-grams weigh more:
        document frequencies are counted over the videos of `references`, so one video alone scores 0.

    Raises:
        ShapeError: not one prediction for each video.
        OptionError: a video without reference, one whose sentence is no text, an unknown formula, or `max_order`
            below 1.

    >>> truth = [["a red ball rolls to the left"], ["two dogs play on the beach"]]
    >>> round(cider(truth, [sentences[0] for sentences in truth]), 6)
    10.0
    """
    if formula not in ("coco", "plain") or max_order < 1:
        raise OptionError(
            f"formula={formula!r} must be 'coco' or 'plain', and max_order={max_order} at least 1"
        )
    pairs = _token_pairs(references, predictions, tokenize)
    counted = [([_ngrams(one, max_order) for one in true], _ngrams(said, max_order)) for true, said in pairs]
    frequency: Ngrams = Counter()
    for true, _ in counted:
        frequency.update({ngram for reference in true for ngram in reference})
    log_videos = math.log(len(counted))
    scores = []
    for true, said in counted:
        prediction = _weights(said, frequency, log_videos, max_order)
        similarities = [
            _similarity(prediction, _weights(reference, frequency, log_videos, max_order))
            if formula == "plain"
            else _clipped_similarity(prediction, _weights(reference, frequency, log_videos, max_order))
            * math.exp(-((_num_pairs(said) - _num_pairs(reference)) ** 2) / (2 * _SIGMA**2))
            for reference in true
        ]
        scores.append(10.0 * sum(similarities) / len(similarities))
    return float(np.mean(scores))


def _token_pairs(
    references: References, predictions: Predictions, tokenize: Tokenize
) -> list[tuple[list[list[str]], list[str]]]:
    """For each video, its references' words and its prediction's words."""
    if any(isinstance(rows, str) or not isinstance(rows, Iterable) for rows in (references, predictions)):
        raise ShapeError("references and predictions must be lists with one item for each video")
    all_true: list[str | Sequence[str]]
    all_said: list[str | Sequence[str]]
    if isinstance(references, Mapping) and isinstance(predictions, Mapping):
        if references.keys() != predictions.keys():
            odd = sorted(map(repr, references.keys() ^ predictions.keys()))[:5]
            raise ShapeError(f"references and predictions differ in their ids, such as {', '.join(odd)}")
        all_true, all_said = list(references.values()), [predictions[key] for key in references]
    elif isinstance(references, Mapping) or isinstance(predictions, Mapping):
        raise ShapeError("references and predictions must both be lists, or both mappings by id")
    else:
        all_true, all_said = list(references), list(predictions)
    if len(all_true) != len(all_said) or not all_true:
        raise ShapeError(f"{len(all_true)} videos with references but {len(all_said)} predictions")
    videos: Iterable[Hashable] = references if isinstance(references, Mapping) else range(len(all_true))
    pairs = []
    for video, true, said in zip(videos, all_true, all_said, strict=True):
        sentences, one = _sentences(true, video, "references"), _sentences(said, video, "prediction")
        if len(one) != 1:
            raise ShapeError(
                f"video {video!r} has {len(one)} predictions; it must be one (references come first)"
            )
        if not sentences:
            raise OptionError(f"video {video!r} has no reference; leave it out")
        pairs.append(([tokenize(sentence) for sentence in sentences], tokenize(one[0])))
    return pairs


def _sentences(value: Any, video: Hashable, what: str) -> list[str]:
    """One sentence or several, as a list."""
    if isinstance(value, str):
        return [value]
    # A mapping would give its keys as sentences.
    sentences = list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else None
    if sentences is None or not all(isinstance(one, str) for one in sentences):
        raise OptionError(
            f"video {video!r}: its {what} must be text, not {value!r}; give '' for nothing said"
        )
    return sentences


def _ngrams(words: list[str], max_order: int) -> Ngrams:
    return Counter(
        tuple(words[start : start + order])
        for order in range(1, max_order + 1)
        for start in range(len(words) - order + 1)
    )


def _common_length(a: list[str], b: list[str]) -> int:
    """Words of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for j, other in enumerate(b, start=1):
            before, row[j] = row[j], before + 1 if word == other else max(row[j], row[j - 1])
    return row[-1]


def _weights(counts: Ngrams, frequency: Ngrams, log_videos: float, max_order: int) -> Weights:
    """TF-IDF by order of n-gram; one that no reference has counts as if one video had it."""
    weights: Weights = [{} for _ in range(max_order)]
    for ngram, count in counts.items():
        weights[len(ngram) - 1][ngram] = count * (log_videos - math.log(max(1, frequency[ngram])))
    return weights


def _similarity(a: Weights, b: Weights) -> float:
    """The mean cosine over the orders."""
    dots = [sum(v * y.get(k, 0.0) for k, v in x.items()) for x, y in zip(a, b, strict=True)]
    return float(np.mean([_ratio(dot, x, y) for dot, x, y in zip(dots, a, b, strict=True)]))


def _clipped_similarity(said: Weights, true: Weights) -> float:
    """The same, but repeating an n-gram more often than the reference does gains nothing."""
    clipped = [
        sum(min(v, y.get(k, 0.0)) * y.get(k, 0.0) for k, v in x.items())
        for x, y in zip(said, true, strict=True)
    ]
    return float(np.mean([_ratio(value, x, y) for value, x, y in zip(clipped, said, true, strict=True)]))


def _ratio(value: float, a: dict[tuple[str, ...], float], b: dict[tuple[str, ...], float]) -> float:
    norm = math.sqrt(sum(v * v for v in a.values())) * math.sqrt(sum(v * v for v in b.values()))
    return value / norm if norm else 0.0


def _num_pairs(counts: Ngrams) -> int:
    """Pairs of words, by which the published code measures length."""
    return sum(count for ngram, count in counts.items() if len(ngram) == 2)
