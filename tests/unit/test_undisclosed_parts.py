"""An opened email whose cc, recipients or files the gateway does not disclose: unknown is not none (R11, R16)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mm_tui import typed_json
from mm_tui.decision.state import Outcome
from mm_tui.gateway import wire
from mm_tui.models import EditedDraft, EmailDetail
from mm_tui.review.digest import digest_of
from mm_tui.review.disclosure import disclosure, in_short
from mm_tui.review.draft import edited, fingerprint
from mm_tui.review.findings import Level
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Assessment, Draft, ThreadContext
from mm_tui.screens.pending.pages import draft_page
from mm_tui.services.decisions.view import Shown
from mm_tui.services.queue.assessing import edited_draft
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.sync.details import completed
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from tests.support.desk import at_desk
from tests.support.spec_gateway import spec_gateway

LISTED = {
    "id": "d1",
    "mailbox_id": "m1",
    "direction": "outbound",
    "from": "us@acme.example",
    "to": ["ann@x.example"],
    "subject": "Hi",
    "body_markdown": "Hello",
    "status": "pending_send_approval",
}
TOLD = {**LISTED, "markdown": "Hello", "cc": [], "attachments": []}


def opened(**changes: object) -> EmailDetail:
    """The opened email; a field that is `...` is left out."""
    fields = {name: value for name, value in {**TOLD, **changes}.items() if value is not ...}
    return wire.email_detail(fields, "m1")


@pytest.mark.parametrize(
    ("changes", "undisclosed"),
    [
        ({}, ()),
        ({"cc": None, "attachments": None}, ()),
        ({"cc": "", "attachments": "[]", "has_attachments": 0}, ()),
        ({"cc": ...}, ("cc",)),
        ({"to": ...}, ("to",)),
        ({"to": []}, ("to",)),
        ({"attachments": ...}, ("attachments",)),
        ({"attachments": "two files"}, ("attachments",)),
        ({"attachments": {"count": 2}}, ("attachments",)),
        ({"has_attachments": True}, ("attachments",)),
    ],
)
def test_what_an_answer_does_not_disclose_is_named(changes: dict[str, Any], undisclosed: tuple[str, ...]) -> None:
    assert opened(**changes).raw.undisclosed == undisclosed


def test_a_disclosed_bcc_is_shown_decided_on_and_kept_by_an_edit() -> None:
    item = completed(wire.pending_item(LISTED), opened(bcc=["Eve <eve@evil.example>"]))
    plain = completed(wire.pending_item(LISTED), opened())
    assert digest_of("d1", "m1", "outbound", item.raw) != digest_of("d1", "m1", "outbound", plain.raw)
    assert list(Shown.of(plain.raw).changed_fields(Shown.of(item.raw))) == [
        ("bcc", "nothing", "eve@evil.example (Eve)")
    ]
    for draft in (Draft.of(item), edited_draft(item, EditedDraft(("ann@x.example",), "Hi", "Hello"))):
        found = assess(draft, ThreadContext())
        (hidden,) = [one for one in found.findings if one.code == "hidden_copy"]
        assert hidden.level is Level.HIGH and "eve@evil.example" in hidden.words
        assert not any("bcc is not disclosed" in words for words in found.unchecked)
    mine = edited(item.raw, EditedDraft(("ann@x.example",), "Hi", "Hello"))
    assert mine.bcc == ("Eve <eve@evil.example>",) and fingerprint(mine) != fingerprint(mine.replaced(bcc=()))
    assert "bcc: eve@evil.example (Eve)" in disclosure(None, item.bcc)
    assert "eve@evil.example" in in_short(None, item.bcc, knows_send_time=False)[0]


def test_nothing_that_is_listed_is_left_out() -> None:
    mail = opened(cc=["a@x.example", {"mail": "b@x.example"}, ["c@x.example"]], attachments=["plan.pdf", 7, {}])
    assert len(mail.cc) == 3 and "b@x.example" in mail.cc[1].address and "c@x.example" in mail.cc[2].address
    assert [file.name for file in mail.attachments][:2] == ["plan.pdf", "7"] and len(mail.attachments) == 3


def test_they_are_high_risks_and_decided_alone() -> None:
    item = completed(wire.pending_item(LISTED), opened(cc=..., to=..., attachments=...))
    assert [party.address for party in item.to] == ["ann@x.example"], "as listed"
    for draft in (Draft.of(item), edited_draft(item, EditedDraft(("ann@x.example",), "Hi", "See attached."))):
        found = assess(draft, ThreadContext())
        words = [one.words for one in found.findings if one.level is Level.HIGH]
        assert any("cc" in line for line in words) and any("attachments" in line for line in words)
        assert found.why_alone
        # An edit is a new email, which has only what is known of the draft.
        assert draft.replaces == ("without" in " ".join(words)) == ("your edit" in " ".join(found.unchecked))
        assert "missing_attachment" not in {one.code for one in found.findings}
    assert any("recipients" in one.words for one in assess(Draft.of(item), ThreadContext()).findings)
    page = draft_page(QueueEntry(item, "0" * 64, Assessment())).text
    assert "attachments: not disclosed by the gateway" in page


def test_a_part_that_is_no_longer_disclosed_is_a_change() -> None:
    whole, undisclosed = opened(), opened(cc=..., attachments=...)
    digests = {digest_of(mail.id, mail.mailbox_id, mail.direction, mail.raw) for mail in (whole, undisclosed)}
    assert len(digests) == 2
    changed = {name for name, _, _ in Shown.of(whole.raw).changed_fields(Shown.of(undisclosed.raw))}
    assert changed == {"cc", "attached"}
    edit = EditedDraft(("bob@x.example",), "Hi", "Other")
    assert edited(opened(to=..., cc=...).raw, edit).undisclosed == ("cc",), "the human names the recipients"


def test_they_are_stored(database: Database) -> None:
    mail = opened(cc=..., attachments=..., headers={"Auto-Submitted": "auto-replied"})
    item = completed(wire.pending_item(LISTED), mail)
    stored = json.dumps(typed_json.values_of(item))
    assert '"untold": ["cc", "attachments"]' in stored, "as earlier versions wrote it, and read it"
    assert PendingStore.item_of(stored) == item
    MailStore(database).save_detail(mail, at=datetime.now(UTC))
    assert MailStore(database).detail(mail.id) == mail


def test_what_only_the_list_discloses_is_shown_and_counted() -> None:
    listed = wire.pending_item({**LISTED, "bcc": ["eve@evil.example"], "send_at": "2030-01-01T00:00:00Z"})
    item = completed(listed, opened())
    assert [party.address for party in item.bcc] == ["eve@evil.example"] and item.raw.send_at
    assert "hidden_copy" in {one.code for one in assess(Draft.of(item), ThreadContext()).findings}
    both = completed(listed, opened(bcc=["Eve <Eve@evil.example>", "bob@x.example"], send_at="2031-01-01T00:00:00Z"))
    assert both.raw.bcc == ("Eve <Eve@evil.example>", "bob@x.example") and both.raw.send_at.startswith("2031")
    again = completed(item, opened(), wire.pending_item(LISTED).raw)
    assert not again.bcc and not again.raw.send_at, "what no list tells any more"


@pytest.mark.parametrize("act", ["approve", "edit", "changed", "changed late"])
async def test_a_bcc_that_only_the_list_has_is_compared_by_the_check(tmp_path: Path, act: str) -> None:
    hidden, left_out = ["eve@evil.example"], list[str]()

    def distort(_method: str, path: str, status: int, reported: Any) -> tuple[int, str, bytes] | None:
        if not path.endswith("/oversight/pending"):
            return None
        # As while it is scanned, which ends before the email itself is read.
        waiting = [item for item in next(iter(reported.values())) if item["id"] not in left_out]
        left_out.clear()
        listed = [{**item, "bcc": hidden} for item in waiting]
        return status, "application/json", json.dumps({"emails": listed}).encode()

    with spec_gateway(distort=distort) as gateway:
        draft = gateway.agent_replies(gateway.inbound("Where is it?", "?"), "On its way.")
        async with at_desk(tmp_path, gateway.url, gateway.keys) as desk:
            (listed,) = await desk.gateway.pending()
            item = completed(listed, await desk.read(gateway.mailbox, draft))
            digest = digest_of(item.id, item.mailbox_id, item.direction, item.raw)
            if act == "edit":
                edit = EditedDraft(item.raw.to, item.raw.subject, "It comes today.")
                await desk.decisions.release_edit(item, digest, edit, hold=0)
            else:
                hidden += ["mallory@evil.example"] if act.startswith("changed") else []
                left_out += [draft] if act == "changed late" else []
                await desk.decisions.approve(item, digest, hold=0)
            view = await desk.settled(draft)
            wanted = {"approve": Outcome.APPROVED, "edit": Outcome.EDIT_RELEASED}
            assert view.outcome is wanted.get(act, Outcome.CHANGED) and len(gateway.left) == (act in wanted)
            if act not in wanted:
                assert view.changed is not None and view.changed.base is not None and view.changed.now is not None
                ((name, _, now),) = view.changed.base.changed_fields(view.changed.now)
                assert name == "bcc" and "mallory@evil.example" in now


@pytest.mark.parametrize("name", ["cc", "attachments"])
async def test_nothing_is_approved_whose_parts_the_check_does_not_disclose(tmp_path: Path, name: str) -> None:
    missing: set[str] = set()

    def distort(method: str, path: str, status: int, reported: Any) -> tuple[int, str, bytes] | None:
        if missing and isinstance(reported, dict) and name in reported:
            reported = {field: value for field, value in reported.items() if field not in missing}
            return status, "application/json", json.dumps(reported).encode()
        return None

    with spec_gateway(distort=distort) as gateway:
        draft = gateway.agent_replies(gateway.inbound("Where is it?", "?"), "On its way.", cc=["boss@acme.example"])
        async with at_desk(tmp_path, gateway.url, gateway.keys) as desk:
            mail = await desk.read(gateway.mailbox, draft)
            missing.add(name)
            await desk.approve(mail)
            view = await desk.settled(draft)
            assert view.outcome is Outcome.CHANGED and not gateway.left
