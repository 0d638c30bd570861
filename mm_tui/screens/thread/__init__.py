"""The thread screen, with replies."""
