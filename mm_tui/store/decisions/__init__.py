"""Decisions, locks and edited texts."""
