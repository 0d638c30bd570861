"""A store whose file is whole, while something in it cannot be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from random import Random

import pytest

from mm_tui.models import AuditEntry, EditedDraft, Mailbox, RawContent
from mm_tui.services.decisions.record import UnreadableDecision, restored
from mm_tui.services.decisions.remembered import UNSEEN_INCIDENTS, RememberedDecisions
from mm_tui.services.decisions.service import Refused
from mm_tui.services.queue.stored import StoredQueue
from mm_tui.settings.sections import Profile
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.timeline import LineFilter, Timeline
from mm_tui.store.connecting import CorruptStore, damage_mark
from mm_tui.store.contents import columns_of, damaged_records, say_damage, unreadable
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.decisions.records import DecisionStore, SavedDecision
from mm_tui.store.mail.contacts import ADDRESS_BOOK, ContactStore
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.mail.rows import DAMAGED
from mm_tui.store.migrations import mail_tables
from mm_tui.store.opening import StoreUnusable, open_database
from mm_tui.store.recovery import rebuild
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine
from tests.support.desk import Desk, digest
from tests.support.fake_gateway import BOX, email_id, make_detail, make_mail, make_pending
from tests.support.sandbox import Sandbox

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FLIPS = 150
"""Flipped bits per column."""


@pytest.fixture
def filled(database: Database) -> Database:
    """A store with a row in each table that is read as a model."""
    mail = MailStore(database)
    mail.upsert([make_mail(1, spam_score=0.5), make_mail(2)])
    mail.save_detail(make_detail(make_mail(1)), at=NOW)
    mail.save_mailboxes([Mailbox(id=BOX, address=OneLine("support@company.example"))])
    PendingStore(database).replace([make_pending(3, thread_id="t")], NOW)
    AuditStore(database).add(
        [
            AuditEntry(
                id="a1",
                action=OneLine("email.approved"),
                actor_key_id=OneLine("key-1"),
                resource_id=OneLine(email_id(1)),
            )
        ]
    )
    ContactStore(database).keep_address_book([("anna@customer.example", NOW)])
    base = RawContent(sender="agent@company.example", to=("anna@customer.example",), body="theirs")
    text = EditedDraft(("anna@customer.example",), "Subject", "my words")
    EditStore(database).save(SavedEdit(email_id(3), BOX, "digest", base, text, NOW), durable=True)
    with database.write() as connection:
        row = SavedDecision("R1", email_id(4), None, "{}", "{}", None, False, "submission", NOW)
        DecisionStore(database).put(connection, row)
    return database


def _read_cached(database: Database) -> None:
    mail, pending = MailStore(database), PendingStore(database)
    for row in mail.rows(mail.keys(MailView()), folded=True):
        mail.summary(row.email_id)
        mail.detail(row.email_id)
    mail.mailboxes()
    pending.items()
    pending.unread_drafts()
    pending.unread_around(3)
    pending.listed(email_id(3))
    pending.tagged("x")
    queue = StoredQueue(database)
    queue.read(queue.ids())
    for listed in pending.waiting():
        pending.seen_at(listed.email_id)
    mail.thread_rows(BOX, "t")
    mail.detail_at(email_id(1))
    mail.moving(NOW)
    mail.counts()
    logs = Timeline(database)
    logs.lines([key for chunk in logs.stream(LineFilter()) for key in chunk])
    logs.actors()
    logs.actions()
    AuditStore(database).of(email_id(1))
    AuditStore(database).decided(NOW)
    AuditStore(database).composer(email_id(1))
    ContactStore(database).first_seen("anna@customer.example")
    list(ContactStore(database).exchanges())


def _read_again(database: Database) -> None:
    """As a sync and an opened email do."""
    mail = MailStore(database)
    mail.upsert([make_mail(1, spam_score=0.5), make_mail(2)])
    mail.save_detail(make_detail(make_mail(1)), at=NOW)
    mail.save_mailboxes([Mailbox(id=BOX, address=OneLine("support@company.example"))])
    PendingStore(database).replace([make_pending(3, thread_id="t")], NOW)
    row = mail.row(email_id(1))
    assert row is not None and row.subject == make_mail(1).subject and row.sender == make_mail(1).sender.address
    assert mail.detail(email_id(1)) is not None and mail.mailbox(BOX) is not None


def _read_kept(database: Database) -> None:
    EditStore(database).all()
    DecisionStore(database).open()
    contacts = ContactStore(database)
    list(contacts.exchanges())
    contacts.address_book()


COLUMNS = [
    ("mail", "recipients"), ("mail", "rest"), ("mail", "chips"), ("mail", "sender"), ("mail", "subject"),
    ("mail", "status"), ("mail", "direction"), ("threads", "thread_id"), ("details", "model"), ("mailboxes", "model"),
    ("pending", "model"), ("pending", "listed"), ("pending", "mailbox_id"), ("audit", "model"), ("state", "value"),
    ("edits", "base"), ("edits", "recipients"), ("edits", "body"), ("edits", "saved_at"), ("releases", "updated_at"),
]  # fmt: skip


def test_damage_in_what_can_be_fetched_again_fails_nothing_and_in_what_humans_made_is_found(filled: Database) -> None:
    assert unreadable(filled) == ""
    random, failed = Random(1), 0
    for table, column in COLUMNS:
        is_kept = table in ("edits", "releases", "state")
        for flip in range(FLIPS):
            with pytest.raises(ZeroDivisionError), filled.write() as connection:
                sql = f"SELECT CAST({column} AS BLOB) FROM {table} WHERE length({column})"
                if (found := connection.execute(sql).fetchone()) is None:
                    raise ZeroDivisionError
                raw = bytearray(found[0])
                raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
                connection.execute(f"UPDATE {table} SET {column} = CAST(? AS TEXT)", (bytes(raw),))
                if not is_kept:
                    _read_cached(filled)
                    _read_again(filled)
                    raise ZeroDivisionError
                try:
                    _read_kept(filled)
                except Exception as error:  # noqa: BLE001 - whatever it is, the reason is found
                    failed += 1
                    assert unreadable(filled), (table, column, flip, bytes(raw), error)
                raise ZeroDivisionError
    assert failed > FLIPS / 2
    assert unreadable(filled) == ""


WRONG = ("'x'", "x'00ff'", "CAST(x'7bff7d' AS TEXT)", "CAST({} AS BLOB)", "-1", "9223372036854775807", "1e300")
"""Values of a type that a column does not have, or that no program writes to it."""


@pytest.mark.parametrize("table", [table for table in mail_tables() if table not in ("mail_words", "state")])
def test_a_value_of_a_wrong_type_in_what_can_be_fetched_again_fails_nothing(filled: Database, table: str) -> None:
    tried = 0
    columns = [column for column in columns_of(filled.reader(), table) if (table, column.name) != ("audit", "key")]
    for column, value in product(columns, WRONG):
        for read in (_read_cached, _read_again):
            with pytest.raises(ZeroDivisionError), filled.write() as connection:
                with suppress(sqlite3.IntegrityError, sqlite3.OperationalError):  # not a value for a key
                    connection.execute(f"UPDATE {table} SET {column.name} = {value.format(column.name)}")
                    tried += 1
                try:
                    read(filled)
                except Exception as error:
                    raise AssertionError((table, column.name, value, read.__name__)) from error
                raise ZeroDivisionError
    assert tried


@pytest.mark.parametrize("column", ["base", "recipients", "subject", "body", "saved_at"])
def test_an_edit_with_a_value_of_a_wrong_type_is_a_text_of_a_draft_that_has_changed(
    filled: Database, column: str
) -> None:
    (whole,) = EditStore(filled).all()
    for value in (f"CAST({column} AS BLOB)", "x'00ff'"):
        with filled.write() as connection:
            connection.execute(f"UPDATE edits SET {column} = {value}")
        (edit,) = EditStore(filled).all()
        assert (edit.base_digest == "") == (column != "saved_at")
        assert (edit.text == whole.text) == ("CAST" in value or column in ("base", "saved_at"))
        with filled.write() as connection:
            connection.execute("UPDATE edits SET saves = 'x'")
        assert EditStore(filled).save(whole) == 1 and EditStore(filled).save(whole) == 1


def _lose(path: Path, table: str, column: str) -> None:
    """Leaves a column without values, which its table does not allow."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        for description, change in (
            (made.replace(" NOT NULL", ""), f"UPDATE {table} SET {column} = NULL"),
            (made, "SELECT 1"),
        ):
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (description, table))
            connection.execute("PRAGMA writable_schema = RESET")
            connection.execute(change)


