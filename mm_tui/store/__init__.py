"""SQLite: mail, pending items, assist results, edits and the journal."""
