"""A stand-in for the model: simple rules behind an AI21-compatible API."""
