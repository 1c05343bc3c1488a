"""A timeline → a page, subtitles, tables."""
