"""Mail for the agent in a test, and what must have become of it."""

from __future__ import annotations

from tests.support.agents import outbound_by_mail
from tests.support.sandbox import Sandbox

BODY = "Hello,\n\nthe app closes by itself since Monday. Please help me to fix this problem by Friday.\n\nAnna"


def some_mail(sandbox: Sandbox, count: int, **fields: str) -> list[str]:
    return [
        str(
            sandbox.inbound(
                **{
                    "subject": f"The app does not work, case {number}",
                    "body": BODY,
                    "sender": f"Anna <anna{number}@customer.example>",
                    **fields,
                }
            )["id"]
        )
        for number in range(count)
    ]


def assert_one_reply_each(sandbox: Sandbox, mail_ids: list[str]) -> None:
    replies = outbound_by_mail(sandbox, mail_ids)
    assert {mail_id: len(found) for mail_id, found in replies.items()} == dict.fromkeys(mail_ids, 1)
    for mail_id, (reply,) in replies.items():
        assert sandbox.status(reply) == "pending_send_approval"
        tags = sandbox.look(mail_id)["tags"]
        assert tags["label"] == "support"
        assert {"label.by", "summary", "intent", "urgency", "assist.model"} <= tags.keys()
    assert sandbox.outbox() == []
