"""Both logs on one line of time: order, filters, who decided, what it says."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from mm_tui import sandbox, typed_json
from mm_tui.gateway.errors import ServerFault
from mm_tui.gateway.shapes import ApiKey
from mm_tui.models import AuditEntry, EmailDetail, Party, RawContent
from mm_tui.services.audit.key_names import actor_words
from mm_tui.services.audit.line import GATEWAY_WORDS, Tone, narrowed
from mm_tui.services.sync.queue import read_audit_log
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.timeline import LineFilter, Source
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine
from tests.support.fake_gateway import FakeGateway
from tests.support.logs import Logs
from tests.support.seat import NOW

KEY = "01M8197NN3AFF6S1DH4ZEGZ60X"


def test_both_logs_are_listed_newest_first(logs: Logs) -> None:
    logs.gateway("email.received", "M1", 30)
    logs.journal("held", "M1", 20, act="approve")
    logs.gateway("oversight.approved", "M1", 19, actor=KEY)
    logs.journal("done", "M1", 18, act="approve")
    shown = logs.shown()
    assert [str(one.line.source) for one in shown] == ["journal", "gateway", "journal", "gateway"]
    assert [str(one.words) for one in shown] == ["approve: accepted", "approved", "approve: held", "arrived"]
    assert [one.tone for one in shown] == [Tone.PLAIN, Tone.DECISION, Tone.PLAIN, Tone.PLAIN]


def test_each_action_that_the_sandbox_records_has_words() -> None:
    sources = (file.read_text() for file in Path(sandbox.__file__).parent.rglob("*.py"))
    recorded = {action for source in sources for action in re.findall(r'\.audit\(\s*"([a-z_.]+)"', source)}
    assert len(recorded) > 20 and recorded - set(GATEWAY_WORDS) == set()


def test_the_journal_keeps_its_own_order_when_the_clock_went_back(logs: Logs) -> None:
    for minutes in (20, 10, 15, 5):  # the third is written after the second, at an earlier time
        logs.journal("held", "M1", minutes)
    logs.gateway("email.read", "M1", 12)
    numbers = [str(one.line.entry_id) for one in logs.shown() if one.line.source is Source.JOURNAL]
    assert numbers == ["4", "3", "2", "1"]


def test_a_decision_made_here_is_shown_with_who_made_it(logs: Logs) -> None:
    logs.gateway("oversight.approved", "M1", 3, actor=KEY)
    logs.gateway("oversight.rejected", "M2", 2, actor=KEY)
    logs.gateway("oversight.approved", "M3", 1, actor=KEY)
    number = logs.journal("done", "M1", 2.9, act="approve")
    logs.journal("done", "M2", 1.9, act="approve")  # another decision than the gateway has
    by_mail = {str(one.line.about): one for one in logs.shown(LineFilter(source=Source.GATEWAY))}
    assert (by_mail["M1"].who, by_mail["M1"].made_here) == ("robin", number)
    assert (by_mail["M2"].who, by_mail["M2"].made_here) == ("key …EGZ60X", 0)
    assert (by_mail["M3"].who, by_mail["M3"].made_here) == ("key …EGZ60X", 0)
    logs.journal("retired", "M2", 1.8, act="release_edit")
    assert logs.shown(LineFilter(source=Source.GATEWAY, email_id="M2"))[0].who == "robin"


def test_filters_narrow_both_logs(logs: Logs) -> None:
    logs.mail("M1")
    logs.mail("M2", mailbox_id="mb2")
    logs.gateway("email.received", "M1", 60 * 24 * 3)
    logs.gateway("oversight.approved", "M1", 40, actor=KEY)
    logs.gateway("email.read", "M2", 30, actor="01OTHERKEY0000000000000000")
    logs.gateway("mailbox.updated", "mb2", 20, actor=KEY)
    logs.journal("held", "M1", 41, act="approve")
    logs.journal("done", "M1", 39, act="approve")
    logs.journal("held", "M2", 10, who="kim", act="reject")
    assert logs.actions(LineFilter(source=Source.JOURNAL)) == ["held", "done", "held"]
    assert logs.actions(LineFilter(source=Source.GATEWAY, action="email.read")) == ["email.read"]
    assert logs.actions(LineFilter(mailbox_id="mb2")) == ["held", "mailbox.updated", "email.read"]
    assert logs.actions(LineFilter(actor="kim")) == ["held"]
    assert logs.actions(LineFilter(actor="robin")) == ["done", "oversight.approved", "held"]
    assert logs.actions(LineFilter(actor=KEY)) == ["mailbox.updated", "oversight.approved"]
    assert logs.actions(LineFilter(email_id="M2")) == ["held", "email.read"]
    recent = LineFilter(since=NOW - timedelta(minutes=35), until=NOW - timedelta(minutes=15))
    assert logs.actions(recent) == ["mailbox.updated", "email.read"]


def test_what_is_typed_is_searched_in_lines_subjects_and_addresses(logs: Logs) -> None:
    logs.mail("M1", subject=OneLine("Über 100% sicher"), sender=Party(address=OneLine("anna@customer.example")))
    logs.mail("M2", subject=OneLine("100 Prozent"))
    logs.gateway("email.received", "M1", 3)
    logs.gateway("email.bounced", "M2", 2, bounce_type="hard")
    logs.journal("held", "M1", 1, act="reject", reason="Größe falsch")

    def found(text: str) -> list[str]:
        wanted, _ = narrowed(LineFilter(), text, NOW)
        return logs.actions(wanted)

    assert found("ANNA") == ["held", "email.bounced", "email.received"]
    assert found("100%") == ["held", "email.received"]
    assert found("über") == ["held", "email.received"]
    assert found("größe") == ["held"]
    assert found("m2 HARD") == ["email.bounced"]
    assert found("arrived") == ["email.received"], "the words on the screen"
    assert found("nothing_like_it") == []
    assert found("after:2026-03-02 m2") == ["email.bounced"]
    assert found("before:2026-03-02") == []


def test_a_time_that_cannot_be_understood_is_complained_about() -> None:
    wanted, complaint = narrowed(LineFilter(), "robin after:soon", NOW)
    assert wanted == LineFilter(text="robin")
    assert complaint.startswith("after:soon")


def test_broken_entries_are_shown_as_such_and_hide_nothing(logs: Logs) -> None:
    logs.journal("held", "M1", 3)
    number = logs.journal("done", "M1", 2)
    logs.journal("ended", "M1", 1, note="approved")
    with logs.database.write() as connection:
        connection.execute("DROP TRIGGER journal_is_never_changed")
        connection.execute("UPDATE journal SET entry = '{not json' WHERE number = ?", (number,))
    shown = logs.shown()
    assert [str(one.words) for one in shown] == [
        "approved",
        "cannot be read",
        "approve: held".replace("approve", "decision"),
    ]
    assert shown[1].tone is Tone.FAILURE
    assert len(logs.shown(LineFilter(source=Source.JOURNAL, actor="robin"))) == 2
    assert {facet.value for facet in logs.lines.timeline.actions()} == {"held", "ended"}


def test_facets_count_who_did_what(logs: Logs) -> None:
    for _ in range(3):
        logs.gateway("email.read", "M1", 1, actor=KEY)
    logs.journal("held", "M1", 1)
    timeline = logs.lines.timeline
    assert [(facet.source, facet.value, facet.lines) for facet in timeline.actors()] == [
        (Source.GATEWAY, KEY, 3),
        (Source.JOURNAL, "robin", 1),
    ]
    assert [facet.value for facet in timeline.actions()] == ["email.read", "held"]


def test_an_unknown_action_is_shown_as_it_came_and_clean(logs: Logs) -> None:
    logs.gateway("email.\x1b[31mteleported", "M1", 1)
    assert logs.shown()[0].words == "email.teleported"


def test_an_email_without_a_subject_says_so_and_an_unknown_one_has_its_id(logs: Logs) -> None:
    logs.mail("BLANK", subject=OneLine(" "))
    logs.gateway("email.received", "BLANK", 2)
    logs.gateway("email.received", "UNKNOWN", 1)
    assert [str(one.what) for one in logs.shown()] == ["UNKNOWN", "(no subject)"]


def test_a_released_edit_says_which_draft_it_replaced(logs: Logs) -> None:
    logs.mail("DRAFT", received_at=NOW - timedelta(minutes=9))
    logs.gateway("oversight.rejected", "DRAFT", 2, actor=KEY)
    logs.gateway("oversight.approved", "EDIT", 1, actor=KEY)
    logs.journal("retired", "DRAFT", 2, act="release_edit")
    logs.journal("done", "EDIT", 1, act="release_edit", item="DRAFT")
    logs.journal("ended", "DRAFT", 0.9, act="release_edit", note="edit_released")
    found = {(str(one.line.source), str(one.words)): one for one in logs.shown()}
    when = f"replaces the draft of {(NOW - timedelta(minutes=9)).astimezone():%H:%M}"
    for edit in (found["gateway", "approved, edited"], found["journal", "approved, edited"]):
        assert (edit.replaced, edit.original) == (when, "DRAFT")
    assert not found["gateway", "replaced by an edit"].replaced


async def test_keys_are_called_by_their_names_once_these_are_known(logs: Logs) -> None:
    gateway, facts = FakeGateway(), StateStore(logs.database)
    gateway.audit = [AuditEntry(id="a1", action=OneLine("email.reply_submitted"), actor_key_id=OneLine(KEY))]
    gateway.named_keys = (ApiKey(KEY, OneLine("send")),)
    await read_audit_log(gateway, AuditStore(logs.database), facts)  # type: ignore[arg-type] # as far as it is used
    assert [str(one.who) for one in logs.shown()] == ["send key"]
    gateway.audit.append(AuditEntry(id="a2", action=OneLine("email.read"), actor_key_id=OneLine(KEY)))
    await read_audit_log(gateway, AuditStore(logs.database), facts)  # type: ignore[arg-type] # as far as it is used
    assert gateway.calls["api_keys"] == 1


@pytest.mark.parametrize("damage", ["model = 'x'", "model = '{}'", "created_at = 'x'", "created_at = x'ff'"])
async def test_a_damaged_entry_of_the_gateways_log_is_read_again(logs: Logs, damage: str) -> None:
    gateway, facts, store = FakeGateway(), StateStore(logs.database), AuditStore(logs.database)
    gateway.audit = [
        AuditEntry(id=f"a{number}", action=OneLine("email.read"), resource_id=OneLine("M1"), created_at=NOW)
        for number in range(3)
    ]
    reading = partial(read_audit_log, gateway.client, store, facts)
    await reading()
    whole = store.of("M1")
    with logs.database.write() as connection:
        connection.execute(f"UPDATE audit SET {damage} WHERE entry_id = 'a1'")
    logs.shown()
    left = store.of("M1")
    gateway.failing["audit_log"] = ServerFault("down")
    with pytest.raises(ServerFault):
        await reading()
    assert store.of("M1") == left, "what can be read of it stays until the gateway answers"
    gateway.failing.clear()
    assert await reading() == 1
    assert store.of("M1") == whole and len(logs.shown()) == 3
    assert await reading() == 0


def test_keys_are_distinguished_from_names() -> None:
    assert actor_words(KEY) == "key …EGZ60X"
    assert actor_words("robin") == "robin"


def test_a_search_that_is_no_longer_wanted_ends(logs: Logs) -> None:
    many(logs.database, 30_000)
    asked = iter([False, False, True])
    chunks = list(logs.lines.keys(LineFilter(text="nothing like it"), stop=lambda: next(asked, True)))
    assert chunks == []
    # The connection is as good as before.
    assert len(logs.shown(LineFilter(source=Source.GATEWAY, since=NOW - timedelta(seconds=100)))) == 101


def test_the_first_lines_of_a_hundred_thousand_come_at_once(logs: Logs) -> None:
    many(logs.database, 100_000)
    begun = time.perf_counter()
    first = next(iter(logs.lines.keys(LineFilter(), first=200)))
    lines = logs.lines.lines(first[:64])
    took = time.perf_counter() - begun
    assert len(first) == 200
    assert lines[0].line.at == NOW
    # About 5 ms on an idle machine; reading all of them takes a hundred times as long.
    assert took < 1
    assert sum(len(chunk) for chunk in logs.lines.keys(LineFilter())) == 100_000


def many(database: Database, lines: int) -> None:
    """Fills the gateway's log: one line a second."""
    start = int(NOW.timestamp() * 1000)
    model = typed_json.dumped(AuditEntry(id="X", action=OneLine("email.read"), resource_id=OneLine("M1")))
    with database.write() as connection:
        connection.executemany(
            "INSERT INTO audit (entry_id, created_at, resource_id, model) VALUES (?, ?, 'M1', ?)",
            ((f"N{number:07}", start - 1000 * number, model) for number in range(lines)),
        )


