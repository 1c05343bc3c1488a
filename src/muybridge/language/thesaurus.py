"""Which words of a query count little, which mean the same, and what the labels of a timeline imply.

The lists are short and for what Muybridge itself reports: camera and object motion, actions, words on the screen.
"""

from __future__ import annotations

__all__ = [
    "ACTORS",
    "DOERS",
    "EXCLUSIVE",
    "FILM_WORDS",
    "IMPLIED",
    "IRREGULAR",
    "LIGHT",
    "NEGATIONS",
    "STOP_WORDS",
    "SYNONYMS",
    "SYNONYMS_IN_SPEECH",
]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


STOP_WORDS = _set(
    "a an the and or of to at by for from with is are was were be been being do does did has have had "
    "when where which who what how that this these those there it its he she they them his her their i "
    "you we me my your in on into onto as then while after before during until some any then show shows "
    "showing shown see seen find moment moments part parts video videos clip clips scene where please can "
    "could would will happens happen there s t"
)

NEGATIONS = _set(
    "not never without nobody nothing none neither nor cannot isn aren wasn weren don doesn didn won wouldn couldn "
    "shouldn hasn haven hadn ain"
)
"""Words that turn a query round. A timeline says what is so: they can be found in what is read or spoken alone."""

ACTORS = _set(
    "person people man men woman women boy girl child kid someone somebody everyone everybody anyone anybody guy lady "
    "player human"
)
"""Words that a label of an action leaves out: a timeline cannot tell a man from a woman."""

DOERS = ACTORS | _set(
    "he she they him them his her their himself herself themselves "
    "animal dog puppy cat kitten horse bird car vehicle automobile bike bicycle truck bus train boat ship plane"
)
"""Who or what does something: where a query names one, what the camera or a cut does is no match."""

FILM_WORDS = _set(
    "camera pan tilt zoom zoomin zoomout handheld shaky tripod static footage shot transition crossfade"
)
"""Words that say of a query that it is of the camera or of cuts too, whoever else is in it."""

LIGHT = _set(
    "camera move motion movement direction slowly quickly slow quick something thing object left right up down"
)
"""Words that say little alone."""

EXCLUSIVE = (_set("left right up down"), _set("zoomin zoomout"), _set("clockwise counterclockwise"))
"""A camera or an object that does one of a group is no match for another one."""

IRREGULAR = {
    word: base
    for base, forms in {
        "run": "ran",
        "fall": "fell fallen",
        "throw": "threw thrown",
        "catch": "caught",
        "sit": "sat",
        "stand": "stood",
        "swim": "swam swum",
        "draw": "drew drawn",
        "speak": "spoke spoken",
        "say": "said",
        "write": "wrote written",
        "shake": "shook shaken",
        "fight": "fought",
        "drive": "drove driven",
        "eat": "ate eaten",
        "drink": "drank drunk",
        "go": "went gone goes",
        "tell": "told",
        "swing": "swung",
        "ride": "rode ridden",
        "man": "men",
        "woman": "women",
        "person": "persons",
        "child": "children",
        "gray": "grey",
        "color": "colour",
    }.items()
    for word in forms.split()
}

SYNONYMS = tuple(
    _set(group)
    for group in (
        "pan turn sweep",
        "tilt",
        "shake wobble jitter tremble handheld",
        "static still motionless steady fixed stationary",
        "fall drop collapse tumble",
        "run sprint jog dash race",
        "walk stroll march step",
        "jump leap hop",
        "wave greet",
        "clap applaud applause",
        "punch box hit strike beat",
        "fight brawl wrestle scuffle",
        "throw toss hurl pitch fling lob",
        "catch grab",
        "push shove",
        "kick",
        "knock",
        "draw sketch paint",
        "swing stroke",
        "pick lift raise",
        "squat crouch",
        "flip toss",
        "talk speak say tell discuss",
        "write written text word words letter letters caption sign title",
        "cut transition switch",
        "dissolve crossfade blend",
        "fast rapid sudden quick",
        "car vehicle automobile",
        "bike bicycle cycle",
        "harbor harbour port",
        "leave depart",
        "laugh giggle",
        "cook fry bake",
        "dance",
        "dog puppy",
        "cat kitten",
    )
)

SYNONYMS_IN_SPEECH = (_set("leave left depart"),)
"""Those that hold in what is read or spoken alone: of a camera or an object, left is a direction."""

IMPLIED = {
    "text": "text word letter sign title caption screen write read show",
    "subtitle": "subtitle say speak talk voice word",
    "caption": "",
    "action": "action person people someone somebody human",
    "object": "object thing movement motion",
    "motion": "motion movement action fast sudden spike burst much activity",
    "camera pans": "move turn motion movement",
    "camera tilts": "move turn motion movement",
    "camera zooms in": "zoomin closer near move",
    "camera zooms out": "zoomout away wider move",
    "camera rolls": "move turn motion movement",
    "camera shakes": "shaky handheld unsteady",
    "camera static": "still stand fixed steady",
    "cut": "cut transition scene change",
    "dissolve": "dissolve crossfade transition scene change",
    "fade": "fade transition scene change black",
}
"""What a segment of that kind, or one whose label says so, is also called."""
