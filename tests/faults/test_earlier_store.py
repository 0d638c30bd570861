"""A store that version 0.1.0 left behind, killed in the middle of two decisions: today's program opens it without loss.

`tests/data/store-0.1.0.tar.xz` holds the store, what the gateway knew (`gateway.json`, the sandbox's rows by table) and
`names.json` with the ids: one draft approved, one rejected, one with an unsent edit, one whose edit was submitted and
not yet released, one whose approval had no answer, and one mail that a reply was being written to.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.services.decisions.record import state_of
from mm_tui.services.decisions.view import Phase
from mm_tui.services.saved_texts.edits import Edits
from mm_tui.services.saved_texts.replies import Replies
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.migrations import MIGRATIONS, version
from tests.support.desk import at_desk
from tests.support.sandbox import Sandbox, running_sandbox

EARLIER = Path(__file__).parents[1] / "data" / "store-0.1.0.tar.xz"
UNSENT = "Dear Anna,\n\nwritten by a human — ほら, ünsaved.  \n"
JOURNAL = (
    ["held", "deciding", "done", "ended"] * 2
    + ["held", "submitting", "submitted", "retiring"]
    + ["held", "deciding"]
)  # fmt: skip


@pytest.fixture
def left(tmp_path: Path) -> dict[str, str]:
    """Unpacks what the earlier version left; the ids by what became of the drafts."""
    with tarfile.open(EARLIER) as archive:
        archive.extractall(tmp_path, filter="data")
    names: dict[str, str] = json.loads((tmp_path / "names.json").read_text("utf-8"))
    return names


@pytest.fixture
def sandbox(tmp_path: Path, left: dict[str, str]) -> Iterator[Sandbox]:
    """A sandbox that knows what the earlier version's did."""
    tables = json.loads((tmp_path / "gateway.json").read_text("utf-8"))

    def fill(state: SandboxState) -> None:
        with state.write() as connection:
            for table, content in tables.items():
                connection.execute(f"DELETE FROM {table}")
                columns, marks = ", ".join(content["columns"]), ", ".join("?" * len(content["columns"]))
                connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", content["rows"])

    with running_sandbox(tmp_path, fill=fill) as running:
        yield running


def test_everything_that_a_human_wrote_or_did_is_there(tmp_path: Path, left: dict[str, str]) -> None:
    database = Database.open(tmp_path / "store.db")
    try:
        assert version(database.reader()) == len(MIGRATIONS)
        verdict = Journal(database).verify()
        assert verdict.ok, verdict
        entries = list(Journal(database).entries())
        assert [str(entry.kind) for entry in entries] == JOURNAL
        assert {entry.email_id for entry in entries} >= {left[name] for name in ("approved", "rejected", "doubtful")}
        edits = {edit.item_id: edit for edit in EditStore(database).all()}
        assert {item: edit.text.body for item, edit in edits.items()} == {
            left["edited"]: UNSENT,
            left["replaced"]: "Dear Anna, a better text.",
        }
        assert edits[left["edited"]].base.body == "Dear Anna, this is the draft edited."
        assert edits[left["edited"]].text.to == ("anna@customer.example",)
        assert Replies(database, Edits(database)).get(left["answered"]) == "A half-written reply\n"
        states = {row.item_id: state_of(row) for name in left for row in DecisionStore(database).family(left[name])}
        snapshots = {name: states[left[name]].snapshot for name in ("approved", "rejected", "doubtful")}
        assert {name: one and one.status for name, one in snapshots.items()} == {
            "approved": "delivered",
            "rejected": "rejected",
            "doubtful": None,
        }
        assert {item.email_id for item in PendingStore(database).waiting()} >= {left["edited"], left["doubtful"]}
        assert Edits(database).left_over() == [], "both belong to mail that waits"
        assert len(MailStore(database).mailboxes()) == 3
        assert len(database.reader().execute("SELECT * FROM mail").fetchall()) == 10
    finally:
        database.close()


async def test_decisions_on_their_way_are_asked_about_and_can_be_finished(
    tmp_path: Path, left: dict[str, str], sandbox: Sandbox
) -> None:
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.decisions.resume()
        for name in ("replaced", "doubtful"):
            view = await desk.settled(left[name])
            assert view.phase is Phase.ASKING and view.question is not None, (name, view)
            assert sandbox.status(left[name]) == "pending_send_approval"
        assert [mail["id"] for mail in sandbox.outbox()] == [left["approved"]], "nothing left because of the opening"
        ended = desk.decisions.overview.state(left["approved"])
        assert ended is None or ended.ended
        # The edit from before is released now, with the text that was typed then.
        mail = await desk.read(left["mailbox"], left["edited"])
        edit = EditStore(desk.database).get(left["edited"])
        assert edit is not None
        await desk.release_edit(mail, edit.text.body)
        view = await desk.settled(left["edited"])
        assert view.phase is Phase.DONE, view
        assert sandbox.outbox()[-1]["body"].strip() == UNSENT.strip()
        assert EditStore(desk.database).get(left["edited"]) is None
        kinds = desk.kinds()
        assert kinds[: len(JOURNAL)] == JOURNAL, "the chain goes on from where it was"
        assert len(kinds) > len(JOURNAL)
