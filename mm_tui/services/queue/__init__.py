"""The queue of waiting email, as it is read, filtered and due."""