def test_a_value_that_is_missing_in_what_can_be_fetched_again_is_no_damage_of_the_file(filled: Database) -> None:
    path = filled.path
    assert path is not None
    MailStore(filled).upsert([make_mail(number) for number in range(100, 120)])
    filled.close()
    _lose(path, "mail", "hidden")
    with Database.open(path) as database:
        assert database.check() == [] and unreadable(database, models=False) == ""
        row = MailStore(database).row(email_id(1))
        assert (
            row is not None and row.subject == DAMAGED and "a row of mail cannot be read" in damaged_records(database)
        )
    _lose(path, "edits", "body")
    with Database.open(path) as database:
        assert database.check() == ["NULL value in edits.body"], "however much else is missing"


def test_a_store_with_an_unreadable_row_is_rebuilt_once_and_keeps_what_humans_made(filled: Database) -> None:
    path = filled.path
    assert path is not None
    say_damage(filled, ValueError())
    with filled.write() as connection:
        connection.execute("UPDATE pending SET model = 'x' || model")
        connection.execute("UPDATE edits SET body = CAST(x'6d7920ff' AS TEXT), base = 'x'")
        connection.execute("UPDATE releases SET doubts = x'ff', updated_at = 'x'")
    with pytest.raises(CorruptStore, match="a row of edits cannot be read"):
        say_damage(filled, ValueError())
    filled.close()
    with pytest.raises(CorruptStore) as raised:
        Database.open(path)
    database, rescue = rebuild(raised.value, now=NOW)
    with database:
        assert rescue is not None and rescue.unread == ("edits", "releases")
        assert unreadable(database) == "" and not damage_mark(path).exists()
        (edit,) = EditStore(database).all()
        assert (edit.text.body, edit.base_digest) == ("my \ufffd", "")
        (row,) = DecisionStore(database).open()
        assert row.updated_at > NOW and row.doubts
        with pytest.raises(UnreadableDecision, match=email_id(4)):
            restored(row)
        assert StateStore(database).get(ADDRESS_BOOK) is None


