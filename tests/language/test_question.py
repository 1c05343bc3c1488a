"""What questions are parsed into."""

import pytest
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError
from muybridge.language.question import Subject, Window, parse_question


@pytest.mark.parametrize(
    ("text", "intent", "kind", "details"),
    [
        ("When does the camera pan left?", "when", "camera", ("pans", "left")),
        ("How many cuts are there?", "count", "cut", ()),
        ("how long is the 2nd shot", "how_long", "shot", ()),
        ("How often does something fall?", "how_often", "object", ("falls",)),
        ("In which direction does something move?", "direction", "object", ("moves",)),
        ("What's written on the screen?", "what", "text", ()),
        ("Isn't the camera still?", "yes_no", "camera", ("static",)),
        ("What is the frame rate?", "what", "metadata", ("frame_rate",)),
        ("Please tell me when the first cut is", "when", "cut", ()),
    ],
)
def test_intent_and_subject(text: str, intent: str, kind: str, details: tuple[str, ...]) -> None:
    question = parse_question(text)
    assert question.subject is not None
    assert (question.intent, question.subject.kind, question.subject.details) == (intent, kind, details)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("What is written at 5 s?", Window("at", 5, 5)),
        ("What is written at 1:05?", Window("at", 65, 65)),
        ("What is written at 1:02:03.5?", Window("at", 3723.5, 3723.5)),
        ("What is written between 2 and 4 seconds?", Window("during", 2, 4)),
        ("What is written from 4 s to 2 s?", Window("during", 2, 4)),
        ("What is written after 3 minutes?", Window("after", 180)),
        ("What is written after 7 hours?", Window("after", 25_200)),
        ("What is written before the 5th second?", Window("before", end_seconds=5)),
        ("What is written in the last 10 seconds?", Window("last", 0, 10)),
        ("What is written at the end?", Window("last", 0, 1)),
        ("What is written?", None),
    ],
)
def test_times(text: str, window: Window | None) -> None:
    assert parse_question(text).window == window


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("When does “Pier 39” appear?", "Pier 39"),
        ("When does 'exit' appear?", "exit"),
        ("When does PIER 39 appear?", "PIER 39"),
        ("When does the word taxi appear?", "taxi"),
        ("When does 我进去帮他 appear?", "我进去帮他"),
        ("When does “ВЫХОД” appear?", "ВЫХОД"),
    ],
)
def test_words_to_look_for(text: str, phrase: str) -> None:
    assert parse_question(text).subject == Subject("text", (), phrase)


def test_relations_ordinals_and_extremes() -> None:
    question = parse_question("What does the camera do after the second cut?")
    assert (question.relation, question.anchor, question.anchor_ordinal) == ("after", Subject("cut"), 2)
    assert parse_question("When is the last cut?").ordinal == -1
    assert parse_question("Which is the longest shot?").extreme == "longest"
    assert parse_question("Is there more than one shot?").quantity == ("more than", 1)
    assert parse_question("When does the text disappear?").at_end
    compare = parse_question("Is TAXI shown before or after the last cut?")
    assert (compare.intent, compare.anchor, compare.anchor_ordinal) == ("compare", Subject("cut"), -1)
    options = parse_question("Which of these happens: a dissolve, a zoom or TAXI?").options
    assert [option.subject and option.subject.kind for option in options] == ["dissolve", "camera", "text"]


def test_words_that_say_something_unknown_are_kept() -> None:
    assert parse_question("When does the red car move left?").rest == ("red", "car")
    assert parse_question("When does the camera pan left?").rest == ()


@pytest.mark.parametrize("text", ["", "   ", "?!", "…"])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="question is empty"):
        parse_question(text)


def test_a_novel_is_refused() -> None:
    with pytest.raises(OptionError, match="2001 characters"):
        parse_question("w" * 2001)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_any_text_parses_or_is_empty(text: str) -> None:
    try:
        question = parse_question(text)
    except OptionError:
        assert not any(char.isalnum() for char in text)
        return
    assert question.text == question.text.strip()
