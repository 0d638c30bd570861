"""The audit log, the history of a mail and the track record of a mailbox."""
