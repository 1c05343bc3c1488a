"""Arrays → numbers: each measure of the field, once."""
