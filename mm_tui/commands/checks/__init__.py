"""The checks of `mm-tui doctor`."""
