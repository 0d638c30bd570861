"""The queue of waiting emails: reading, editing, deciding."""
