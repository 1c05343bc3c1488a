"""The pass that decodes once for all observers, its cache, and analyze()."""
