"""Starts the sandbox, its demo agent and its sample mail."""
