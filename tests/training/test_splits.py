"""Splits share no group, keep the classes even, and a leak is named."""

import warnings
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from muybridge.errors import DatasetError, DatasetWarning, OptionError
from muybridge.training.seeds import LARGEST_SEED
from muybridge.training.settings import TrainingSettings
from muybridge.training.splits import check_leak, folds_to_score, group_by_name, group_folds, split_by_group
from muybridge.training.videos import VideoItem, VideoList, check_classes


def people(num_people: int, takes: int = 4, labels: str = "abc") -> VideoList:
    items = [
        VideoItem(Path(f"{label}_s{person}_t{take}.mp4"), label)
        for label in labels
        for person in range(num_people)
        for take in range(takes)
    ]
    return VideoList(tuple(items), tuple(labels))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abcd")), min_size=8, max_size=60),
    st.integers(2, 5),
)
@settings(max_examples=60, deadline=None)
def test_folds_cover_everything_once_and_share_no_group(rows: list[tuple[int, str]], num_folds: int) -> None:
    items = tuple(VideoItem(Path(f"{i}.mp4"), label, group=str(g)) for i, (g, label) in enumerate(rows))
    videos = VideoList(items, tuple("abcd"))
    if len({item.group for item in items}) < num_folds:
        with pytest.raises(DatasetError, match="groups cannot be cut"):
            group_folds(videos, num_folds)
        return
    folds = group_folds(videos, num_folds)
    assert sorted(item.path for fold in folds for item in fold) == sorted(item.path for item in items)
    groups = [{item.group for item in fold} for fold in folds]
    assert sum(map(len, groups)) == len(set().union(*groups))


def test_people_are_split_evenly() -> None:
    videos = group_by_name(people(6), r"_(s\d)_")
    for fold in group_folds(videos, 3):
        assert fold.counts == {"a": 8, "b": 8, "c": 8}
    train, test = split_by_group(videos, test_share=0.33)
    assert len({item.group for item in train}) == 4
    assert not {item.group for item in train} & {item.group for item in test}
    again = split_by_group(videos, test_share=0.33)[1]
    assert again.items == test.items


def test_without_groups_each_file_is_its_own() -> None:
    train, test = split_by_group(people(5, takes=2), test_share=0.2)
    assert (len(train), len(test), test.counts) == (24, 6, {"a": 2, "b": 2, "c": 2})


def test_one_clip_of_a_class_cannot_be_on_both_sides() -> None:
    videos = people(4)
    lonely = videos.with_items([*videos, VideoItem(Path("d.mp4"), "d")])
    lonely = VideoList(lonely.items, ("a", "b", "c", "d"))
    with pytest.raises(DatasetError, match=r"1 of 4 classes have one clip .*: d; add clips, or train on all"):
        split_by_group(lonely)


def of_people(**classes: str) -> VideoList:
    """Two takes of each class by each of its people, who are one letter each."""
    items = [
        VideoItem(Path(f"{label}/{person}{take}.mp4"), label, group=person)
        for label, names in classes.items()
        for person in names
        for take in (1, 2)
    ]
    return VideoList(tuple(items), tuple(sorted(classes)))


def test_both_sides_have_every_class_where_people_differ() -> None:
    train, test = split_by_group(of_people(wave="ab", clap="cd"), test_share=0.2)
    assert train.counts == test.counts == {"clap": 2, "wave": 2}
    everybody = of_people(wave="abcde", clap="ab", jump="cde")
    train, test = split_by_group(everybody, test_share=0.2)
    assert test.counts == {"clap": 2, "jump": 2, "wave": 4}
    assert split_by_group(everybody, test_share=0.2)[1].items == test.items


def test_classes_that_no_choice_of_people_has_on_both_sides() -> None:
    # Of three people two are on one side, and one class is of just these two.
    with pytest.raises(DatasetError, match=r"no choice of whole groups .*: add clips of others"):
        split_by_group(of_people(wave="ab", clap="bc", jump="ca"), test_share=0.3)