def test_times_are_read_back_as_they_were(logs: Logs) -> None:
    logs.journal("held", "M1", 1)
    logs.gateway("email.read", "M1", 2)
    assert [one.line.at for one in logs.shown()] == [NOW - timedelta(minutes=1), NOW - timedelta(minutes=2)]
    assert all(isinstance(one.line.at, datetime) for one in logs.shown())


APPROVALS: tuple[tuple[str, dict[str, str]], ...] = (
    ("oversight.approved", {}),
    ("oversight_approve", {}),
    ("approve_email", {}),
    ("message.approved", {}),
    ("emailApproved", {}),
    ("APPROVED", {}),
    ("approval.granted", {}),
    ("email.released", {}),
    ("oversight.decide", {"action": "approve"}),
    ("decision", {"outcome": "approved_and_sent"}),
    ("email.status_changed", {"to": "approved"}),
    ("", {"decision": "approve"}),
)
REJECTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("oversight.rejected", {}),
    ("oversight_reject", {}),
    ("reject_email", {}),
    ("message_rejection", {}),
    ("email.denied", {}),
    ("email.disapproved", {}),
    ("oversight_decision", {"action": "reject", "reason": "was approved too early"}),
)
OTHERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("oversight.pending", {}),
    ("approval_requested", {}),
    ("approval.pending", {}),
    ("mailbox.upgrade_approved", {}),
    ("oversight_mode_change", {"to": "approved"}),
    ("approve_failed", {}),
    ("email.tags_set", {"status": "approved"}),
    ("email_sent", {}),
    ("improved_email", {}),
    ("E1742", {}),
)


