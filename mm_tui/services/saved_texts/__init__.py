"""Texts that a human wrote and that were not sent yet: edits of drafts, replies, and what a run left behind."""
