"""The audit screen and the history of a mail."""
