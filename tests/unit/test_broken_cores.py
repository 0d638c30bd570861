"""Each promise is watched: a decision core with one passage changed is caught by a walk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest

from mm_tui.decision import machine
from mm_tui.decision.events import Event
from mm_tui.decision.state import Act, Case, State
from tests.support.decision_scopes import DEEPER, SCOPES
from tests.support.decision_walk import Walker
from tests.support.decision_world import Broken, Move, Scope

MACHINE, EDIT, MOVES, BACK = "machine", "replacement", "moves", "reading_back"
MUTATIONS: dict[str, tuple[Scope, str, str, str]] = {
    "no check before the decision": (
        SCOPES["approve"],
        MACHINE,
        "return check(state) if isinstance(event, Elapsed)",
        "return decide(state, approve=True) if isinstance(event, Elapsed)",
    ),
    "the digest is not compared": (
        SCOPES["approve"],
        MACHINE,
        "        return end(state, Outcome.CHANGED, snapshot=snapshot)\n    if state.case.act is",
        "        pass\n    if state.case.act is",
    ),
    "a send time that has passed is not noticed": (
        SCOPES["approve for a set time"],
        MACHINE,
        "        return end(state, Outcome.TOO_LATE, snapshot=snapshot)",
        "        pass",
    ),
    "a lost decision is repeated": (
        SCOPES["approve"],
        MACHINE,
        "            return doubt(state, words)",
        "            return decide(state, approve=True)",
    ),
    "a lost decision counts as done": (
        SCOPES["approve"],
        MACHINE,
        "            return doubt(state, words)",
        "            return end(state, Outcome.APPROVED)",
    ),
    "a refused decision counts as done": (
        SCOPES["reject"],
        MACHINE,
        "            return read_back(state, words)",
        "            return end(state, Outcome.REJECTED)",
    ),
    "undo once the call is under way": (
        SCOPES["approve"],
        MACHINE,
        "return end(state, Outcome.UNDONE) if can_undo(state) else stay(state)",
        "return end(state, Outcome.UNDONE) if can_undo(state) or state.step is Step.CALL else stay(state)",
    ),
    "undo ends with the hold": (
        SCOPES["approve"],
        MACHINE,
        "return _is_first(state) and state.step in (Step.HOLD, Step.CHECK, Step.ASK)",
        "return _is_first(state) and state.step is Step.HOLD",
    ),
    "a quit lets a check go on": (
        SCOPES["approve"],
        MACHINE,
        "return end(state, Outcome.FELL_BACK) if can_undo(state) else (replace(state, closing=True), ())",
        "return stay(state)",
    ),
    "an edit goes on after a quit": (
        SCOPES["edit and release"],
        MACHINE,
        "    if state.step not in (Step.CALL, Step.RECORD):\n        return stay(state)\n    following, effects",
        "    if state.step not in (Step.CALL, Step.RECORD):\n        return _advance(state, event)\n"
        "    following, effects",
    ),
    "the answer to a call makes the next one after a quit": (
        SCOPES["edit and release"],
        MACHINE,
        "return following, tuple(effect for effect in effects if isinstance(effect, WriteEntry | DropText))",
        "return replace(following, closing=False), effects",
    ),
    "a call that was not begun counts as in doubt": (
        SCOPES["approve"],
        MACHINE,
        "return end(state, Outcome.UNDONE if undone else Outcome.FELL_BACK)",
        "return read_back(state)",
    ),
    "a hold that was slept through ends": (
        SCOPES["approve"],
        MACHINE,
        "return (state, (Hold(),)) if state.step is Step.HOLD else stay(state)",
        "return check(state) if state.step is Step.HOLD else stay(state)",
    ),
    "a look during the hold ends it": (
        SCOPES["approve"],
        MACHINE,
        "return replace(on_time, step=Step.HOLD, todo=()), (Hold(restarts=False),)",
        "return decide(on_time, approve=True)",
    ),
    "what is read during the hold is called upon": (
        SCOPES["approve"],
        MACHINE,
        "(snapshot.remote_state, snapshot.digest) != (waits, state.seen) and (",
        "True and (",
    ),
    "what another did during the hold is shown only after it": (
        SCOPES["approve"],
        MACHINE,
        "                return _checked(on_time, snapshot)",
        "                pass",
    ),
    "a held decision survives a crash": (
        SCOPES["approve"],
        MACHINE,
        "    if can_undo(state):\n        return end(state, Outcome.FELL_BACK)\n    if",
        "    if can_undo(state):\n        return check(state)\n    if",
    ),
    "a crash is not asked about": (SCOPES["edit and release"], MACHINE, "stale=True, question=None", "question=None"),
    "a lost network is not asked about": (
        SCOPES["edit and release"],
        MACHINE,
        "replace(state, stale=True, said=words), (Pause(),)\n        case Elapsed",
        "replace(state, said=words), (Pause(),)\n        case Elapsed",
    ),
    "a decision in doubt is not remembered": (
        SCOPES["approve"],
        MOVES,
        "doubting = replace(in_doubt(state), ",
        "doubting = replace(state, ",
    ),
    "the release is not journaled": (
        SCOPES["approve"],
        MOVES,
        '        WriteEntry(entry, about, "approve" if approve else "reject"),\n',
        "",
    ),
    "the submission is not journaled": (
        SCOPES["edit and release"],
        MOVES,
        "        WriteEntry(EntryKind.SUBMITTING, state.case.item, state.case.fingerprint),\n",
        "",
    ),
    "the edit is submitted without a look at the original": (
        SCOPES["edit and release"],
        EDIT,
        "    if snapshot.remote_state is not RemoteState.PENDING:\n        return end(state, Outcome.ELSEWHERE",
        "    if False:\n        return end(state, Outcome.ELSEWHERE",
    ),
    "the original is retired after the release": (
        SCOPES["edit and release"],
        EDIT,
        "return check(replace(state, verified=snapshot.digest), Stage.RETIRE)",
        "return decide(replace(state, verified=snapshot.digest, stage=Stage.RELEASE), approve=True)",
    ),
    "what the gateway made of the edit is not compared": (
        SCOPES["edit and release"],
        EDIT,
        "if snapshot.fingerprint != state.case.fingerprint and snapshot.digest != state.verified:",
        "if False:",
    ),
    "another's rejection is overruled": (
        SCOPES["edit and release"],
        EDIT,
        "    return ask(state, Question.RETIRED_UNSURE if ours else Question.ORIGINAL_CLOSED, snapshot=snapshot)",
        "    return check(state, Stage.RELEASE)",
    ),
    "an original released elsewhere does not stop the edit": (
        SCOPES["edit and release"],
        EDIT,
        "        return withdraw(state, forced=True, snapshot=snapshot)\n    if not",
        "        return decide(replace(state, stage=Stage.RELEASE), approve=True)\n    if not",
    ),
    "two releases are not called an incident": (
        SCOPES["edit and release"],
        EDIT,
        "return end(state, Outcome.INCIDENT, snapshot=snapshot)",
        "return end(state, Outcome.EDIT_RELEASED, snapshot=snapshot)",
    ),
    "a lost withdrawal counts as done": (
        SCOPES["edit and release"],
        EDIT,
        "        case CallRefused(words) | CallConflict(words):\n            return read_back(state, words)\n"
        "        case OutcomeUnknown(words):\n            return doubt(state, words)\n"
        "    return stay(state)\n\n\ndef _withdrawn",
        "        case CallRefused(words) | CallConflict(words) | OutcomeUnknown(words):\n"
        "            return _withdrawn(state)\n"
        "    return stay(state)\n\n\ndef _withdrawn",
    ),
    "looking again repeats a call in doubt": (
        SCOPES["edit and release"],
        EDIT,
        "if choice is Choice.LOOK and state.called and state.question not in ABOUT_RELATIVES:",
        "if False:",
    ),
    "the text is dropped once it is submitted": (
        SCOPES["edit and release"],
        MOVES,
        "WriteEntry(EntryKind.SUBMITTED, email_id, state.case.fingerprint), *looks)",
        "WriteEntry(EntryKind.SUBMITTED, email_id, state.case.fingerprint), __import__("
        '"mm_tui.decision.effects", fromlist=["DropText"]).DropText(), *looks)',
    ),
    "earlier edits are not looked at": (
        SCOPES["edit and release, then approve"],
        MOVES,
        "        ahead = state.versions\n    elif",
        "        ahead = ()\n    elif",
    ),
    "it is not shown who decided": (
        SCOPES["approve"],
        BACK,
        "        return end(state, Outcome.ELSEWHERE, snapshot=snapshot)\n    # Only",
        "        return end(state, Outcome.ELSEWHERE)\n    # Only",
    ),
    "what tags say is not looked at": (
        SCOPES["approve beside a colleague's edit"],
        MACHINE,
        "fresh = newly_named(state, snapshot)\n            state",
        "fresh: tuple[str, ...] = ()\n            state",
    ),
    "an edit of another that left does not stop ours": (
        DEEPER["edit and release beside a colleague's edit"],
        MACHINE,
        "    if snapshot.remote_state.is_settled_unreleased:\n        return read_on(state, rest)\n    if about in",
        "    if snapshot.remote_state.is_settled_unreleased or snapshot.remote_state is RemoteState.RELEASED:\n"
        "        return read_on(state, rest)\n    if about in",
    ),
    "an edit of another that waits is not asked about": (
        SCOPES["approve beside a colleague's edit"],
        MACHINE,
        "elif about in state.beside:",
        "else:\n            return read_on(state, rest)\n        if about in state.beside:",
    ),
    "other versions are not read after the release": (
        SCOPES["approve beside a colleague's edit"],
        MOVES,
        "todo=state.versions, question=None)",
        "todo=(), question=None)",
    ),
    "what left is not compared with what was seen": (
        SCOPES["approve"],
        BACK,
        "Outcome.NOT_AS_SEEN if is_other(snapshot, state.seen) else outcome",
        "outcome",
    ),
    "what left of an edit is not compared with what was seen": (
        DEEPER["edit and release, rewritten"],
        MOVES,
        "Outcome.NOT_AS_SEEN if differs else Outcome.EDIT_RELEASED",
        "Outcome.EDIT_RELEASED",
    ),
    "a repeated call is shown as another's": (
        SCOPES["approve"],
        BACK,
        "called = state.called or state.step is Step.DOUBT",
        "called = state.called",
    ),
    "another's rejection is recorded as ours": (
        SCOPES["reject"],
        BACK,
        "return _decided(state, Outcome.DECIDED, snapshot)",
        "return _decided(state, Outcome.REJECTED, snapshot)",
    ),
    "what was decided with our key counts as decided by our call": (
        SCOPES["approve, known by name"],
        BACK,
        "return _decided(state, Outcome.DECIDED, snapshot)",
        "return _decided(state, Outcome.APPROVED if snapshot.is_ours else Outcome.DECIDED, snapshot)",
    ),
    "another's approval is recorded as ours": (
        SCOPES["approve, known by name"],
        BACK,
        "snapshot.remote_state is not wanted or snapshot.is_ours is False:",
        "snapshot.remote_state is not wanted:",
    ),
    "one approval is enough where two are needed": (
        SCOPES["second of two approvals"],
        MACHINE,
        "state.case.needs_second and not snapshot.is_approved_by_other",
        "False",
    ),
    "the reviewer's own first approval counts as another's": (
        SCOPES["both approvals by one reviewer"],
        MACHINE,
        "not snapshot.is_approved_by_other",
        "not (snapshot.is_approved_by_other or snapshot.is_approved_by_us)",
    ),
    "a first approval releases": (
        SCOPES["first of two approvals"],
        MACHINE,
        "    if state.case.act is Act.APPROVE_FIRST:\n        return _first_approval(state, snapshot)",
        "    if state.case.act is Act.APPROVE_FIRST:\n        return decide(state, approve=True)",
    ),
    "an edit is released by its writer alone": (
        SCOPES["edit and approve first"],
        EDIT,
        "    if not state.case.needs_second:",
        "    if True:",
    ),
    "a lost first approval counts as recorded": (
        SCOPES["first of two approvals"],
        BACK,
        "if state.case.act is Act.APPROVE_FIRST and snapshot.is_approved_by_us:",
        "if state.case.act is Act.APPROVE_FIRST:",
    ),
    "a lost first approval of an edit counts as recorded": (
        SCOPES["edit and approve first"],
        EDIT,
        "if state.case.needs_second and snapshot.is_approved_by_us and snapshot.digest == state.verified:",
        "if state.case.needs_second:",
    ),
    "an answer is taken that was not asked for": (
        SCOPES["approve"],
        MACHINE,
        "return _answer(state, choice) if choice in state.choices else stay(state)",
        "return _answer(state, choice)",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_core_is_caught(name: str) -> None:
    scope, module, old, new = MUTATIONS[name]
    with broken_core(module, old, new) as (begin, step):
        broken = replace(scope, begin=begin, step=step)
        with pytest.raises(Broken):
            Walker(broken).walk()


def test_acting_beside_an_earlier_doubt_is_caught() -> None:
    for name in ("approve, then edit and release", "edit and release, then approve"):
        scope = Scope(SCOPES[name].acts, others=False, glitches=False, doubtful=lambda *_, **__: False)
        with pytest.raises(Broken, match="R3: this client released"):
            Walker(scope).walk()


def test_the_unbroken_core_loads_in_the_same_way() -> None:
    with broken_core(MACHINE, "def begin", "def begin") as (begin, step):
        counted = Walker(Scope((Act.APPROVE,), begin=begin, step=step)).walk()
    assert counted.states == Walker(SCOPES["approve"]).walk().states


_numbers = count()


@contextmanager
def broken_core(
    module: str, old: str, new: str
) -> Iterator[tuple[Callable[[Case], Move], Callable[[State, Event], Move]]]:
    """The core from its own source with one passage changed, as modules of their own."""
    prefix = f"broken_core_{next(_numbers)}"
    folder = Path(machine.__file__).parent
    made: list[str] = []
    try:
        for name in (MOVES, EDIT, BACK, MACHINE):
            source = (folder / f"{name}.py").read_text("utf-8")
            if name == module:
                assert source.count(old) == 1, f"the passage to change stands {source.count(old)} times in {name}.py"
                source = source.replace(old, new)
            for other in (MOVES, BACK):
                source = source.replace(f"from mm_tui.decision.{other} import", f"from {prefix}_{other} import")
            source = source.replace("from mm_tui.decision import replacement", f"import {prefix}_{EDIT} as replacement")
            changed = ModuleType(f"{prefix}_{name}")
            sys.modules[changed.__name__] = changed
            made.append(changed.__name__)
            exec(compile(source, changed.__name__, "exec"), changed.__dict__)
        core = import_module(f"{prefix}_{MACHINE}")
        yield core.begin, core.step
    finally:
        for name in made:
            del sys.modules[name]
