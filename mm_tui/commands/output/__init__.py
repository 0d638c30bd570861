"""What the commands share: printing, exit statuses, logs."""
