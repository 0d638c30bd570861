"""Mail, its search index and what waits."""
