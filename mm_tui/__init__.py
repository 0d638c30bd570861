"""mm-tui: a terminal inbox where humans oversee the e-mail that AI agents handle."""

__version__ = "0.2.0"