@pytest.mark.parametrize(("action", "metadata"), APPROVALS)
def test_an_approval_is_known_by_any_name(logs: Logs, action: str, metadata: dict[str, str]) -> None:
    logs.gateway(action, "M1", 2, actor=KEY, **metadata)
    logs.gateway(action, "M2", 1, actor=KEY, **metadata)
    logs.journal("done", "M1", 1.9, act="approve")
    other, ours = logs.shown(LineFilter(source=Source.GATEWAY))
    assert (ours.words, ours.who, other.who) == ("approved", "robin", "key …EGZ60X")
    assert ours.tone is other.tone is Tone.DECISION
    assert logs.actions(LineFilter(source=Source.GATEWAY, actor="robin")) == [action]


@pytest.mark.parametrize(("action", "metadata"), REJECTIONS)
def test_a_rejection_is_known_by_any_name(logs: Logs, action: str, metadata: dict[str, str]) -> None:
    logs.gateway(action, "M1", 2, actor=KEY, **metadata)
    logs.journal("done", "M1", 1.9, act="reject")
    (ours,) = logs.shown(LineFilter(source=Source.GATEWAY))
    assert (ours.words, ours.who) == ("rejected", "robin")


@pytest.mark.parametrize(("action", "metadata"), OTHERS)
def test_what_is_no_decision_is_not_taken_for_one(logs: Logs, action: str, metadata: dict[str, str]) -> None:
    logs.gateway(action, "M1", 2, actor=KEY, **metadata)
    logs.journal("done", "M1", 1.9, act="approve")
    (shown,) = logs.shown(LineFilter(source=Source.GATEWAY))
    assert (shown.who, shown.tone) == ("key …EGZ60X", Tone.PLAIN)
    assert AuditStore(logs.database).decided(NOW - timedelta(days=1)) == []


def test_an_entry_of_our_key_without_a_known_name_is_recognized_by_the_email_and_the_time(logs: Logs) -> None:
    raw = RawContent(sender="support@acme.example")
    detail = EmailDetail(
        id="M1", mailbox_id="mb1", sender=Party(address=OneLine("a@b.example")), raw=raw, approved_by=OneLine(KEY)
    )
    MailStore(logs.database).save_detail(detail, at=NOW)
    logs.gateway("E1742", "M1", 60, actor=KEY)
    logs.gateway("E1742", "M1", 3, actor=KEY)
    logs.gateway("E1742", "M1", 2.5, actor="01OTHERKEY0000000000000000")
    logs.gateway("email.read", "M1", 2.2, actor=KEY)
    logs.journal("done", "M1", 2, act="approve")
    read, other, ours, old = logs.shown(LineFilter(source=Source.GATEWAY))
    assert (ours.who, ours.words) == ("robin", "E1742")
    assert [str(one.who) for one in (read, other, old)] == ["key …EGZ60X", "key …000000", "key …EGZ60X"]
