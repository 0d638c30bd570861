"""The agent's log: one event per line, as text or JSON, without bodies, addresses or keys. As text, a line ends with
why something happened."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from mm_tui.clock import Clock
from mm_tui.text import OneLine

_ADDRESS = re.compile(r"[^\s<>\"'(),;:@]+@[^\s<>\"'(),;:@]+")


class Log:
    """Writes events as lines. `as_json`: a line is a JSON object."""

    def __init__(self, clock: Clock, write: Callable[[OneLine], None], *, as_json: bool = False) -> None:
        self._clock = clock
        self._as_json = as_json
        self._write = write

    def __call__(self, event: str, **fields: str | int | float | bool | None) -> None:
        """Writes one event. Fields that are None are left out; texts are cleaned."""
        at = self._clock.now().isoformat(timespec="milliseconds")
        shown = {name: _clean(value) for name, value in fields.items() if value is not None}
        if self._as_json:
            line = json.dumps({"at": at, "event": event, **shown}, ensure_ascii=True)
        else:
            why = shown.pop("why", "")
            words = [f"{name}={value!r}" if " " in str(value) else f"{name}={value}" for name, value in shown.items()]
            line = " ".join([at, event, *words]) + (f": {why}" if why else "")
        self._write(OneLine(line))


def _clean(value: str | int | float | bool) -> str | int | float | bool:
    # What the gateway says about a refusal may repeat an address.
    return _ADDRESS.sub("[address]", OneLine(value)[:500]) if isinstance(value, str) else value
