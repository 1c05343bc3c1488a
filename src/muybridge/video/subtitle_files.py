"""Which files beside a video hold its subtitles, told by their names: for talk.mp4, these.

talk.srt  talk.en.srt  talk.pt-BR.vtt  talk.english.forced.srt     its own: languages and marks may stand between
talk.2.srt  talk.director.srt                                      not: "2" is no language
talk.en.srt                                                        not, where there is a talk.en.mp4
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from muybridge.video.file_names import VIDEO_ENDINGS

__all__ = ["SubtitleFolder", "is_subtitle_of", "subtitle_files"]

SUBTITLE_ENDINGS = frozenset({".srt", ".vtt"})
MAX_FILE_BYTES = 16 * 2**20

_MARKS = frozenset(("cc", "default", "forced", "foreign", "hi", "sdh"))  # as media servers write them
# ISO 639-1, then both kinds of ISO 639-2 for the same languages, and a few that only the latter or 639-3 knows.
_CODES = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne
    ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st
    su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    aar abk afr aka alb amh ara arg arm asm ava ave aym aze bak bam baq bel ben bih bis bod bos bre bul bur cat ces
    cha che chi chu chv cor cos cre cym cze dan deu div dut dzo ell eng epo est eus ewe fao fas fij fin fra fre fry
    ful geo ger gla gle glg glv gre grn guj hat hau heb her hin hmo hrv hun hye ibo ice ido iii iku ile ina ind ipk
    isl ita jav jpn kal kan kas kat kau kaz khm kik kin kir kom kon kor kua kur lao lat lav lim lin lit ltz lub lug
    mac mah mal mao mar may mkd mlg mlt mon mri msa mya nau nav nbl nde ndo nep nld nno nob nor nya oci oji ori orm
    oss pan per pli pol por pus que roh ron rum run rus sag san sin slk slo slv sme smo sna snd som sot spa sqi srd
    srp ssw sun swa swe tah tam tat tel tgk tgl tha tib tir ton tsn tso tuk tur twi uig ukr urd uzb ven vie vol wel
    wln wol xho yid yor zha zho zul
    ast ceb cmn fil gsw haw hmn mis mul nds scn und yue
"""
_NAMES = """
    afrikaans albanian amharic arabic armenian azerbaijani basque belarusian bengali bosnian bulgarian burmese cantonese
    castilian catalan chinese croatian czech danish dutch english esperanto estonian farsi filipino finnish flemish
    french galician georgian german greek gujarati hebrew hindi hungarian icelandic indonesian irish italian japanese
    kannada kazakh khmer korean kurdish lao latin latvian lithuanian macedonian malay malayalam maltese mandarin
    marathi mongolian nepali norwegian persian polish portuguese punjabi romanian russian serbian sinhala slovak
    slovene slovenian somali spanish swahili swedish tagalog tamil telugu thai tibetan turkish ukrainian urdu uzbek
    vietnamese welsh yiddish zulu
    dansk deutsch eesti español français hrvatski italiano magyar nederlands norsk polski português română shqip
    slovenčina suomi svenska türkçe čeština ελληνικά русский українська עברית العربية हिन्दी ไทย 中文 日本語 한국어
"""
_LANGUAGES = frozenset(f"{_CODES} {_NAMES}".split())
# "pt-BR", "zh_Hans_CN", "es-419", "en-orig": the language of a BCP 47 tag, and its subtags.
_TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*")


def subtitle_files(video: Path) -> list[Path]:
    """The subtitle files beside a video that belong to it, in order of their names; those over 16 MiB are left out.

    Args:
        video: its path.
    """
    return SubtitleFolder(video.parent).files_of(video)


class SubtitleFolder:
    """A folder whose files are listed once, for all videos in it: a thousand videos are not a thousand listings.

    Args:
        folder: its path; one that cannot be listed is as good as empty.
    """

    def __init__(self, folder: Path) -> None:
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError:
            names = []
        self._folder = folder
        self._videos: set[str] = set()
        self._subtitles: dict[str, list[str]] = {}
        for name in names:
            stem, _, ending = name.rpartition(".")
            if f".{ending.lower()}" in VIDEO_ENDINGS:
                self._videos.add(stem)
            elif f".{ending.lower()}" in SUBTITLE_ENDINGS:
                for beginning in _beginnings(stem):
                    self._subtitles.setdefault(beginning, []).append(name)

    def files_of(self, video: Path) -> list[Path]:
        """The subtitle files that belong to a video of the folder; see `subtitle_files`."""
        files = [self._folder / name for name in self._subtitles.get(video.stem, ())]
        try:
            return [
                file
                for file in files
                if is_subtitle_of(file.stem, video.stem, self._videos.intersection(_beginnings(file.stem)))
                and file.is_file()
                and file.stat().st_size <= MAX_FILE_BYTES
            ]
        except OSError:
            return []


def _beginnings(name: str) -> list[str]:
    """The names that a video may have to whose subtitles a name belongs.

    >>> _beginnings("talk.en.forced")
    ['talk.en.forced', 'talk.en', 'talk']
    """
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def is_subtitle_of(name: str, video: str, others: Iterable[str] = ()) -> bool:
    """Whether a subtitle file's name says that it belongs to a video.

    Args:
        name: the subtitle file's name without its ending.
        video: the video's.
        others: those of all videos in the folder; the one that has more of the name in common owns the file.

    >>> [is_subtitle_of(name, "talk") for name in ("talk", "talk.en", "talk.pt-BR.forced", "talk.2", "talks")]
    [True, True, True, False, False]
    >>> is_subtitle_of("talk.en.forced", "talk", ["talk", "talk.en"])
    False
    """
    if name == video:
        return True
    if not name.startswith(f"{video}."):
        return False
    if any(len(other) > len(video) and f"{name}.".startswith(f"{other}.") for other in others):
        return False
    return all(_is_language(part) or part in _MARKS for part in name[len(video) + 1 :].lower().split("."))


def _is_language(part: str) -> bool:
    tag = _TAG.fullmatch(part)
    return part in _LANGUAGES or (tag is not None and tag[1] in _LANGUAGES)
