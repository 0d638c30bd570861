"""The decision procedure as pure functions: state, events and what follows. It does no I/O."""
