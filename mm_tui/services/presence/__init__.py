"""Presence: who has which email open, shown by advisory tags at the gateway."""