@given(st.lists(st.sets(st.sampled_from("abcdef"), min_size=2), min_size=2, max_size=5), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_a_split_with_every_class_is_found_where_there_is_one(people: list[set[str]], seed: int) -> None:
    videos = of_people(**{f"class{n}": "".join(sorted(names)) for n, names in enumerate(people)})
    everybody = sorted(set().union(*people))
    choices = (set(chosen) for size in range(1, len(everybody)) for chosen in combinations(everybody, size))
    is_possible = any(all(own & chosen and own - chosen for own in people) for chosen in choices)
    if not is_possible:
        with pytest.raises(DatasetError, match="no choice of whole groups"):
            split_by_group(videos, test_share=0.2, seed=seed)
        return
    train, test = split_by_group(videos, test_share=0.2, seed=seed)
    assert len(train) + len(test) == len(videos)
    assert not {item.group for item in train} & {item.group for item in test}
    assert min(*train.counts.values(), *test.counts.values()) > 0


def test_a_leak_is_named() -> None:
    videos = group_by_name(people(3), r"_(s\d)_")
    with pytest.warns(DatasetWarning, match="share 3 groups: s0, s1, s2"):
        assert check_leak(videos, videos) == ["s0", "s1", "s2"]
    train, test = split_by_group(videos, test_share=0.33)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_leak(train, test) == []
    same_file = test.with_items([VideoItem(train.items[0].path, "a", group="somebody else")])
    with pytest.warns(DatasetWarning, match="a_s"):
        check_leak(train, same_file)


def test_classes_that_differ_are_named() -> None:
    with pytest.raises(DatasetError, match="only in train: c; only in test: d, e"):
        check_classes(people(1, labels="abc"), people(1, labels="abde"))
    check_classes(people(1), people(2))


def test_patterns_that_find_no_group() -> None:
    with pytest.raises(OptionError, match="no bracket"):
        group_by_name(people(1), r"_s\d_")
    with pytest.raises(OptionError, match="not a regular expression"):
        group_by_name(people(1), "(")
    with pytest.raises(DatasetError, match="is not found in 12 of 12 paths"):
        group_by_name(people(1), "(x)")
    with pytest.raises(OptionError, match=r"test_share is 0\.9"):
        split_by_group(people(3), test_share=0.9)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12345")), min_size=2, max_size=30))
def test_what_is_left_out_leaves_every_class(rows: list[tuple[str, str]]) -> None:
    labels = tuple(sorted({label for label, _ in rows}))
    videos = VideoList(
        tuple(VideoItem(Path(f"{n}.mp4"), label, group=group) for n, (label, group) in enumerate(rows)),
        labels,
    )
    parts, alone = folds_to_score(videos)
    groups = {label: {group for other, group in rows if other == label} for label in labels}
    assert set(alone) == {label for label in labels if len(groups[label]) == 1}
    scored = [place for place, (label, _) in enumerate(rows) if label not in alone]
    assert sorted(place for part in parts for place in part) == (
        scored if len(labels) - len(alone) > 1 else []
    )
    for part in parts:
        rest = [rows[place] for place in range(len(rows)) if place not in part]
        assert {label for label, _ in rest} == set(labels)
        # No person is both learned from and scored, but for those who alone show a class.
        left_out = {rows[place][1] for place in part}
        assert all(label in alone for label, group in rest if group in left_out)


@pytest.mark.parametrize("seed", [-1, 2**32, 17600000000000000, 1.5])
def test_seeds_that_are_none(seed: int) -> None:
    videos = VideoList((VideoItem(Path("a.mp4"), "a"), VideoItem(Path("b.mp4"), "a")), ("a",))
    with pytest.raises(OptionError, match=r"seed is .*from 0 to 4294967295"):
        group_folds(videos, 2, seed=seed)
    with pytest.raises(OptionError, match=r"seed is .*from 0 to 4294967295"):
        split_by_group(videos, seed=seed)
    with pytest.raises(OptionError, match=r"seed is .*from 0 to 4294967295"):
        TrainingSettings(seed=seed)
    assert len(group_folds(videos, 2, seed=LARGEST_SEED)) == 2
