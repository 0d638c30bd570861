"""The queue of waiting mail, as it is read, filtered and due."""
