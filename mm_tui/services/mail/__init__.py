"""What can be done with one email: looked at, saved, marked as spam, cancelled; and mail that nobody received."""
