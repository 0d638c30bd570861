"""Settings, profiles and keys: what they are, and reading them from file and environment."""
