"""Deciding about waiting emails: the procedure with the gateway, the store and the clock."""
