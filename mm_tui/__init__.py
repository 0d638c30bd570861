"""mm-tui: a terminal inbox where humans oversee the email that AI agents handle."""

__version__ = "0.2.0"
