"""The worker's log: one event a line, as words or as JSON. No bodies, no addresses, no keys."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, TextIO

from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.clock import Clock


class Log:
    """Writes to standard output, or to what is given."""

    def __init__(self, clock: Clock, *, as_json: bool = False, stream: TextIO | None = None) -> None:
        self._clock = clock
        self._as_json = as_json
        self._stream = stream or sys.stdout

    def __call__(self, event: str, **fields: str | int | float | bool | None) -> None:
        """Writes one event. Fields that are None are left out; texts are cleaned."""
        at = self._clock.now().isoformat(timespec="milliseconds")
        shown = {name: _clean(value) for name, value in fields.items() if value is not None}
        if self._as_json:
            line = json.dumps({"at": at, "event": event, **shown}, ensure_ascii=True)
        else:
            words = [f"{name}={value!r}" if " " in str(value) else f"{name}={value}" for name, value in shown.items()]
            line = " ".join([at, event, *words])
        self._stream.write(OneLine(line) + "\n")
        self._stream.flush()


def _clean(value: str | int | float | bool) -> str | int | float | bool:
    return str(OneLine(value))[:500] if isinstance(value, str) else value
