"""Remembers the runs of this program on one store, so that presence that an ended one left behind counts no more."""

from __future__ import annotations

from functools import partial

import msgspec

from mm_tui import typed_json
from mm_tui.store.database import Database
from mm_tui.store.decisions.locks import Process, place
from mm_tui.store.state import StateStore

NAME = "presence.runs"
MOST = 20
"""The most runs that are remembered: presence outlasts a run by minutes."""


class Run(msgspec.Struct, frozen=True):
    token: str
    """The token in its presence tags."""
    owner: Process
    place: str


def ended_runs(database: Database, token: str) -> frozenset[str]:
    """Remembers the run that begins now by its token; returns the tokens of those that have ended. A run counts as
    ended if this machine's process table says so, or if it was an earlier session of this process."""
    state, this, here = StateStore(database, kept=True), Process.this(), place()
    none: tuple[Run, ...] = ()
    runs = state.read(NAME, partial(typed_json.read, tuple[Run, ...]), none)
    state.note(NAME, typed_json.dumped([*runs[1 - MOST :], Run(token, this, here)]))
    return frozenset(run.token for run in runs if run.place == here and (run.owner == this or not run.owner.is_alive()))
