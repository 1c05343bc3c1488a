"""A timeline → a folder to look at and to take away: a page, subtitles, tables, JSON, pictures.

`write_report` writes the folder, `read_timeline` reads it back; each format has a file of its own:
`page` (the HTML page), `subtitles` (SubRip and WebVTT), `tables` (CSV), `interop` (what other programs read).
"""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "read_timeline": "muybridge.report.folder",
    "render_page": "muybridge.report.page",
    "segments_to_csv": "muybridge.report.tables",
    "segments_to_srt": "muybridge.report.subtitles",
    "segments_to_vtt": "muybridge.report.subtitles",
    "signals_to_csv": "muybridge.report.tables",
    "to_activitynet": "muybridge.report.interop",
    "to_ffmetadata": "muybridge.report.interop",
    "write_report": "muybridge.report.folder",
}

__getattr__, __dir__ = attach(__name__, _NAMES, ("folder", "interop", "page", "subtitles", "tables"))
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.report.folder import read_timeline as read_timeline, write_report as write_report
    from muybridge.report.interop import to_activitynet as to_activitynet, to_ffmetadata as to_ffmetadata
    from muybridge.report.page import render_page as render_page
    from muybridge.report.subtitles import (
        segments_to_srt as segments_to_srt,
        segments_to_vtt as segments_to_vtt,
    )
    from muybridge.report.tables import segments_to_csv as segments_to_csv, signals_to_csv as signals_to_csv
