"""An email's history: everything that is known about it and its edit, oldest first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mm_tui.models import AuditEntry, EmailDetail, EmailSummary, Party, RawContent
from mm_tui.screens.audit.pages import history_page
from mm_tui.services.audit.history import Histories, History, Origin
from mm_tui.services.audit.line import AuditLines
from mm_tui.store.assist import AssistStore, ResultKey
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.decisions.records import DecisionStore, SavedDecision
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import ManyLine, OneLine
from tests.support.seat import NOW


def fields(email_id: str, minutes: float, **more: Any) -> dict[str, Any]:
    return {
        "id": email_id,
        "mailbox_id": "mb1",
        "thread_id": "T1",
        "sender": Party(address=OneLine("support@acme.example")),
        "to": (Party(address=OneLine("anna@customer.example")),),
        "subject": OneLine("Re: Refund"),
        "direction": OneLine("outbound"),
        "status": OneLine("delivered"),
        "received_at": NOW - timedelta(minutes=minutes),
        **more,
    }


def history_of(database: Database, email_id: str) -> History:
    return Histories(database, AuditLines(database)).of(email_id)


def events_of(history: History) -> list[tuple[str, str, bool]]:
    return [(str(event.origin), str(event.words), bool(event.relation)) for event in history.events]


def test_all_sources_are_listed_by_time(database: Database) -> None:
    raw = RawContent(sender="support@acme.example")
    opened = fields("M1", 60, approved_at=NOW - timedelta(minutes=30), approved_by=OneLine("KEY1"))
    opened |= {"body": ManyLine("Hi"), "raw": raw, "delivered_at": NOW - timedelta(minutes=28)}
    tags = {"label": "refund", "plan": "gold", "review.claim": "5f93", "assist.model": "jamba-mini"}
    opened["tags"] = {OneLine(name): OneLine(value) for name, value in tags.items()}
    MailStore(database).save_detail(EmailDetail(**opened), at=NOW - timedelta(minutes=40))
    entry = AuditEntry(
        id="G1",
        action=OneLine("email.scan_blocked"),
        resource_type=OneLine("email"),
        resource_id=OneLine("M1"),
        metadata={OneLine("rule"): OneLine("links"), OneLine("mailbox_id"): OneLine("mb1")},
        created_at=NOW - timedelta(minutes=55),
    )
    AuditStore(database).add([entry])
    details = {"act": "approve", "digest": "abcdef0123456789", "about": "M1"}
    Journal(database).write("held", "robin", "M1", NOW - timedelta(minutes=31), details)
    key = ResultKey("classify", "M1", "jamba-mini", "1", "hash")
    AssistStore(database).put(
        key, {"value": "billing", "model": "local-rules-0", "cut": False}, NOW - timedelta(minutes=58)
    )
    history = history_of(database, "M1")
    assert events_of(history) == [
        ("mail", "written", False),
        ("model", "labelled", False),
        ("gateway", "blocked by the scan", False),
        ("here", "last read from the gateway", False),
        ("journal", "approve: held", False),
        ("mail", "approved", False),
        ("mail", "delivery receipt", False),
    ]
    by_origin = {event.origin: event for event in history.events}
    assert by_origin[Origin.MODEL].who == "local-rules-0", "the model that answered, not the one that was asked for"
    assert by_origin[Origin.MODEL].more == "billing"
    assert by_origin[Origin.GATEWAY].more == "rule: links"
    assert by_origin[Origin.JOURNAL].more == "digest abcdef01"
    text = history_page(history, 80).text
    assert "label     refund\ntags      plan: gold\n" in text
    assert "5f93" not in text
    assert "not opened on this machine" not in text


def test_the_edit_that_replaced_it_is_part_of_its_history(database: Database) -> None:
    MailStore(database).upsert(
        [
            EmailSummary(**fields("M1", 60, status=OneLine("rejected"))),
            EmailSummary(**fields("M2", 20, delivered_at=NOW - timedelta(minutes=5))),
        ]
    )
    decision = SavedDecision("R1", "M1", "M2", "{}", "{}", None, True, "", NOW)
    with database.write() as connection:
        DecisionStore(database).put(connection, decision)
    details = {"act": "release_edit", "release": "R1"}
    journal = Journal(database)
    journal.write("submitted", "robin", "M1", NOW - timedelta(minutes=19), {**details, "about": "M2"})
    journal.write("retired", "robin", "M1", NOW - timedelta(minutes=18), {**details, "about": "M1"})
    history = history_of(database, "M1")
    assert history.family == {"M2": "its edited text"}
    assert events_of(history) == [
        ("mail", "written", False),
        ("mail", "written", True),
        ("journal", "edit submitted", False),
        ("journal", "original retired", False),
        ("mail", "delivery receipt", True),
    ], "each entry once, although the edit's id is in it too"
    text = history_page(history, 80).text
    assert "written  (its edited text)" in text and "the edited text is M2" in text and "M2, its edited text" in text
    assert "M1, its original" in history_page(history_of(database, "M2"), 80).text


def test_the_logs_still_describe_an_email_that_is_gone(database: Database) -> None:
    Journal(database).write("undone", "robin", "GONE", NOW, {"act": "approve"})
    history = history_of(database, "GONE")
    assert events_of(history) == [("journal", "undone", False)]
    assert "It is not in the local store" in history_page(history, 80).text
    assert "Nothing is recorded about it" in history_page(history_of(database, "NEVER"), 80).text


def test_a_history_has_only_clean_text(database: Database) -> None:
    MailStore(database).upsert([EmailSummary(**fields("M1", 1, subject=OneLine("\x1b[31mRe\u202ed")))])
    AssistStore(database).put(ResultKey("x\x1b[2Jy", "M1", "m\x07", "1", "h"), {"a": "\x1b]0;b\x07c"}, NOW)
    text = history_page(history_of(database, "M1"), 60).text
    assert all(character.isprintable() or character == "\n" for character in text)
