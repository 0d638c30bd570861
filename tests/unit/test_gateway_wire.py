"""Every documented shape of every answer, translated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mm_tui.gateway import account_wire, values, wire
from mm_tui.models import EditedDraft
from mm_tui.review import draft
from mm_tui.text import OneLine

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SUMMARY = {
    "id": "01E",
    "from": "Anna <anna@customer.example>",
    "to": ["support@acme.example"],
    "subject": "Refund",
    "direction": "inbound",
    "status": "unread",
    "received_at": "2026-03-01T12:00:00Z",
    "thread_id": "01T",
    "has_attachments": 1,
}


def test_a_summary_of_the_spec() -> None:
    mail = wire.email_summary(SUMMARY, "01M")
    assert (mail.id, mail.mailbox_id, mail.thread_id) == ("01E", "01M", "01T")
    assert (mail.sender.address, mail.sender.name) == ("anna@customer.example", "Anna")
    assert mail.received_at == NOON
    assert mail.has_attachments is True


def test_a_summary_may_lack_everything_but_ids() -> None:
    mail = wire.email_summary({"id": "01E"}, "01M")
    assert mail.subject == "" and mail.to == () and mail.received_at is None and mail.has_attachments is False


def test_a_summary_without_a_usable_id_is_refused() -> None:
    with pytest.raises(values.Unusable, match="its id"):
        wire.email_summary({**SUMMARY, "id": "a b"}, "01M")
    with pytest.raises(values.Unusable, match="its mailbox_id"):
        wire.email_summary({**SUMMARY, "mailbox_id": "a b"}, "01M")


def test_an_unknown_status_is_kept_as_it_came() -> None:
    assert wire.email_summary({**SUMMARY, "status": "on_the_moon"}, "01M").status == "on_the_moon"


@pytest.mark.parametrize("name", ["markdown", "body_markdown", "text_body", "body"])
def test_the_body_is_read_under_every_name(name: str) -> None:
    mail = wire.email_detail({**SUMMARY, name: "Hi\r\nthere\x1b[2J"}, "01M")
    assert mail.body == "Hi\nthere"
    assert mail.raw.body == "Hi\r\nthere\x1b[2J"


def test_a_detail_has_cc_attachments_and_tags() -> None:
    mail = wire.email_detail(
        {
            **SUMMARY,
            "cc": ["c@x.example"],
            "markdown": "x",
            "attachments": [
                {"name": "a\u202egpj.exe", "size": 12, "content_type": "image/png"},
                {"filename": "b.txt", "size_bytes": "7", "mime_type": "text/plain"},
            ],
            "tags": {"label": "billing", "n": 3},
            "approved_at": "2026-03-01T12:00:00Z",
            "approved_by": "key_1",
        },
        "01M",
    )
    assert [party.address for party in mail.cc] == ["c@x.example"]
    assert [(item.name, item.size, item.content_type) for item in mail.attachments] == [
        ("agpj.exe", 12, "image/png"),
        ("b.txt", 7, "text/plain"),
    ]
    assert mail.raw.attachments[0] == ("a\u202egpj.exe", 12, "image/png")
    assert mail.tags == {"label": "billing", "n": "3"}
    assert mail.approved_at == NOON


@pytest.mark.parametrize(
    ("item", "direction"),
    [
        ({"status": "pending_send_approval"}, "outbound"),
        ({"status": "unread"}, "inbound"),
        ({"status": "odd", "delivered_at": "2026-03-01T12:00:00Z"}, "outbound"),
        ({"status": "odd"}, ""),
        ({"status": "unread", "direction": "outbound"}, "outbound"),
        # Both ways: inbound mail is scanned and decided about as well.
        ({"status": "pending_scan"}, ""),
        ({"status": "rejected"}, ""),
        ({"status": "cancelled"}, ""),
        ({"status": "read", "approved_by": "key_1", "approved_at": "2026-03-01T12:00:00Z"}, ""),
    ],
)
def test_a_direction_that_is_not_stated_follows_from_the_status(item: dict[str, object], direction: str) -> None:
    assert wire.email_detail({**SUMMARY, "markdown": "x", "direction": None, **item}, "01M").direction == direction


@pytest.mark.parametrize("stated", ["", None, "read", "archived"])
@pytest.mark.parametrize(
    ("times", "status"),
    [
        ({"approved_at": "2026-03-01T12:00:00Z"}, "approved"),
        ({"approved_at": "2026-03-01T12:00:00Z", "delivered_at": "2026-03-01T12:01:00Z"}, "delivered"),
        ({"delivered_at": 1772366400000}, "delivered"),
        ({"bounced_at": "2026-03-01T12:01:00Z", "delivered_at": "2026-03-01T12:01:00Z"}, "bounced"),
    ],
)
def test_the_times_say_that_a_mail_left_where_no_status_does(
    stated: str | None, times: dict[str, object], status: str
) -> None:
    given = {**SUMMARY, "direction": "outbound", "status": stated, **times}
    mail, listed = wire.email_detail(given, "01M"), wire.email_summary(given, "01M")
    assert (mail.status, listed.status) == (status, status)
    assert mail.is_exchanged


@pytest.mark.parametrize("stated", ["rejected", "cancelled", "send_failed", "deleted", "on_the_moon"])
def test_a_status_that_says_more_than_the_times_is_kept(stated: str) -> None:
    given = {**SUMMARY, "direction": "outbound", "status": stated, "approved_at": "2026-03-01T12:00:00Z"}
    assert wire.email_detail(given, "01M").status == stated


def test_what_waits_is_not_taken_for_gone_by_a_time_of_approval_alone() -> None:
    given = {**SUMMARY, "direction": "outbound", "status": "scheduled", "approved_at": "2026-03-01T12:00:00Z"}
    assert wire.email_detail({**given, "markdown": "x"}, "01M").status == "scheduled"
    assert wire.email_summary({**given, "status": "pending_send_approval"}, "01M").status == "pending_send_approval"


def test_inbound_mail_keeps_its_status_whatever_the_times() -> None:
    given = {**SUMMARY, "status": "read", "approved_at": "2026-03-01T12:00:00Z", "approved_by": "key_1"}
    assert wire.email_detail(given, "01M").status == "read"


def test_a_pending_item_of_the_spec_and_the_sdk() -> None:
    item = wire.pending_item(
        {
            "id": "01P",
            "mailbox_id": "01M",
            "direction": "outbound",
            "from": "support@acme.example",
            "to": ["anna@customer.example"],
            "subject": "Re: Refund\nBcc: x",
            "body_markdown": "Dear Anna",
            "status": "pending_send_approval",
            "received_at": 1772366400000,
        }
    )
    assert item.body == "Dear Anna"
    assert item.subject == "Re: Refund Bcc: x"
    assert item.raw.subject == "Re: Refund\nBcc: x"
    assert item.received_at == NOON
    assert item.complete is False


def test_a_mailbox_takes_numbers_for_flags() -> None:
    box = account_wire.mailbox(
        {
            "id": "01M",
            "address": "support@acme.example",
            "oversight_mode": "gated_send",
            "forward_inbound": 1,
            "is_active": 0,
            "auto_cc": ["a@x.example", "b@x.example"],
            "ai_disclosure": 1,
        }
    )
    assert (box.forward_inbound, box.is_active, box.ai_disclosure) == (True, False, True)
    assert box.auto_cc == "a@x.example, b@x.example"
    assert account_wire.mailbox({"id": "01M", "address": "x"}).ai_disclosure is None


def test_a_thread_is_put_oldest_first() -> None:
    thread = wire.thread(
        {
            "thread_id": "01T",
            "participants": ["anna@customer.example"],
            "emails": [{**SUMMARY, "id": "2", "received_at": "2026-03-02T12:00:00Z"}, {**SUMMARY, "id": "1"}],
        },
        "01M",
        "01T",
    )
    assert [mail.id for mail in thread] == ["1", "2"]


def test_audit_metadata_may_be_an_object_json_in_text_or_text() -> None:
    entry = {"id": "1", "action": "email.approved", "created_at": "2026-03-01T12:00:00Z"}
    assert wire.audit_entry({**entry, "metadata": {"a": {"b": 1}}}).metadata == {"a": '{"b": 1}'}
    assert wire.audit_entry({**entry, "metadata": '{"a": "x"}'}).metadata == {"a": "x"}
    assert wire.audit_entry({**entry, "metadata": "words\x1b[2J"}).metadata == {"metadata": "words"}
    assert wire.audit_entry({**entry, "metadata": None}).metadata == {}


def test_send_receipts_of_new_and_repeated_mail() -> None:
    assert wire.send_receipt({"id": "1", "status": "pending_scan", "thread_id": "2"}).idempotent is False
    assert wire.send_receipt({"id": "1", "status": "already_sent", "idempotent": True}).idempotent is True
    assert wire.send_receipt({"message_id": "1", "status": "x"}).id == "1"


def test_a_decision_without_a_status_is_not_taken_for_done() -> None:
    assert wire.decided({"status": "approved_and_sent", "postmark_message_id": "p"}) == "approved_and_sent"
    with pytest.raises(values.Unusable, match="no status"):
        wire.decided({})


def test_account_and_usage() -> None:
    account = account_wire.account({"id": "a", "plan": "pro", "monthly_email_quota": 100, "sending_disabled": 1})
    assert account.sending_disabled is True and account.monthly_email_quota == 100
    usage = account_wire.usage({"from": 1772366400000, "to": 1772366400000, "emails_sent": 3})
    assert usage.since == NOON and usage.emails_sent == 3


def test_all_text_is_clean() -> None:
    evil = "x\x1b]52;c;aGk=\x07y\u202e"
    mail = wire.email_detail(
        {**SUMMARY, "from": evil, "subject": evil, "status": evil, "tags": {evil: evil}, "approved_by": evil}, "01M"
    )
    for text in (mail.sender.address, mail.subject, mail.status, *mail.tags, *mail.tags.values(), mail.approved_by):
        assert isinstance(text, OneLine) and text == "xy"


def test_endlessly_nested_addresses_do_not_stop_the_reading_of_a_draft() -> None:
    nested = "(" * 3000 + "a@b.example"
    item = {
        "id": "e1",
        "from": nested,
        "to": [nested],
        "reply_to": nested,
        "status": "pending_send_approval",
        "body": "",
    }
    detail = wire.email_detail(item, "m1")
    assert [str(party.address) for party in (detail.sender, *detail.to, *detail.reply_to)] == [nested] * 3
    edit = EditedDraft(to=(nested,), subject="", body="")
    assert not draft.changes_recipients(detail.raw, edit)
