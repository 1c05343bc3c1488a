"""Evidence over cuts: lone doubts are not said, gaps of doubt are bridged, stillness parts for nothing."""

import numpy as np
import pytest

from muybridge.actions.detection_rule import DetectionRule
from muybridge.actions.passages import Passages, Piece
from muybridge.pipeline.encoding import decode, encode
from muybridge.values import Segment

LABELS = ("fight", "box", "none of these")
SECONDS = 2.0


def passages(**rule: float) -> Passages:
    return Passages(LABELS, LABELS[2:], DetectionRule(**rule), SECONDS)


def run(fights: list[float | None], subject: Passages | None = None) -> list[Segment]:
    """Pieces of one window each, with the probability of a fight; None is stillness."""
    subject, found = subject or passages(), []
    for number, fight in enumerate(fights):
        scores = None if fight is None else np.array([fight, 0.02, 0.98 - fight])
        piece = Piece(SECONDS * number, SECONDS * (number + 1), scores, 0.5)
        found += subject.push(piece, now_seconds=piece.end_seconds, is_bounded=False)
    return found + subject.end(SECONDS * len(fights), is_bounded=False)


def spans(segments: list[Segment]) -> list[tuple[float, float]]:
    return [(s.start_seconds, s.end_seconds) for s in segments]


def test_one_doubtful_piece_among_others_is_not_said() -> None:
    assert run([0.1, 0.1, 0.8, 0.1, 0.1]) == []
    assert len(run([0.1, 0.1, 0.8, 0.1, 0.1], passages(switch_cost=0.0))) == 1


def test_at_the_ends_of_a_source_a_piece_is_doubted_like_any_other_but_not_where_stillness_is() -> None:
    assert run([0.85, 0.1, 0.1]) == run([0.1, 0.1, 0.85]) == []
    subject, found = passages(), []
    for number, fight in enumerate([0.85, 0.1, 0.1]):
        scores = np.array([fight, 0.02, 0.98 - fight])
        found += subject.push(Piece(2.0 * number, 2.0 * number + 2, scores), now_seconds=2.0 * number + 2)
    assert spans(found + subject.end(6.5)) == [(0.0, 2.0)]
    assert len(run([0.85])) == 1


def test_a_doubt_in_the_middle_is_bridged() -> None:
    (segment,) = run([0.05, 0.9, 0.9, 0.2, 0.9, 0.05])
    assert spans([segment]) == [(2.0, 10.0)]
    assert segment.score == pytest.approx((3 * 0.9 + 0.2) / 4)
    assert segment.label == "fight"
    assert segment.attributes["alternatives"][0][0] == "none of these"
    # Two looks at 0.9 and one of doubt: the third 0.9 makes it certain at the latest.
    assert 2.0 <= segment.attributes["latency_seconds"] <= 8.0


def test_a_piece_alone_is_what_it_looks_most_like() -> None:
    subject = passages()
    found = subject.push(Piece(1.0, 2.0, np.array([0.5, 0.1, 0.4]), 0.5), now_seconds=2.5)
    assert spans(found + subject.end(2.5)) == [(1.0, 2.0)]


def test_what_was_parted_by_stillness_stays_parted() -> None:
    subject = passages()
    found = []
    for start in (0.0, 4.0):
        found += subject.push(Piece(start, start + 2, np.array([0.9, 0.0, 0.1])), now_seconds=start + 2)
        found += subject.end(start + 2.5)
    assert spans(found) == [(0.0, 2.0), (4.0, 6.0)]


def test_a_still_shot_speaks_for_nothing_being_done() -> None:
    assert spans(run([0.95, 0.95, None, None, 0.95, 0.95])) == [(0.0, 4.0), (8.0, 12.0)]


def test_stillness_between_pieces_has_no_weight_in_their_mean() -> None:
    # Two seconds at .9, one of stillness, two at .6: the mean of four seconds, whatever lies between them.
    pieces = [
        Piece(0.0, 2.0, np.array([0.9, 0.02, 0.08]), 0.8),
        Piece(2.0, 3.0, None),
        Piece(3.0, 5.0, np.array([0.6, 0.02, 0.38]), 0.4),
    ]
    for stop in range(4):  # also where the run was stopped before any of them
        subject, found = passages(), []
        for number, piece in enumerate(pieces):
            if number == stop:
                saved, subject = decode(encode(dict(subject.state()))), passages()
                subject.restore(saved)
            found += subject.push(piece, now_seconds=piece.end_seconds)
        (segment,) = found + subject.end(6.0)
        assert spans([segment]) == [(0.0, 5.0)]
        assert segment.score == pytest.approx(0.75)
        assert segment.attributes["actionness"] == pytest.approx(0.6)


def test_unlikely_and_short_ones_are_not_said() -> None:
    assert run([0.9, 0.9], passages(min_score=0.95)) == []
    subject = passages()
    subject.push(Piece(0.0, 0.3, np.array([0.9, 0.0, 0.1])), now_seconds=0.3)
    assert subject.end(1.0) == []


def test_a_model_without_background_says_nothing_where_all_is_unlikely() -> None:
    subject = Passages(("wave", "clap", "throw"), (), DetectionRule(min_score=0.4), SECONDS)
    found = []
    for number, scores in enumerate(
        [(0.3, 0.3, 0.3), (0.8, 0.1, 0.1), (0.8, 0.1, 0.1), (0.8, 0.1, 0.1), (0.3, 0.3, 0.3)]
    ):
        piece = Piece(20.0 * number, 20.0 * (number + 1), np.array(scores))
        found += subject.push(piece, now_seconds=piece.end_seconds, is_bounded=False)
    assert spans(found + subject.end(100.0)) == [(20.0, 80.0)]


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_goes_on_from_a_saved_state(stop: int) -> None:
    rows = [0.05, 0.9, 0.9, 0.2, 0.9, 0.05, 0.05]
    first, second, found = passages(), passages(), []
    for number, fight in enumerate(rows):
        subject = first if number < stop else second
        if number == stop:
            second.restore(decode(encode(dict(first.state()))))
        piece = Piece(SECONDS * number, SECONDS * (number + 1), np.array([fight, 0.02, 0.98 - fight]), 0.5)
        found += subject.push(piece, now_seconds=piece.end_seconds, is_bounded=False)
    found += second.end(SECONDS * len(rows), is_bounded=False)
    assert [s.to_dict() for s in found] == [s.to_dict() for s in run(rows)]
