"""The queue of waiting emails: reading, filters and due times."""
