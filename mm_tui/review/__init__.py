"""The sans-IO core of review: what may be released, when, and in which order."""
