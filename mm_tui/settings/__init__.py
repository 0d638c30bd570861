"""Settings, profiles and keys, and how they are read from file and environment."""
