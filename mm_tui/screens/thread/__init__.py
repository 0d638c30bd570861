"""A thread, and answering it."""
