"""Two real processes and a scripted second reviewer on one gateway: nothing is sent twice, each reads the truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from queue import Empty

import pytest

from tests.support.reviewer_process import decide_all, processes
from tests.support.sandbox import Sandbox

DRAFTS = 12


def told_by(
    sandbox: Sandbox, folders: dict[str, Path], items: list[str], act: str, script: dict[str, str]
) -> dict[str, dict[str, tuple[str, str]]]:
    """Lets a process of each reviewer decide about all items while `script` is decided by hand.

    Returns:
        For each email what each reviewer read: phase and words.
    """
    context = processes()
    said = context.Queue()
    running = [
        context.Process(
            target=decide_all,
            args=(str(folder), sandbox.url, sandbox.keys, sandbox.mailbox, items, reviewer, act, said),
        )
        for reviewer, folder in folders.items()
    ]
    for process in running:
        process.start()
    for item, action in script.items():
        if sandbox.status(item) == "pending_send_approval":
            sandbox.http.post(
                "/v1/oversight/decide",
                json={"email_id": item, "action": action},
                headers={"Authorization": f"Bearer {sandbox.keys['oversight']}"},
            )
    reported: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for _ in range(len(items) * len(folders)):
        try:
            reviewer, item, phase, words = said.get(timeout=90)
        except Empty:
            raise AssertionError(f"a reviewer fell silent: {dict(reported)}") from None
        reported[item][reviewer] = (phase, words)
    for process in running:
        process.join(30)
        assert process.exitcode == 0
    return reported


@pytest.mark.parametrize("one_machine", [True, False])
def test_two_programs_and_a_second_reviewer_release_nothing_twice(
    sandbox: Sandbox, tmp_path: Path, one_machine: bool
) -> None:
    items = [sandbox.draft(f"Draft {number}") for number in range(DRAFTS)]
    script = {items[-1]: "approve", items[-2]: "reject", items[-3]: "approve"}
    names = ("kim", "robin")
    folders = {name: tmp_path / ("shared" if one_machine else name) for name in names}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    reported = told_by(sandbox, folders, items, "approve", script)
    left = Counter(mail["id"] for mail in sandbox.outbox())
    assert max(left.values()) == 1
    decided = Counter(call["status"] for call in sandbox.calls("POST", "/oversight/decide"))
    assert decided[200] == DRAFTS
    for item, answers in reported.items():
        done = [name for name, (phase, _) in answers.items() if phase == "done"]
        assert len(done) <= 1, answers
        for name, (phase, words) in answers.items():
            # Both use one key: whoever is refused after the call cannot know whether the call had come twice.
            if phase == "decided":
                assert "no answer tells whether by your call" in words, answers
            elif name not in done:
                assert phase in ("refused", "elsewhere"), answers
                told_why = ("has been deciding", "elsewhere by", "approved it at", "rejected")
                assert any(why in words for why in told_why), answers
        assert (item in left) == (sandbox.status(item) in ("sent", "delivered"))


@pytest.mark.parametrize("one_machine", [True, False])
def test_two_programs_that_edit_the_same_drafts_release_one_edit_each(
    sandbox: Sandbox, tmp_path: Path, one_machine: bool
) -> None:
    items = [sandbox.draft(f"Draft {number}") for number in range(6)]
    names = ("kim", "robin")
    folders = {name: tmp_path / ("shared" if one_machine else name) for name in names}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    threads = {sandbox.look(item)["thread_id"]: item for item in items}
    reported = told_by(sandbox, folders, items, "edit", {})
    left = Counter(threads[sandbox.look(mail["id"])["thread_id"]] for mail in sandbox.outbox())
    assert not left or max(left.values()) == 1, "two edits of one draft left"
    for item, answers in reported.items():
        phases = sorted(phase for phase, _ in answers.values())
        assert phases.count("done") == left[item], answers
        assert item not in {mail["id"] for mail in sandbox.outbox()}
