"""Filling a sandbox with mail of the past: dates, directions, threads, drafts, odd mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mm_tui.sandbox.gateway import mailboxes
from mm_tui.sandbox.gateway.mail import IncomingMail, MailAttachment, SampleDraft, SampleMailbox
from mm_tui.sandbox.gateway.state import DOMAIN, SandboxState
from mm_tui.sandbox.run import seed
from mm_tui.sandbox.samples import load_samples
from tests.support.sandbox import Sandbox, running_sandbox

SUPPORT = f"support@{DOMAIN}"
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def mail(number: int, **fields: object) -> IncomingMail:
    known: dict[str, object] = {
        "sender": "anna@customer.example",
        "to": (SUPPORT,),
        "subject": f"Mail {number}",
        "body": "Text",
        "date": NOON + timedelta(minutes=number),
        "message_id": f"<{number}@x>",
    }
    return IncomingMail(**{**known, **fields})  # type: ignore[arg-type]


def filling(*mails: IncomingMail) -> Callable[[SandboxState], None]:
    def fill(state: SandboxState) -> None:
        first = mailboxes.all_mailboxes(state)[0]["id"]
        assert seed.fill_mail(state, first, mails) == len(mails)

    return fill


def listed(sandbox: Sandbox, mailbox: str | None = None) -> list[dict[str, str]]:
    page = sandbox.call("GET", f"/v1/mailboxes/{mailbox or sandbox.mailbox}/emails", key="send", limit=100)
    found = page["emails"]
    assert isinstance(found, list)
    return found


def test_ids_sort_by_the_dates_of_the_mail_whatever_order_it_came_in(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, fill=filling(mail(3), mail(1), mail(2))) as sandbox:
        new = sandbox.inbound(subject="New")["id"]
        found = listed(sandbox)
        assert [item["subject"] for item in found] == ["New", "Mail 3", "Mail 2", "Mail 1"]
        assert found[0]["id"] == new
        assert found[1]["received_at"] == "2024-05-01T12:03:00.000Z"


def test_mail_from_the_readers_own_addresses_was_sent(tmp_path: Path) -> None:
    def fill(state: SandboxState) -> None:
        first = mailboxes.all_mailboxes(state)[0]["id"]
        seed.fill_mail(state, first, [mail(1), mail(2, sender="Me <Me@y.example>")], ["me@y.example"])

    with running_sandbox(tmp_path, fill=fill) as sandbox:
        assert [item["direction"] for item in listed(sandbox)] == ["outbound", "inbound"]


def test_unknown_dates_are_shown_as_unknown_and_sort_first(tmp_path: Path) -> None:
    odd = [
        mail(1, date=None),
        mail(2, date=datetime(1901, 1, 1, tzinfo=UTC)),
        mail(3, date=datetime.max.replace(tzinfo=UTC)),
    ]
    with running_sandbox(tmp_path, fill=filling(mail(4), *odd)) as sandbox:
        found = listed(sandbox)
        assert [item["received_at"] for item in found] == ["2024-05-01T12:04:00.000Z", None, None, None]
        assert sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{found[-1]['id']}", key="send")


def test_a_future_date_is_stored_and_new_mail_is_found_after_it(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, fill=filling(mail(1, date=datetime(2038, 1, 1, tzinfo=UTC)))) as sandbox:
        (known,) = listed(sandbox)
        assert known["received_at"] == "2038-01-01T00:00:00.000Z"
        new = sandbox.inbound(subject="New")["id"]
        page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", since_id=known["id"])
        assert [item["id"] for item in page["emails"]] == [new]


def test_own_mail_is_outbound_and_delivered(tmp_path: Path) -> None:
    ours = mail(2, sender=f"Support <{SUPPORT.upper()}>", to=("anna@customer.example",), in_reply_to="<1@x>")
    with running_sandbox(tmp_path, fill=filling(mail(1), ours)) as sandbox:
        reply, asked = listed(sandbox)
        assert (reply["direction"], reply["status"], asked["status"]) == ("outbound", "delivered", "unread")
        assert reply["thread_id"] == asked["thread_id"]
        assert sandbox.outbox() == []


def test_threads_hold_over_missing_parents_and_broken_order(tmp_path: Path) -> None:
    with running_sandbox(
        tmp_path,
        fill=filling(
            mail(1, subject="Re: Lamp", references=("<lost@x>",)),
            mail(2, subject="AW: Lamp", references=("<lost@x>", "<gone@x>")),
            mail(3, subject="Re: Mail 5", in_reply_to="<5@x>"),
            mail(5),
            mail(6),
        ),
    ) as sandbox:
        thread = {item["subject"]: item["thread_id"] for item in listed(sandbox)}
        assert thread["Re: Lamp"] == thread["AW: Lamp"]
        assert thread["Re: Mail 5"] == thread["Mail 5"]
        assert len(set(thread.values())) == 3
        late = sandbox.inbound(**{"from": "anna@customer.example"}, subject="Re: Lamp", references=["<gone@x>"])
        assert late["thread_id"] == thread["Re: Lamp"]


def test_odd_text_is_filed_not_refused(tmp_path: Path) -> None:
    odd = mail(
        1,
        subject="lone \udc80 surrogate \x00",
        body="\ud800",
        sender="\udcff@x",
        message_id="",
        headers={"X-\udc80": "\udc80"},
        attachments=(MailAttachment("n\udc80", "not/a/type\r\n", b"x"),),
    )
    with running_sandbox(tmp_path, fill=filling(odd)) as sandbox:
        (item,) = listed(sandbox)
        detail = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{item['id']}", key="send")
        assert (detail["subject"], detail["markdown"]) == ("lone ? surrogate \x00", "?")
        reply = sandbox.reply(item["id"])["id"]
        sandbox.wait_for(reply, "pending_send_approval")
        sandbox.decide(reply)
        assert len(sandbox.outbox()) == 1


def test_sample_drafts_wait_in_their_threads(tmp_path: Path) -> None:
    sample = SampleMailbox(
        local="support",
        display_name="Help",
        mails=(mail(1, reply_to="orders@customer.example"), mail(2)),
        drafts=(
            SampleDraft(in_reply_to="<1@x>", body="As a reply"),
            SampleDraft(in_reply_to="<2@x>", body="Astray", to=("tom@elsewhere.example",), subject="Other"),
        ),
        read=frozenset({"<2@x>"}),
        tags={"<1@x>": {"label": "support"}},
    )

    def fill(state: SandboxState) -> None:
        assert seed.fill_samples(state, [sample]) == 4

    with running_sandbox(tmp_path, fill=fill) as sandbox:
        by_subject = {item["subject"]: item for item in listed(sandbox)}
        assert by_subject["Mail 2"]["status"] == "read"
        assert sandbox.look(by_subject["Mail 1"]["id"])["tags"] == {"label": "support"}
        drafts = [(item["subject"], item["to"]) for item in sandbox.pending()]
        assert drafts == [("Re: Mail 1", ["orders@customer.example"]), ("Other", ["tom@elsewhere.example"])]
        assert by_subject["Re: Mail 1"]["thread_id"] == by_subject["Mail 1"]["thread_id"]


def test_a_draft_that_answers_nothing_is_a_mistake_in_the_samples(tmp_path: Path) -> None:
    state = SandboxState(tmp_path)
    sample = SampleMailbox("support", "Help", drafts=(SampleDraft("<none@x>", "Text"),))
    with pytest.raises(ValueError, match="<none@x>"):
        seed.fill_samples(state, [sample])
    assert state.db.execute("SELECT count(*) FROM emails").fetchone()[0] == 0
    state.close()


def test_the_shipped_samples_fill_the_sandboxs_own_mailboxes(tmp_path: Path) -> None:
    samples = load_samples(datetime.now(UTC)).mailboxes

    def fill(state: SandboxState) -> None:
        seed.fill_samples(state, samples)

    with running_sandbox(tmp_path, fill=fill) as sandbox:
        assert len(sandbox.mailboxes) == len(samples) == 3
        drafts = [draft for sample in samples for draft in sample.drafts]
        assert len(sandbox.pending()) >= sum(draft.leaves_after is None for draft in drafts)
        statuses = [item["status"] for box in sandbox.mailboxes for item in listed(sandbox, box["id"])]
        assert "scheduled" in statuses, "one to try `mm-tui scheduled` with"
        unread = [
            item for box in sandbox.mailboxes for item in listed(sandbox, box["id"]) if item["status"] == "unread"
        ]
        assert unread
