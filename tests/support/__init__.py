"""Shared helpers for tests; no tests here."""
