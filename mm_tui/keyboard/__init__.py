"""Keys and pasted text, on their way to the screens."""