def test_a_damaged_list_of_decisions_to_see_to_stops_nothing(filled: Database) -> None:
    StateStore(filled, kept=True).set(UNSEEN_INCIDENTS, '["R1"')
    assert RememberedDecisions(filled, UNSEEN_INCIDENTS).all() == []
    assert StateStore(filled).read("none", str, "otherwise") == "otherwise"


def test_an_address_that_is_no_text_is_damage_and_never_another_gateways_store(filled: Database) -> None:
    path = filled.path
    assert path is not None
    with filled.write() as connection:
        connection.execute("INSERT INTO belongs VALUES ('gateway', CAST(x'68ff' AS TEXT))")
    filled.close()
    with pytest.raises(StoreUnusable):
        open_database(path, profile=Profile(name="default", url="https://api.multimail.dev"))
    assert not damage_mark(path).exists() and list(path.parent.glob("*damaged*"))


def test_a_waiting_email_with_anothers_id_is_damage_and_not_one_that_no_longer_waits(filled: Database) -> None:
    queue, pending = StoredQueue(filled), PendingStore(filled)
    assert [one.item.id for one in queue.read(queue.ids())] == [email_id(3)]
    with filled.write() as connection:
        connection.execute("UPDATE pending SET email_id = 'x' || substr(email_id, 2)")
    (listed,) = queue.ids()
    for item in (queue.read([listed])[0].item, *pending.items(), pending.get(listed)):
        assert item is not None and item.id == listed and not item.complete and "cannot be read" in item.body
    changes = pending.replace([make_pending(3, thread_id="t")], NOW)
    assert changes.new == {email_id(3)} and changes.gone == {listed}
    assert [item.id for item in pending.items()] == [email_id(3)]


async def test_a_decision_that_cannot_be_read_keeps_no_other_email_from_being_decided(
    desk: Desk, sandbox: Sandbox
) -> None:
    mails = [await desk.read(sandbox.mailbox, sandbox.draft(f"Dear Anna, {number}.")) for number in range(3)]
    with desk.database.write() as connection:
        row = SavedDecision("R1", mails[1].id, None, "", "{}", None, True, "", NOW)
        DecisionStore(desk.database).put(connection, row)
    begun, refused = await desk.decisions.reject_each([(mail, digest(mail)) for mail in mails], "spam", hold=0)
    assert [view.email_id for view in begun] == [mails[0].id, mails[2].id]
    assert [*refused] == [mails[1].id] and "is damaged" in refused[mails[1].id]
    with pytest.raises(Refused, match=f"^what is stored of a decision about {mails[1].id}"):
        await desk.approve(mails[1])


@pytest.mark.parametrize(
    "damage",
    [
        "item_id = 'x' || substr(item_id, 2)",
        "ended = 1 - ended",
        'state = replace(state, \'"decided_at":"2\', \'"decided_at":"x\')',
    ],
)
async def test_a_row_that_contradicts_itself_cannot_be_read(desk: Desk, sandbox: Sandbox, damage: str) -> None:
    mail = await desk.read(sandbox.mailbox, sandbox.draft())
    await desk.approve(mail)
    await desk.settled(mail.id)
    with desk.database.write() as connection:
        connection.execute(f"UPDATE releases SET {damage}")
    (row,) = desk.database.reader().execute("SELECT release_id FROM releases").fetchall()
    found = DecisionStore(desk.database).get(row[0])
    assert found is not None
    with pytest.raises(UnreadableDecision):
        restored(found)
