"""Keeping the store in step with the gateway."""
