"""A store of videos, segments and texts, and its queries."""
