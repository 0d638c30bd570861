"""The audit log, the history of an email and the track record of a mailbox."""
