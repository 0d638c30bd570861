"""The terminal: what is written to it, whether that has arrived, what is read from it, and that it goes away."""
