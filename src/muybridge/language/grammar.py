r"""The words that questions are made of, as plain data: the report's page carries the same table.

    normalized question ─► intent: "when …", "how many …", "is …"       INTENTS, the first that matches
                        ├► subjects: "camera pans left", "cut", "text"   SUBJECTS, each takes its words away
                        └► what is left must be words that say nothing   NEUTRAL; anything else is not understood

Only regular expressions that Python and JavaScript read alike stand here: no lookbehind, no named groups.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ACTORS",
    "ADDS_NOTHING",
    "ASKING",
    "CERTAIN_ACTORS",
    "DIRECTIONS",
    "INTENTS",
    "NEUTRAL",
    "PATTERNS",
    "REWRITES",
    "SUBJECTS",
    "SYNONYMS",
    "page_grammar",
]

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve"
_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth"
_ACTORS = (
    "anybody anyone boy children everybody everyone girl guy he her him man men people person persons she"
    " somebody someone they them woman women"
)
_NEUTRAL = (
    "a about also am an and any anything appear appearing appears are at be been begin beginning begins being by"
    " can clip come comes contain contained contains contents could display displayed displays do does doing done"
    " did during exactly exist exists film first footage for frame get gets had has have here how i image in into"
    " is it its just kind know last lasts list me moment movie occur of on onscreen or our performed perform"
    " performing performs picture place play played plays please point present read reads recording screen seconds"
    " see seen show showing shown shows so some something start started starting starts stay stays such take taken"
    " tell that the their them then there these thing things this those time times to total type us used uses"
    " using very video visible was we were what when where which while who will yes you your actually currently"
    " altogether overall sort"
)
_ASKING = (
    f"{_NUMBERS} {_ORDINALS} second a after all always an and any anything are at been before by did do does during"
    " ever exactly fewer first for from had has have how in is it last least less long longest many more next number"
    " of often on only or shortest since some something than that the there these this those till to until was were"
    " what when where which while who whole will with"
)

_MINUTES = r"(?:minutes?|mins?)"

REWRITES: tuple[tuple[str, str], ...] = (
    (r"\b(what|who|where|when|how|that|there|it)['’]s\b", r"\1 is"),
    (r"\b(\w+)n['’]t\b", r"\1 not"),
    (r"['’]s\b", ""),
    (r"^(?:please|and|so|hey)\b,? *", ""),
    (r"^(?:can|could|would|will) you (?:please )?(?:tell|say|show)(?: to)? me ", ""),
    (r"^(?:tell me|do you know|i want to know|say) ", ""),
    (r"\bcolour", "color"),
    (r", right\?+$", ""),
    (r"^is it (?:true|right|correct|so) that\b", "is"),
    (r"\b(?:at all|even)\b", ""),
    (r"^((?:what|which|when|list|read|show)\b.*?) all\b", r"\1"),
    (
        r"^what is the (?:average|mean) (?:length|duration) of (?:a|the) (?:shots?|scenes?)\b",
        "how long are the shots",
    ),
    (r"^what is the (?:average|mean) (?:shot|scene) (?:length|duration)\b", "how long are the shots"),
    (r"^how long is (?:the|an) (?:average|mean) (?:shot|scene)\b", "how long are the shots"),
    (r"^what is the (?:total )?(?:length|duration) of (.*(?:shot|dissolve|fade).*)$", r"how long is \1"),
    (r"\bthe (?:two|2|three|3|following|these)\b", "these"),
    *((rf"\b{word}\b", f"{number}") for number, word in enumerate(_NUMBERS.split(), start=1)),
    *(
        (rf"\b{word}\b", f"{ordinal}th")
        for ordinal, word in zip(range(3, 11), _ORDINALS.split(), strict=True)
    ),
    # "second" is a unit and an ordinal: an ordinal where something that can be counted follows.
    (
        r"\bsecond (?=(?:shot|scene|cut|take|dissolve|fade|transition|text|line|word|title|subtitle|action|event|thing"
        r"|keyframe|time|camera|pan|tilt|zoom|movement|motion|longest|shortest|strongest|last|to last)\b)",
        "2nd ",
    ),
    # "Still there", "still panning": as before, not motionless.
    (r"\bstill (?=(?:on|there|here|visible|shown|seen|(?!during\b)\w+ing)\b)", ""),
    (r"\bfirst\b", "1st"),
    (r"\bfinal\b", "last"),
    # "1 min 20", "1 minute and 20 seconds": as on a clock.
    (rf"\b(\d+) ?{_MINUTES} (?:and )?([0-5]\d(?:\.\d+)?) ?(?:seconds?|secs?|s)\b", r"\1:\2"),
    (rf"\b(\d+) ?{_MINUTES} (?:and )?(\d(?:\.\d+)?) ?(?:seconds?|secs?|s)\b", r"\1:0\2"),
    (rf"\b(\d+) ?{_MINUTES} ([0-5]\d)\b(?![.:]\d| ?(?:{_MINUTES}|hours?)\b)", r"\1:\2"),
)
"""What is written differently and means the same."""

INTENTS: tuple[tuple[str, str], ...] = (
    (
        "summary",
        r"^(?:describe|summari[sz]e|caption)\b|^what is (?:this|the|it) ?(?:video|clip|film|movie)? ?about\b"
        r"|^what is in (?:this|the) (?:video|clip|film|movie)$"
        r"|^what (?:does|do) (?:this|the) (?:video|clip|film|movie) show$",
    ),
    ("how_often", r"^how often\b|^how many times\b|^what number of times\b"),
    (
        "how_long",
        r"^(?:for )?how long\b|^what is the (?:total )?(?:duration|length|running time)\b"
        r"|^how many (?:seconds|minutes)\b",
    ),
    ("count", r"^how many\b|^what is the (?:total )?number of\b|^count\b"),
    (
        "when",
        r"^(?:(?:since|until|till|from) )?when(?: (?:to|until|till) when)?\b"
        r"|^(?:at |from |until |till )?(?:what|which) (?:time|second|moment|timestamp)s?\b",
    ),
    (
        "direction",
        r"^(?:in(?:to)? |to )?(?:which|what) (?:direction|way|side)\b|^where (?:does|do|did|is|are)\b",
    ),
    ("what", r"^(?:what|which|who|read|list|describe)\b"),
    ("how", r"^how\b"),
    ("yes_no", r"^(?:is|are|was|were|does|do|did|has|have|had|can|could)\b"),
)
"""What is asked for; the first that matches decides."""

DIRECTIONS = ("left", "right", "up", "down", "in", "out", "clockwise", "counterclockwise")

SUBJECTS: tuple[tuple[str, str, str], ...] = (
    ("place", r"\b(?:in|into|on) (?:the|a) (?:pan|container)\b", ""),
    ("metadata", r"\b(?:frames? per second|frame ?-?rate|fps)\b", "frame_rate"),
    (
        "metadata",
        r"\b(?:resolution|(?:picture|frame|image|video) size|dimensions|width|height|how (?:wide|high|tall|big))\b",
        "size",
    ),
    ("metadata", r"\b(?:codec|encoded|encoding|compression|compressed)\b", "codec"),
    (
        "metadata",
        r"\b(?:damaged?|corrupt(?:ed)?|defective|undecodable|(?:video|file|clip) (?:is )?broken)\b",
        "damage",
    ),
    ("metadata", r"\b(?:rotated|rotation)\b", "rotation"),
    ("metadata", r"\b(?:container|file format)\b", "container"),
    ("keyframe", r"\bkey ?frames?\b", ""),
    ("cut", r"\b(?:hard )?cuts?\b", ""),
    ("dissolve", r"\b(?:dissolves?|cross-?fades?|dissolving)\b", ""),
    ("fade", r"\b(?:fades?|fading)\b(?: (?:in|out|to black|from black))?", ""),
    ("transition", r"\b(?:(?:scene|shot) changes?|transitions?|shot boundar(?:y|ies))\b", ""),
    ("shot", r"\b(?:shots?|scenes?)\b", ""),
    (
        "motion",
        r"\b(?:strongest|biggest|largest|sudden|fastest|peak|highest|most)(?: of the)?"
        r" (?:movements?|motion|activity)\b",
        "",
    ),
    (
        "place",
        r"\b(?:on|at) the (?:far |very )?(?:left|right)\b(?: side| edge| half| corner)?"
        r"|\b(?:to|in) the (?:left|right) (?:of|side|half|corner|edge)\b"
        r"|\b(?:left|right)[- ](?:hand|side|half|corner|edge)\b",
        "",
    ),
    ("camera", r"\bcamera\b", ""),
    ("camera", r"\b(?:does not|do not|never|not) mov(?:e|ing)\b", "static"),
    (
        "camera",
        r"\b(?:stands? still|standing still|static|still|fixed|motionless|steady|stationary|tripod)\b",
        "static",
    ),
    ("camera", r"\bpan(?:s|ned|ning)?\b", "pans"),
    ("camera", r"\btilt(?:s|ed|ing)?\b", "tilts"),
    ("camera", r"\bzoom(?:s|ed|ing)? in(?:to)?\b", "zooms in"),
    ("camera", r"\bzoom(?:s|ed|ing)? out\b", "zooms out"),
    ("camera", r"\bzoom(?:s|ed|ing)?\b", "zooms"),
    ("camera", r"\broll(?:s|ed|ing)?\b", "rolls"),
    ("camera", r"\b(?:shak(?:e|es|y|ing)|wobbl(?:e|es|y|ing)|hand-?held)\b", "shakes"),
    ("object", r"\b(?:falls?|falling|fell|fallen)\b", "falls"),
    ("object", r"\b(?:runs?|running|ran)\b", "runs"),
    ("object", r"\b(?:waves?|waving|waved)\b", "waves"),
    (
        "happens",
        r"\b(?:happen(?:s|ed|ing)?|going on|takes? place|taking place|occur(?:s|red)?|events?)\b",
        "",
    ),
    ("moves", r"\b(?:mov(?:es?|ed|ing|ements?)|motion|go|goes|going|travels?)\b", "moves"),
    (
        "direction",
        r"\b(?:to the |towards? the |to |towards )?(left|right|up|down|clockwise|counterclockwise)(?:wards?)?\b",
        "",
    ),
    ("direction", r"\b(?:upwards?)\b", "up"),
    ("direction", r"\b(?:downwards?)\b", "down"),
    ("text", r"\b(?:it|screen|text|title|subtitle|caption|video) (?:says?|said|reads?)\b", ""),
    (
        "text",
        r"\b(?:lines? of text|on-?screen text|texts?|words?|writing|written|letters?"
        r"|subtitles?|captions?|titles?|inscriptions?|lines?|legible|readable)\b",
        "",
    ),
    ("date", r"\bdates?\b", ""),
    ("frames", r"\bframes?\b", ""),
    ("action", r"\b(?:actions?|activit(?:y|ies))\b", ""),
)
"""What questions can be about: kind, the words that say so, and which of its kind."""

PATTERNS = {
    "part_of_text": r"\b(?:words?|letters?|characters?)\b",
    "end": (
        r"\b(?:end|ends|ended|ending|stop|stops|stopped|disappears?|finish(?:es)?|vanish(?:es)?|over$|gone)\b"
    ),
    "until": r"^(?:until|till)\b",
    "bare_when": r"^(?:since|until|till|from) when\b(?: (?:to|until|till) when\b)?",
    "start": r"\b(?:start|starts|started|begin|begins|began)\b",
    "whole": r"\b(?:whole|entire|always|all the time|throughout|constantly|only|the entire time)\b",
    "ever": r"\b(?:ever|sometimes?|at any (?:time|point|moment)|at some (?:time|point|moment))\b",
    "edge": r"\b(?:at|in|from|until|till) the (?:very )?(?:start|beginning|end)\b",
    "length_from": (
        r"^(?:for )?how (?:long|many (?:seconds|minutes)) (?:after|before|until|till|since|from|between)\b"
    ),
    "video": r"\b(?:video|footage|picture|image|clip|film|movie|recording)\b",
    # "A cut 2 seconds in" is no second cut, and neither is one at 1:20.
    "which_one": (
        r"\b(\d+)(?:st|nd|rd|th)\b|\b(last)\b"
        r"|\b(?:shot|scene|cut) (\d+)\b(?![:.]\d| ?(?:s|secs?|seconds?|mins?|minutes?|hours?|frames?|times?)\b)"
    ),
    # "In the picture" is where; what moves in, or into it, has a direction that nobody measured.
    "moves_in": (
        r"\b(?:mov(?:es?|ed|ing)|go|goes|going|travels?|pan(?:s|ned|ning)?|tilt(?:s|ed|ing)?|roll(?:s|ed|ing)?"
        r"|falls?|falling|fell|runs?|running|ran|waves?|waving)"
        r" (?:into\b|in(?= *(?:,|$)| (?:on|to|towards?|closer|further)\b))"
    ),
    "who": (
        r"^(?:and |so |please )?"
        r"(?:who|(?:which|what) (?:boy|child|children|girl|guy|man|men|people|persons?|woman|women))\b"
    ),
    # To do as the verb itself, not as in "what do they see".
    "doing": (
        r"\b(?:doing|done|perform\w*|happen\w*|going on|actions?|activit(?:y|ies)|movements?|motions?)\b"
        r"|\bd(?:o|oes|id)\b.*\bdo\b|\b" + rf"(?:{_ACTORS.replace(' ', '|')})"
        r" d(?:o|oes|id)\b(?! (?:he|i|it|she|that|the|they|this|we|you)\b)"
    ),
    "left_ordinal": r"\b(?:and|the|to|but|next) last\b",
    "camera_does": (
        r"\bcamera (?:do|does|doing|did|go|goes|going)\b|\bcamera['’]?s? (?:motion|movements?|work)\b|\bhappen"
    ),
    "on_screen": (
        r"\b(?:appear\w*|disappear\w*|show|shown|shows|displayed|visible|see|seen|read|reads|says?|said|screen|written"
        r"|comes?|texts?|words?|titles?|subtitles?|captions?|letters?)\b"
    ),
    "the_word": r"\b(?:the|a) (?:words?|phrase|name)\s+$",
    "name_follows": r"\b(?:before|after|until|till)\s+$",
    "name_may_follow": r"(?:\b(?:is|are|was|were|does|do|did|when|while|or|and)\s+|[,:]\s*)$",
    "length_of_video": (
        r"(?:please |tell me |and |so )*(?:for )?(?:how long|how many (?:seconds|minutes)|what(?: is|['’]s) the)"
        r"(?: (?:is|was|does|do|are|has|have|there|in|of|it|this|that|the|total|whole|entire|full|duration|length"
        r"|running|time|run|last|video['’]?s?|clip|film|movie|footage|recording|take|play))*\W*"
    ),
}
"""Words that change what is asked, and forms of questions."""

SYNONYMS: tuple[tuple[str, str], ...] = (
    (r"\b(?:fighting|fights|brawl\w*|punch(?:es|ing)? each other)\b", "fight"),
    (r"\b(?:applaud\w*|clapping hands)\b", "clap"),
    (r"\b(?:hand-?clapping|handclaps?)\b", "clap"),
    (r"\bjuggl\w*\b", "juggle"),
)
"""Other words for actions."""

ACTORS = frozenset(_ACTORS.split())
"""Words for whoever does something; who it is, nobody measures."""

CERTAIN_ACTORS = ACTORS - frozenset(
    (
        "anybody",
        "anyone",
        "people",
        "person",
        "persons",
        "somebody",
        "someone",
        "they",
        "them",
    )
)
"""Those that say more of somebody than that there is one."""

ADDS_NOTHING = {
    "camera": {"moves", "direction", "happens"},
    "object": {"moves", "direction", "happens"},
    "motion": {"moves", "happens"},
    "text": {"happens"},
    "date": {"text", "happens"},
    "cut": {"happens"},
    "dissolve": {"happens"},
    "fade": {"happens"},
    "transition": {"happens"},
    "keyframe": {"happens"},
    "action": {"happens"},
}
"""What may be named beside a subject without meaning more than that."""

NEUTRAL = frozenset(_NEUTRAL.split())
"""Words that add nothing that would have to be measured."""

ASKING = frozenset(_ASKING.split())
"""Words that make a question one; in capitals they are stressed, and not looked for on the screen."""


def page_grammar() -> dict[str, Any]:
    """The table as JSON values, for the script of the report's page.

    >>> sorted(page_grammar())
    ['actors', 'adds_nothing', 'asking', 'certain_actors', 'intents', 'neutral', 'patterns', 'rewrites', 'subjects',
        'synonyms']
    """
    return {
        "rewrites": [[pattern, new.replace("\\", "$")] for pattern, new in REWRITES],
        "intents": [list(row) for row in INTENTS],
        "subjects": [list(row) for row in SUBJECTS],
        "synonyms": [list(row) for row in SYNONYMS],
        "actors": sorted(ACTORS),
        "certain_actors": sorted(CERTAIN_ACTORS),
        "adds_nothing": {kind: sorted(others) for kind, others in ADDS_NOTHING.items()},
        "neutral": sorted(NEUTRAL),
        "asking": sorted(ASKING),
        "patterns": PATTERNS,
    }
