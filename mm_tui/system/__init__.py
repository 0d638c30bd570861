"""What depends on the computer: its time zone, its host names, and files that only their owner can read."""
