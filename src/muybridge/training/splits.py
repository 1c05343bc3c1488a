"""Training and test that share no person and no source video.

Other takes of a person who was seen in training make every number a lie: the model knows the person, not the action.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import DatasetError, DatasetWarning, OptionError
from muybridge.training.seeds import check_seed
from muybridge.training.videos import VideoItem, VideoList, few

__all__ = ["check_leak", "folds_to_score", "group_by_name", "group_folds", "split_by_group"]

_MOST_TRIES = (
    20_000  # an answer is found within as many tries as there are classes, unless groups are contrived
)


def group_by_name(videos: VideoList, pattern: str) -> VideoList:
    r"""Read each item's group from its path.

    Args:
        videos: the dataset.
        pattern: a regular expression; its first bracket is the group, such as `r"_(s\d+)_"` for `a01_s3_t2.mp4`.

    Raises:
        OptionError: not a pattern with a bracket.
        DatasetError: a path in which the pattern is not found.

    >>> from pathlib import Path
    >>> videos = VideoList((VideoItem(Path("a01_s3_t2.mp4"), "wave"),), ("wave",))
    >>> group_by_name(videos, r"_(s[0-9]+)_").items[0].group
    's3'
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise OptionError(f"{pattern!r} is not a regular expression: {error}") from error
    if compiled.groups < 1:
        raise OptionError(rf"{pattern!r} has no bracket to say what the group is, as in '_(s\d+)_'")
    items: list[VideoItem] = []
    lost: list[str] = []
    for item in videos:
        found = compiled.search(str(item.path))
        if found is None:
            lost.append(str(item.path))
        else:
            items.append(replace(item, group=found[1]))
    if lost:
        raise DatasetError(f"{pattern!r} is not found in {len(lost)} of {len(videos)} paths: {few(lost)}")
    return videos.with_items(items)


def group_folds(videos: VideoList, num_folds: int, *, seed: int = 0) -> list[VideoList]:
    """Cut a dataset into parts of like size and like mixture of classes; no group is in two of them.

    Args:
        videos: the dataset.
        num_folds: how many parts.
        seed: of the order in which equals are taken; as in `check_seed`.

    Returns:
        The parts; the union of all but one is the training set for that one.

    Raises:
        OptionError: fewer than two parts, or such a seed.
        DatasetError: fewer groups than parts.

    Source: the greedy assignment of scikit-learn's `StratifiedGroupKFold`: largest groups first, each to the part where
    it keeps the counts of classes most even.
    """
    if num_folds < 2:
        raise OptionError(f"num_folds is {num_folds}; it must be 2 or more")
    check_seed(seed)
    parts = _fold_places(videos, num_folds, seed=seed)
    return [videos.with_items(videos.items[index] for index in part) for part in parts]


