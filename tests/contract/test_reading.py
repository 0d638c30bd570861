"""Reading: every filter, paging by cursor and since_id, details that mark read, threads, tags, attachments."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.support.sandbox import Sandbox, file_part


def listed(sandbox: Sandbox, **params: Any) -> list[str]:
    page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="oversight", **params)
    return [item["id"] for item in page["emails"]]


def status_of(sandbox: Sandbox, path: str, **params: Any) -> int:
    headers = {"X-API-Key": sandbox.keys["oversight"]}
    return sandbox.http.get(path, headers=headers, params=params).status_code


def test_every_filter_narrows_the_list(sandbox: Sandbox) -> None:
    anna = sandbox.inbound(subject="Refund, please", sender="Anna <anna@customer.example>")["id"]
    tom = sandbox.inbound(subject="Invoice", sender="tom@shop.example", attachments=[file_part("a", b"a")])["id"]
    between = sandbox.call("POST", "/sandbox/clock", json={"advance": 3600})["now"]
    sandbox.advance(3600)
    reply = sandbox.reply(anna, "Done")["id"]
    sandbox.wait_for(reply, "pending_send_approval")
    assert listed(sandbox) == [reply, tom, anna]
    assert listed(sandbox, status="unread") == [tom, anna]
    assert listed(sandbox, status="no_such_status") == []
    assert listed(sandbox, direction="outbound") == [reply]
    assert listed(sandbox, direction="inbound") == [tom, anna]
    assert listed(sandbox, sender="ANNA@customer") == [anna]
    assert listed(sandbox, subject_contains="refund") == [reply, anna]
    assert listed(sandbox, has_attachments="true") == [tom]
    assert listed(sandbox, has_attachments="false") == [reply, anna]
    assert listed(sandbox, date_after=between) == [reply]
    assert listed(sandbox, date_before=between) == [tom, anna]
    assert listed(sandbox, since_id=anna) == [reply, tom]
    assert listed(sandbox, since_id=reply) == []
    assert listed(sandbox, since_id=anna, direction="inbound", sender="tom") == [tom]
    other = sandbox.mailboxes[1]["id"]
    assert sandbox.call("GET", f"/v1/mailboxes/{other}/emails", key="oversight") == {"emails": [], "cursor": None}


def test_pages_follow_each_other_without_gap_or_repeat_while_mail_arrives(sandbox: Sandbox) -> None:
    # A cursor that is a time may miss an email that came in the same millisecond as the last of its page.
    sandbox.settings(cursors="id")
    filed = [sandbox.inbound(subject=f"Mail {number}")["id"] for number in range(25)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"cursor": cursor} if cursor else {}
        page = sandbox.call(
            "GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="oversight", limit=10, status="unread", **params
        )
        seen += [item["id"] for item in page["emails"]]
        sandbox.inbound(subject="New in between")
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == filed[::-1]


def test_page_sizes_are_bounded(sandbox: Sandbox) -> None:
    for number in range(21):
        sandbox.inbound(subject=str(number))
    assert len(listed(sandbox)) == 20
    assert len(listed(sandbox, limit=100)) == 21
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails"
    for wrong in (
        {"limit": 0},
        {"limit": 101},
        {"limit": "x"},
        {"cursor": "é"},
        {"date_after": "x"},
        {"direction": "up"},
    ):
        assert status_of(sandbox, path, **wrong) == 400, wrong
    assert status_of(sandbox, "/v1/mailboxes/01NONE/emails") == 404


def test_lists_carry_no_bodies(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="Hello", body="the very text", cc=["c@d.example"])
    page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="oversight")
    assert "the very text" not in str(page)
    assert "cc" not in page["emails"][0]


def test_a_detail_marks_unread_mail_read_and_a_list_does_not(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Hello", body="Text", cc=["c@d.example"], spam_score=0.5)
    listed(sandbox)
    assert sandbox.status(mail["id"]) == "unread"
    detail = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail['id']}", key="oversight")
    assert detail["status"] == "read"
    assert (detail["markdown"], detail["cc"], detail["spam_verdict"]) == ("Text", ["c@d.example"], "clean")
    assert "direction" not in detail
    assert sandbox.status(mail["id"]) == "read"
    wrong_box = f"/v1/mailboxes/{sandbox.mailboxes[1]['id']}/emails/{mail['id']}"
    assert status_of(sandbox, wrong_box) == 404


def test_threads_are_found_by_references_in_any_order(sandbox: Sandbox) -> None:
    reply = sandbox.inbound(
        subject="Re: A", message_id="<2@x>", in_reply_to="<1@x>", references=["<0@x>", "<1@x>"], sender="b@c.example"
    )
    root = sandbox.inbound(subject="A", message_id="<0@x>")
    sibling = sandbox.inbound(subject="Re: A", message_id="<3@x>", references=["<0@x>"])
    stranger = sandbox.inbound(subject="Re: A", message_id="<9@x>")
    assert reply["thread_id"] == root["thread_id"] == sibling["thread_id"] != stranger["thread_id"]
    thread = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/threads/{root['thread_id']}", key="oversight")
    assert thread["message_count"] == 3
    assert thread["has_unanswered_inbound"] is True
    assert set(thread["participants"]) == {"b@c.example", "anna@customer.example", sandbox.address}
    assert "markdown" not in thread["emails"][0]
    sandbox.reply(sibling["id"], "Answer")
    thread = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/threads/{root['thread_id']}", key="oversight")
    assert thread["has_unanswered_inbound"] is False
    assert status_of(sandbox, f"/v1/mailboxes/{sandbox.mailboxes[1]['id']}/threads/{root['thread_id']}") == 404


def test_putting_tags_replaces_all_of_them(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Hello")
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail['id']}/tags"
    sandbox.call("PUT", path, key="send", json={"tags": {"a": "1", "b/c d": "2"}})
    assert sandbox.call("PUT", path, key="send", json={"tags": {"b/c d": "3", "ü": "\u202e"}}) == {
        "tags": {"b/c d": "3", "ü": "\u202e"}
    }
    assert sandbox.call("DELETE", f"{path}/{quote('b/c d', safe='')}", key="send") == {"deleted": True}
    assert sandbox.call("GET", path, key="oversight") == {"tags": {"ü": "\u202e"}}
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.call("DELETE", f"{path}/none", key="send")
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.call("PUT", path, key="send", json={"tags": {"n": 5}})


@pytest.mark.parametrize("name", ["plan.pdf", "ä ö.txt", "../../etc/passwd", "a/b.txt", "100%.csv", "url", "x?y=1#z"])
def test_attachments_by_their_raw_name_and_by_link(sandbox: Sandbox, name: str) -> None:
    data = bytes(range(256))
    mail = sandbox.inbound(subject="File", attachments=[file_part(name, data, "text/plain"), file_part("other", b"o")])
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail['id']}/attachments/{quote(name, safe='')}"
    answer = sandbox.http.get(path, headers={"X-API-Key": sandbox.keys["send"]})
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, data, "text/plain")
    link = sandbox.call("GET", f"{path}/url", key="send")
    assert (link["filename"], link["size_bytes"], link["expires_in"]) == (name, 256, 3600)
    assert sandbox.http.get(link["url"]).content == data
    assert sandbox.http.get(link["url"].replace("expires=", "expires=9")).status_code == 403
    sandbox.advance(3601)
    assert sandbox.http.get(link["url"]).status_code == 403
    assert urlsplit(link["url"]).hostname == "127.0.0.1"


def test_hostile_mail_comes_through_as_it_was_sent(sandbox: Sandbox) -> None:
    hostile = "\x1b]52;c;aGk=\x07[/x]\u202e\u200b\x00 ' OR 1=1 --"
    mail = sandbox.inbound(subject=hostile, body=hostile, sender=f"{hostile} <a@b.example>")
    detail = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail['id']}", key="oversight")
    assert (detail["subject"], detail["markdown"]) == (hostile, hostile)


def test_the_audit_log_pages_and_names_the_key(sandbox: Sandbox) -> None:
    for number in range(3):
        sandbox.draft(f"Draft {number}")
    entries = sandbox.audit()
    assert [entry["id"] for entry in entries] == sorted((entry["id"] for entry in entries), reverse=True)
    submitted = [entry for entry in entries if entry["action"] == "email.reply_submitted"]
    keys = {key["name"]: key["id"] for key in sandbox.call("GET", "/v1/api-keys", key="admin")["api_keys"]}
    assert {entry["actor_key_id"] for entry in submitted} == {keys["send"]}
    first = sandbox.call("GET", "/v1/audit-log", key="admin", limit=2)
    second = sandbox.call("GET", "/v1/audit-log", key="admin", limit=2, cursor=first["cursor"])
    assert [entry["id"] for entry in first["entries"] + second["entries"]] == [entry["id"] for entry in entries[:4]]


def test_what_the_gateway_saw_can_be_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.forget_calls()
    listed(sandbox, limit=5)
    (call,) = sandbox.calls("GET", "/emails")
    assert (call["query"], call["key"], call["status"], call["fault"]) == ("limit=5", "oversight", 200, None)
