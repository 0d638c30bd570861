"""Who has what open: advisory tags at the gateway."""
