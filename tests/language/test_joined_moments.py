"""What overlapping windows see of one event is told once."""

import pytest

from muybridge.language.joined_moments import Window, distinct, join_windows
from muybridge.values import Segment

Spans = list[tuple[float, float, float]]


def joined(*windows: tuple[float, float, Spans]) -> Spans:
    found = join_windows(
        [
            Window(start, end, [Segment(a, b, "moment", "red", score) for a, b, score in spans])
            for start, end, spans in windows
        ]
    )
    return [(one.start_seconds, one.end_seconds, one.score or 0.0) for one in found]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([(112, 120, 0.9)], [(112, 132, 0.8)], [(112, 132, 0.9)]),  # cut off by the first window's end
        ([(40, 70, 0.8)], [(60, 70, 0.9)], [(40, 70, 0.9)]),  # by the second window's start
        ([(30, 120, 0.9)], [(60, 150, 0.8)], [(30, 150, 0.9)]),  # by both
        ([(80, 90, 0.7)], [(81, 91, 0.9)], [(81, 91, 0.9)]),  # by none: the likelier tells
        ([(112, 119.4, 0.9)], [(112.5, 132, 0.8)], [(112, 132, 0.9)]),  # an edge that is found roughly
        # Another event begins where the first window ends.
        ([(100, 118, 0.9)], [(117, 132, 0.8)], [(100, 118, 0.9), (117, 132, 0.8)]),
        # What only one of them sees, and what only one of them found.
        ([(10, 20, 0.9)], [(130, 140, 0.8)], [(10, 20, 0.9), (130, 140, 0.8)]),
        ([(112, 120, 0.9)], [], [(112, 120, 0.9)]),
        # A guess does not stretch what is nearly sure.
        ([(112, 120, 0.9)], [(112, 170, 0.1)], [(112, 120, 0.9), (112, 170, 0.1)]),
    ],
)
def test_two_windows(first: Spans, second: Spans, expected: Spans) -> None:
    assert joined((0, 120, first), (60, 180, second)) == expected


def test_a_long_event_goes_on_through_many_windows_and_no_windows_are_no_moments() -> None:
    windows = [
        (start, start + 20.0, [(max(5.0, start), min(62.0, start + 20), 0.9)]) for start in range(0, 60, 10)
    ]
    assert joined(*windows) == [(5, 62, 0.9)]
    assert joined() == []


def test_of_moments_that_share_more_than_half_the_likeliest_stays() -> None:
    one, same, other = (
        Segment(a, b, "moment", score=s) for a, b, s in ((0, 10, 0.6), (2, 12, 0.7), (10, 19, 0.5))
    )
    assert distinct([one, same, other]) == [same, other]  # they share 8 of 12, and 2 of 17
