"""The audit screen and the history of an email."""
