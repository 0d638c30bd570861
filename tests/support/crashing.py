"""Starts the program with one broken function, which raises with every key in its locals, message and notes.

    python -m tests.support.crashing mm_tui.store.mail.mails:MailStore.rows [arguments of mm-tui]

The keys are taken from PLANTED_KEYS, separated by spaces.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from typing import Any


def break_function(place: str) -> None:
    """Replaces the function at `module:Class.name` by one that raises."""
    module_name, _, path = place.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    before = inspect.getattr_static(owner, name)
    keys = os.environ["PLANTED_KEYS"]

    def broken(*_args: Any, **_kwargs: Any) -> Any:
        subject = f"the keys are {keys}"
        error = RuntimeError(subject)
        error.add_note(subject)
        try:
            raise KeyError(subject)
        except KeyError as cause:
            raise error from cause

    async def broken_later(*_args: Any, **_kwargs: Any) -> Any:
        return broken()

    plain = before.__func__ if isinstance(before, classmethod | staticmethod) else before
    replacement: Any = broken_later if inspect.iscoroutinefunction(plain) else broken
    if isinstance(before, classmethod):
        replacement = classmethod(replacement)
    setattr(owner, name, replacement)


if __name__ == "__main__":
    break_function(sys.argv.pop(1))
    from mm_tui.cli import main

    main()