def _fold_places(videos: VideoList, num_folds: int, *, seed: int) -> list[list[int]]:
    """The places of the items of each part of `group_folds`, ascending."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(videos):
        groups[item.group_name].append(index)
    if len(groups) < num_folds:
        raise DatasetError(
            f"{len(groups)} groups cannot be cut into {num_folds} parts; group by something finer"
        )
    targets = np.array(videos.targets)
    num_classes = len(videos.labels)
    counts = {name: np.bincount(targets[places], minlength=num_classes) for name, places in groups.items()}
    total = np.maximum(1, np.bincount(targets, minlength=num_classes))
    names = sorted(groups)
    np.random.default_rng(seed).shuffle(names)
    names.sort(key=lambda name: -float(counts[name].std()) - 1e-6 * len(groups[name]))
    shares: NDArray[np.float64] = np.zeros((num_folds, num_classes))
    parts: list[list[int]] = [[] for _ in range(num_folds)]
    for name in names:
        share = counts[name] / total
        unevenness = [
            (float((shares + share * (np.arange(num_folds) == fold)[:, None]).std(axis=0).mean()), len(part))
            for fold, part in enumerate(parts)
        ]
        best = min(range(num_folds), key=unevenness.__getitem__)
        shares[best] += share
        parts[best] += groups[name]
    return [sorted(part) for part in parts]


def folds_to_score(videos: VideoList) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """What to leave out in turn, to learn from the rest and be scored on what was left out.

    The rest always has examples of every class: a class whose clips are all of one group is never left out, for it
    could only be named wrong.

    Args:
        videos: the dataset.

    Returns:
        For each turn the places of the clips that are left out, and the classes that never are. No turn where fewer
        than two classes could be left out, since their score would say nothing of the others.

    >>> from pathlib import Path
    >>> items = [VideoItem(Path(f"{n}.mp4"), "aabbc"[n], group="12123"[n]) for n in range(5)]
    >>> parts, alone = folds_to_score(VideoList(tuple(items), ("a", "b", "c")))
    >>> sorted(part.tolist() for part in parts), alone
    ([[0, 2], [1, 3]], ('c',))
    """
    groups = _groups_of_classes(videos)
    alone = tuple(label for label in videos.labels if len(groups[label]) < 2)
    places = np.array([place for place, item in enumerate(videos) if item.label not in alone], np.int64)
    if len(videos.labels) - len(alone) < 2:
        return [], alone
    scored = videos.with_items(videos.items[place] for place in places)
    num_groups = len({item.group_name for item in scored})
    least = min(count for label, count in videos.counts.items() if label not in alone)
    for num_folds in range(max(2, min(5, least, num_groups)), num_groups + 1):
        parts = _fold_places(scored, num_folds, seed=0)
        left_out = [{scored.items[place].group_name for place in part} for part in parts]
        # Few groups of classes that share them may fall together; of one group each, the parts take no class whole.
        if not any(own <= out for out in left_out for label, own in groups.items() if label not in alone):
            break
    return [places[part] for part in parts if part], alone


def _groups_of_classes(videos: VideoList) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for item in videos:
        groups[item.label].add(item.group_name)
    return groups


def split_by_group(
    videos: VideoList, *, test_share: float = 0.2, seed: int = 0
) -> tuple[VideoList, VideoList]:
    """Training and test without a common group, both with examples of every class.

    Args:
        videos: the dataset.
        test_share: about this part of it is the test, from above 0 to one half; more where whole groups leave no other
            way to test every class.
        seed: which groups it is; as in `check_seed`.

    Raises:
        OptionError: a share or a seed outside what is allowed.
        DatasetError: a class with a single group, or classes that share their groups so that not all can be on both
            sides.

    >>> from pathlib import Path
    >>> items = [VideoItem(Path(f"{n}.mp4"), "ab"[n % 2], group=f"person {n // 4}") for n in range(20)]
    >>> train, test = split_by_group(VideoList(tuple(items), ("a", "b")), test_share=0.2)
    >>> len(train), len(test), test.counts
    (16, 4, {'a': 2, 'b': 2})
    """
    if not 0 < test_share <= 0.5:
        raise OptionError(f"test_share is {test_share}; it must be above 0 and at most 0.5")
    check_seed(seed)
    groups = _groups_of_classes(videos)
    alone = [label for label in videos.labels if len(groups.get(label, ())) == 1]
    if alone:
        raise DatasetError(
            f"{len(alone)} of {len(videos.labels)} classes have one clip (or clips of one group) only, which cannot"
            f" be both trained and tested: {few(alone)}; add clips, or train on all with no test"
        )
    num_groups = len({item.group_name for item in videos})
    folds = group_folds(videos, min(max(2, round(1 / test_share)), num_groups), seed=seed)
    # The fold with the most classes; among equals the first.
    test = max(folds, key=lambda fold: len({item.label for item in fold}))
    chosen = {item.group_name for item in test}
    if any(not own & chosen or own <= chosen for own in groups.values()):
        chosen = _groups_of_all_classes(videos, groups, test_share, seed)
    inside = [item.group_name in chosen for item in videos]
    return (
        videos.with_items(item for item, is_test in zip(videos, inside, strict=True) if not is_test),
        videos.with_items(item for item, is_test in zip(videos, inside, strict=True) if is_test),
    )


def _groups_of_all_classes(
    videos: VideoList, groups: Mapping[str, set[str]], test_share: float, seed: int
) -> set[str]:
    """Groups that hold every class and leave some of every class, few clips first, then up to the share."""
    sizes = Counter(item.group_name for item in videos)
    names = sorted(sizes)
    np.random.default_rng(seed).shuffle(names)
    names.sort(key=sizes.__getitem__)
    chosen = _cover(names, list(groups.values()))
    if chosen is None:
        few_groups = sorted(groups, key=lambda label: (len(groups[label]), label))
        raise DatasetError(
            "no choice of whole groups has every class both in training and in test; the classes of the fewest groups"
            f" are {few(few_groups)}: add clips of others for them, group by something finer, or give a test of its own"
        )
    total = sum(sizes[name] for name in chosen)
    for name in names:
        grown = chosen | {name}
        if total + sizes[name] > test_share * len(videos):
            break
        if name not in chosen and not any(own <= grown for own in groups.values()):
            chosen, total = grown, total + sizes[name]
    return chosen


def _cover(names: Sequence[str], classes: Sequence[set[str]]) -> set[str] | None:
    """Names of which each class has some, but not all; None where there are none."""
    rank = {name: place for place, name in enumerate(names)}
    waiting: list[tuple[set[str], set[str]]] = [(set(), set())]  # taken, and left to the training for good
    for _ in range(_MOST_TRIES):
        if not waiting:
            return None
        taken, left = waiting.pop()
        full = {name for own in classes if len(own - taken) == 1 for name in own - taken}
        missing = [own - left - full for own in classes if not own & taken]
        if not missing:
            return taken
        # The class with the least choice first, and of its groups the one that serves most classes.
        hardest = min(missing, key=len)
        serves = {name: -sum(name in own for own in missing) for name in hardest}
        branches = []
        for name in sorted(hardest, key=lambda name: (serves[name], rank[name])):
            branches.append((taken | {name}, left))
            left = left | {name}
        waiting += reversed(branches)
    return None


def check_leak(train: VideoList, test: VideoList) -> list[str]:
    """Warn where a group or a file is in both.

    Returns:
        The groups (or files, where no groups are known) that are in both.

    Warns:
        DatasetWarning: names them.

    >>> from pathlib import Path
    >>> both = VideoList((VideoItem(Path("a.mp4"), "wave", group="anna"),), ("wave",))
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     check_leak(both, both)
    ['anna']
    """
    groups = {item.group_name for item in train} & {item.group_name for item in test}
    paths = {item.path.resolve() for item in train} & {item.path.resolve() for item in test}
    known = {item.path.resolve() for item in test if item.group_name in groups}
    leaks = sorted(groups) + sorted(str(path) for path in paths - known)
    if leaks:
        warnings.warn(
            f"training and test share {len(leaks)} group{'s' if len(leaks) > 1 else ''}: {few(leaks)};"
            " the test will look better than the model is",
            DatasetWarning,
            stacklevel=2,
        )
    return leaks
