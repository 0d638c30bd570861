"""Send, reply, cancel, schedule: keys that make repeats harmless, duplicates, limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.sandbox import Sandbox, file_part


def refusal(act: Any) -> httpx.Response:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        act()
    return refused.value.response


def later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def test_an_idempotency_key_sends_once_in_24_hours(sandbox: Sandbox) -> None:
    first = sandbox.send(idempotency_key="k1")
    again = sandbox.send(idempotency_key="k1", subject="Another text")
    assert again == {"id": first["id"], "status": "already_sent", "idempotent": True}
    other_box = sandbox.send(idempotency_key="k1", mailbox=sandbox.mailboxes[1]["id"])
    assert other_box["id"] != first["id"]
    sandbox.advance(24 * 3600 + 1)
    assert sandbox.send(idempotency_key="k1")["status"] == "pending_scan"
    assert len(sandbox.pending()) == 3


def test_an_idempotency_key_holds_for_replies_before_the_duplicate_check(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Hello")
    first = sandbox.reply(mail["id"], "Yes", idempotency_key="r1")
    assert sandbox.reply(mail["id"], "Yes", idempotency_key="r1") == {
        "id": first["id"],
        "status": "already_sent",
        "idempotent": True,
    }


def test_the_same_reply_within_60_seconds_is_a_conflict(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Hello")
    sandbox.reply(mail["id"], "Yes")
    assert refusal(lambda: sandbox.reply(mail["id"], "Yes")).status_code == 409
    assert refusal(lambda: sandbox.reply(mail["id"], "Yes", idempotency_key="other")).status_code == 409
    sandbox.reply(mail["id"], "No")
    sandbox.reply(mail["id"], "Yes", cc=["c@d.example"])
    sandbox.advance(61)
    sandbox.reply(mail["id"], "Yes")
    assert len(sandbox.pending()) == 4


def test_a_reply_takes_recipients_subject_and_thread_from_the_mail(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(
        subject="Offer", sender="Tom <tom@shop.example>", reply_to="orders@shop.example", message_id="<m1@shop.example>"
    )
    first = sandbox.look(sandbox.reply(mail["id"], "One")["id"])
    assert (first["to"], first["subject"]) == (["orders@shop.example"], "Re: Offer")
    assert (first["thread_id"], first["in_reply_to"]) == (mail["thread_id"], "<m1@shop.example>")
    answer = sandbox.inbound(subject="Re: Offer", in_reply_to=first["message_id"], sender="tom@shop.example")
    assert answer["thread_id"] == mail["thread_id"]
    second = sandbox.look(sandbox.reply(answer["id"], "Two")["id"])
    assert (second["to"], second["subject"]) == (["tom@shop.example"], "Re: Offer")
    assert refusal(lambda: sandbox.call("POST", f"/v1/mailboxes/{sandbox.mailbox}/reply/nothing", key="send",
                                        json={"markdown": "x"})).status_code == 404  # fmt: skip


def test_cancelling_is_idempotent_until_the_mail_has_left(sandbox: Sandbox) -> None:
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{{}}/cancel"
    draft, sent = sandbox.draft("One"), sandbox.draft("Two")
    for _ in range(2):
        answer = sandbox.call("POST", path.format(draft), key="send")
        assert answer == {"id": draft, "status": "cancelled"}
    assert [item["id"] for item in sandbox.pending()] == [sent]
    sandbox.decide(sent)
    assert refusal(lambda: sandbox.call("POST", path.format(sent), key="send")).status_code == 409
    assert refusal(lambda: sandbox.call("POST", path.format("01NONE"), key="send")).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"to": []},
        {"to": ["a@b.example"] * 51},
        {"to": ["not an address"]},
        {"to": "a@b.example"},
        {"subject": "x" * 999},
        {"subject": "two\nlines"},
        {"markdown": "x" * 262_145},
        {"markdown": None},
        {"attachments": [{"name": "a", "content_base64": "***"}]},
        {"send_at": "tomorrow"},
        {"send_at": "2020-01-01T00:00:00Z"},
        {"gate_timing": "never"},
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_word(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    answer = refusal(lambda: sandbox.send(**fields))
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_the_longest_mail_is_taken_whole(sandbox: Sandbox) -> None:
    sent = sandbox.send(to=[f"a{n}@b.example" for n in range(50)], subject="s" * 998, markdown="ä" * 262_144)
    assert sandbox.look(sent["id"])["markdown"] == "ä" * 262_144


def test_scheduled_mail_gate_first_is_approved_then_waits(sandbox: Sandbox) -> None:
    sent = sandbox.send(send_at=later(3600))
    sandbox.wait_for(sent["id"], "pending_send_approval")
    assert sandbox.decide(sent["id"])["status"] == "approved"
    assert (sandbox.status(sent["id"]), sandbox.outbox()) == ("scheduled", [])
    edit = f"/v1/mailboxes/{sandbox.mailbox}/emails/{sent['id']}/schedule"
    assert refusal(lambda: sandbox.call("PATCH", edit, key="send", json={"markdown": "x"})).status_code == 409
    sandbox.advance(3601)
    assert len(sandbox.outbox()) == 1


def test_scheduled_mail_schedule_first_can_be_edited_and_is_gated_when_due(sandbox: Sandbox) -> None:
    sent = sandbox.send(send_at=later(3600), gate_timing="schedule_first", markdown="Old")
    sandbox.wait_for(sent["id"], "scheduled")
    edit = f"/v1/mailboxes/{sandbox.mailbox}/emails/{sent['id']}/schedule"
    changes = {"markdown": "New", "subject": "Changed", "to": ["tom@b.example"]}
    assert sandbox.call("PATCH", edit, key="send", json=changes)["status"] == "pending_scan"
    sandbox.wait_for(sent["id"], "scheduled")
    assert sandbox.call("PATCH", edit, key="send", json={"send_at": later(7200)})["status"] == "scheduled"
    assert refusal(lambda: sandbox.call("PATCH", edit, key="send", json={"send_at": later(-5)})).status_code == 400
    sandbox.advance(3700)
    assert sandbox.status(sent["id"]) == "scheduled"
    sandbox.advance(3600)
    (item,) = sandbox.pending()
    assert (item["subject"], item["to"], item["body_markdown"]) == ("Changed", ["tom@b.example"], "New")
    draft = sandbox.draft()
    other = f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/schedule"
    assert refusal(lambda: sandbox.call("PATCH", other, key="send", json={"markdown": "x"})).status_code == 409


def test_the_three_kinds_of_429(sandbox: Sandbox) -> None:
    sandbox.settings(daily_send_limit=1)
    sandbox.send()
    warmup = refusal(sandbox.send)
    assert warmup.status_code == 429
    assert {"warmup_stage", "daily_sent", "daily_limit", "hint"} <= set(warmup.json())
    sandbox.settings(daily_send_limit=None, monthly_email_quota=0)
    quota = refusal(sandbox.send)
    assert (quota.status_code, "quota" in quota.json()["error"]) == (429, True)
    sandbox.settings(monthly_email_quota=100, requests_per_minute=2)
    for _ in range(2):
        sandbox.send()
    limited = refusal(sandbox.send)
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    sandbox.advance(61)
    sandbox.send()


def test_bcc_is_returned_nowhere(sandbox: Sandbox) -> None:
    draft = sandbox.draft(bcc=["hidden@z.example"], attachments=[file_part("a.txt", b"a")])
    thread = sandbox.look(draft)["thread_id"]
    seen = [
        sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}", key="send"),
        sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send"),
        sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/threads/{thread}", key="send"),
        sandbox.call("GET", "/v1/oversight/pending", key="oversight"),
        sandbox.call("GET", "/get_thread", key="send", thread_id=thread),
        sandbox.call("GET", "/read_email", key="send", email_id=draft),
        sandbox.decide(draft),
        sandbox.audit(),
    ]
    assert "hidden@z.example" not in str(seen)
    assert "bcc" not in str(seen)
