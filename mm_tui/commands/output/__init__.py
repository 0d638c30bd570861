"""Shared by the commands: printing, exit statuses, logs."""
