"""The SQLite store: mail, the queue, model results, saved edits and the journal."""
