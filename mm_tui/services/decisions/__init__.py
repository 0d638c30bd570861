"""Deciding about waiting mail: the procedure with the gateway, the store and the clock."""
