"""The queue of waiting mail: reading, editing, deciding."""
