"""The mailboxes screen."""
