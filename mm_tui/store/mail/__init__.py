"""Mail, its search index and the queue."""
