"""The journal and the audit log of the gateway."""
