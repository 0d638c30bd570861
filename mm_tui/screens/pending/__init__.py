"""The queue of waiting email: reading, editing, deciding."""
