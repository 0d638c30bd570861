"""What `mm-tui doctor` checks of the stores."""

from __future__ import annotations

import shlex
import sqlite3
from pathlib import Path

import msgspec

from mm_tui.commands.checks import Check, Result, ok, problem, warning
from mm_tui.commands.output.exits import Exit
from mm_tui.services.decisions.record import UnreadableDecision, restored
from mm_tui.settings import paths
from mm_tui.settings.sections import Settings
from mm_tui.store.audit.journal import Journal
from mm_tui.store.belongs import Gateway, OtherGateway, bind
from mm_tui.store.connecting import NewerStore
from mm_tui.store.contents import damaged_records, unreadable
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.seal import StoreError, is_busy
from mm_tui.text import system_words


def store(settings: Settings) -> list[Check]:
    """Checks that the profile's store opens and is undamaged, and that its journal is intact."""
    return _store(settings, paths.store_path(settings.profile.name), "the app", memory=settings.sync.memory)


def agent_store(settings: Settings) -> list[Check]:
    """Does the same for the agent's store. That its other parts are in order is not said."""
    checks = _store(settings, paths.agent_store_path(settings.profile.name), "the agent")
    shown = [check for check in checks if check.name == "store" or check.result is not Result.OK]
    return [msgspec.structs.replace(check, name=f"agent.{check.name}") for check in shown]


def _store(settings: Settings, path: Path, user: str, *, memory: bool = False) -> list[Check]:
    if not path.exists():
        return [ok("store", f"none yet: created when {user} first uses it")]
    fault, rebuilds = "", f"Start {user}: it sets the file aside and builds a new one."
    try:
        with Database.open(path, memory=memory) as database:
            bind(database, Gateway.of(settings.profile), note=False)
            fault = _damage(database)
            whole = [problem("store", f"{path} is damaged: {fault}", rebuilds)] if fault else _records(database, path)
            return [*whole, *_journal(database, path), *_decisions(database), *_edits(database)]
    except NewerStore as error:
        return [problem("store", str(error), "Update mm-tui, or name another profile.")]
    except OtherGateway as error:
        return [problem("store", str(error), "Nothing is read from it or written to it until then.")]
    except StoreError as error:
        return [problem("store", str(error), f"{rebuilds} Mail is fetched again, unsent edits are rescued.")]
    except (OSError, sqlite3.Error) as error:
        if fault:
            return [problem("store", f"{path} is damaged: {fault}", rebuilds)]
        if is_busy(error):
            return [warning("store", f"{path} is busy: another program is writing to it", "Wait, and try again.")]
        return [problem("store", f"{path}: {system_words(error)}", "Check the space on the disk and the file's mode.")]


def _damage(database: Database) -> str:
    """What makes the next start rebuild the store; empty if nothing does."""
    if faults := database.check():
        return faults[0]
    if why := unreadable(database, models=False):
        database.mark_damaged()
    return why


def _records(database: Database, path: Path) -> list[Check]:
    found = [ok("store", str(path))]
    if damaged := [*dict.fromkeys(damaged_records(database))]:
        cure = "The rest works. `mm-tui sync`, or opening the email, reads it again; a model can be asked again."
        found.append(warning("store.records", "; ".join(damaged), cure))
    return found


def _journal(database: Database, path: Path) -> list[Check]:
    found: list[Check] = []
    if database.trouble is not None:
        store = f"--store {shlex.quote(str(path))}"
        cure = f"`mm-tui audit verify {store}` says more; to go on with it: `mm-tui audit accept {store}`"
        found.append(problem("store.head", str(database.trouble), cure, Exit.CHANGED))
    verdict = Journal(database).verify()
    if verdict.ok:
        return [*found, ok("journal", verdict.words)]
    cure = "Somebody or something changed it: keep the file, and compare with the gateway's audit log."
    return [*found, problem("journal", verdict.words, cure, Exit.CHANGED)]


def _decisions(database: Database) -> list[Check]:
    found: list[Check] = []
    undecided = DecisionStore(database).open()
    for row in undecided:
        try:
            restored(row)
        except UnreadableDecision as error:
            found.append(problem("decisions", str(error), "The old file, if the store was rebuilt, may tell more."))
    if undecided:
        cure = "Open the app, or `mm-tui pending answer ID`: the gateway is read and you are asked."
        found.append(warning("decisions", f"not finished: {', '.join(row.item_id for row in undecided)}", cure))
    return found


def _edits(database: Database) -> list[Check]:
    edits = len(EditStore(database).all())
    return [ok("edits", f"{edits} unsent {'edit is' if edits == 1 else 'edits are'} saved")] if edits else []
