"""What questions are parsed into."""

from dataclasses import replace

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
        ("What is written at 5 s?", Window("at", 5, 5, slack_seconds=0.5)),
        ("What is written at 5.0 s?", Window("at", 5, 5, slack_seconds=0.05)),
        ("What is written at 1:05?", Window("at", 65, 65, slack_seconds=0.5)),
        ("What is written at 1:02:03.5?", Window("at", 3723.5, 3723.5, slack_seconds=0.05)),
        ("What is written around 5 s?", Window("around", 5, 5, slack_seconds=1)),
        ("What is written around 2 minutes?", Window("around", 120, 120, slack_seconds=6)),
        ("What is written 5 seconds in?", Window("at", 5, 5, slack_seconds=0.5)),
        ("What is written 5 seconds into the video?", Window("at", 5, 5, slack_seconds=0.5)),
        ("What is written after 5 s into the film?", Window("after", 5)),
        ("Is there a cut at 1 min 20 in the video?", Window("at", 80, 80, slack_seconds=0.5)),
        ("Is there a cut at 1 minute and 5.5 seconds?", Window("at", 65.5, 65.5, slack_seconds=0.05)),
        ("What is written between 1 minute and 2 minutes?", Window("during", 60, 120)),
        ("Does the camera pan for 5 seconds in?", None),
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


@pytest.mark.parametrize(
    ("stressed", "plain"),
    [
        ("How LONG is the video?", "How long is the video?"),
        ("What IS written?", "What is written?"),
        ("What is WRITTEN?", "What is written?"),
        ("WHAT'S written ON the screen?", "What's written on the screen?"),
        ("How many CUTS are there?", "How many cuts are there?"),
        ("Is there ANY text?", "Is there any text?"),
        ("WHEN is the FIRST cut after THE dissolve?", "When is the first cut after the dissolve?"),
        ("Does anything MOVE?", "Does anything move?"),
        ("Does the camera PAN LEFT?", "Does the camera pan left?"),
        ("Is there MORE THAN one SHOT?", "Is there more than one shot?"),
        ("Does SOMEBODY appear at 5 s?", "Does somebody appear at 5 s?"),
        ("When is SHOT 2?", "When is shot 2?"),
    ],
)
def test_capitals_may_stress_a_word_of_the_question(stressed: str, plain: str) -> None:
    assert replace(parse_question(stressed), text=plain) == parse_question(plain)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("When is GO shown?", "GO"),
        ("Is LEFT on the screen?", "LEFT"),
        ("Does the word START appear?", "START"),
        ("Is START written on the screen?", "START"),
        ("When does NO EXIT appear?", "NO EXIT"),
        ("When does THE END appear?", "THE END"),
        ("How LONG is EXIT shown?", "EXIT"),
    ],
)
def test_a_sign_may_say_a_word_of_the_grammar(text: str, phrase: str) -> None:
    assert parse_question(text).subject == Subject("text", (), phrase)


def test_what_comes_after_a_sign_is_after_the_sign() -> None:
    question = parse_question("What happens after START?")
    assert (question.relation, question.anchor) == ("after", Subject("text", (), "START"))


@pytest.mark.parametrize(
    ("text", "at_end"),
    [
        ("Until when is EXIT shown?", True),
        ("Till when is EXIT shown?", True),
        ("Until what time is EXIT shown?", True),
        ("Since when is EXIT shown?", False),
        ("From when is EXIT shown?", False),
        ("From when to when is EXIT shown?", False),
    ],
)
def test_since_when_and_until_when(text: str, at_end: bool) -> None:
    question = parse_question(text)
    assert (question.intent, question.subject) == ("when", Subject("text", (), "EXIT"))
    assert (question.at_end, question.relation, question.rest, question.beside) == (at_end, "", (), ())
    later = parse_question(text.replace("?", " after the first cut?"))
    assert (later.relation, later.anchor, later.at_end) == ("after", Subject("cut"), at_end)


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


@pytest.mark.parametrize(
    ("text", "ordinal", "quantity"),
    [
        ("When is cut 2?", 2, None),
        ("Is there a cut 2 seconds in?", None, None),
        ("Is there a cut 2 frames after the dissolve?", None, None),
        ("Is there a cut 1:20 into the video?", None, None),
        ("Is there a cut at 3 in the video?", None, None),
        ("Are there 3 cuts in the video?", None, ("exactly", 3)),
        ("Is EXIT shown at least 2 times?", None, ("at least", 2)),
    ],
)
def test_a_number_is_an_ordinal_or_a_quantity_only_beside_what_is_counted(
    text: str, ordinal: int | None, quantity: tuple[str, int] | None
) -> None:
    question = parse_question(text)
    assert (question.ordinal, question.quantity) == (ordinal, quantity)


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
