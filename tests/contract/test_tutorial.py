"""The tutorial for AI21 users, snippet by snippet in its order, with one `MULTIMAIL_API_KEY` for every call.

Its snippets run as they are; only the addresses of the two services come from the environment. The webhook handler is
a real FastAPI app that the sandbox really calls.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from tests.support.sandbox import Sandbox, wait_until

SET_UP = """
import os

import httpx
from ai21 import AI21Client
from ai21.models.chat import UserMessage

MAILBOX = "agent@acme.multimail.example"
mail = httpx.Client(
    base_url=os.environ["MULTIMAIL_API_URL"],
    headers={"Authorization": f"Bearer {os.environ['MULTIMAIL_API_KEY']}"},
    trust_env=False,
)
jamba = AI21Client(api_key=os.environ["AI21_API_KEY"], api_host=os.environ["AI21_API_HOST"])


def ask(prompt):
    answer = jamba.chat.completions.create(model="jamba-mini", messages=[UserMessage(content=prompt)], max_tokens=200)
    return answer.choices[0].message.content


def call(method, path, **given):
    answer = mail.request(method, path, **given)
    answer.raise_for_status()
    return answer.json()
"""

CREATE = """
call("POST", "/create_mailbox", json={"address": MAILBOX, "oversight_mode": "gated_send"})
"""

HANDLER = """
from fastapi import FastAPI, Request

app = FastAPI()
drafts = []


@app.post("/hook")
async def hook(request: Request):
    event = await request.json()
    if event["type"] != "email.received":
        return {"ok": True}
    data = event["data"]
    thread = call("GET", "/get_thread", params={"thread_id": data["thread_id"]})
    text = "\\n\\n".join(f"{message['from']}: {message['body']}" for message in thread["messages"])
    summary = ask(f"Summarise this e-mail thread in two sentences:\\n{text}")
    call("POST", "/tag_email", json={"email_id": data["email_id"], "tags": ["billing"], "notes": summary})
    reply = call("POST", "/reply_email", json={
        "thread_id": data["thread_id"], "from": MAILBOX, "body": ask(f"Write a short reply:\\n{text}"),
        "oversight_mode": "gated_send",
    })
    drafts.append(reply["message_id"])
    return {"ok": True}
"""

SUBSCRIBE = """
call("POST", "/webhooks", json={"mailbox": MAILBOX, "url": HOOK_URL, "events": ["email.received"]})
"""

WAITING = """
waiting = call("GET", "/list_pending", params={"mailbox": MAILBOX})["messages"]
listed = [(message["message_id"], message["subject"]) for message in waiting]
"""

DECIDED = """
decision = call("GET", "/decide_email", params={"message_id": drafts[0]})
"""


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serves the snippet's own app on loopback."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def test_the_tutorial_runs_with_one_key(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMAIL_API_URL", sandbox.url)
    monkeypatch.setenv("MULTIMAIL_API_KEY", sandbox.ready.tutorial_key)
    monkeypatch.setenv("AI21_API_KEY", sandbox.ai21_key)
    monkeypatch.setenv("AI21_API_HOST", sandbox.ai21_url)
    names: dict[str, Any] = {}

    def run(snippet: str) -> None:
        exec(compile(snippet, "tutorial", "exec"), names)

    for snippet in (SET_UP, CREATE, HANDLER):
        run(snippet)
    with served(names["app"]) as url:
        names["HOOK_URL"] = f"{url}/hook"
        run(SUBSCRIBE)
        mail = sandbox.inbound(
            mailbox=names["MAILBOX"], subject="Refund", body="I was charged twice. Please refund $240."
        )
        wait_until(lambda: names["drafts"])
        run(WAITING)
        assert names["listed"] == [(names["drafts"][0], "Re: Refund")]
        tags = sandbox.look(mail["id"])["tags"]
        assert tags["billing"] == "true" and tags["notes"]
        run(DECIDED)
        assert names["decision"]["decision"] == "pending"
        assert sandbox.outbox() == [], "nothing leaves before a human approves"
        sandbox.decide(names["drafts"][0])
        run(DECIDED)
        assert names["decision"]["decision"] == "approved" and names["decision"]["decided_at"]
        assert [sent["subject"] for sent in sandbox.outbox()] == ["Re: Refund"]


def test_the_tutorials_key_approves_nothing(sandbox: Sandbox) -> None:
    sandbox.keys["tutorial"] = sandbox.ready.tutorial_key
    draft = sandbox.draft()
    refused = sandbox.http.post(
        "/v1/oversight/decide",
        headers={"Authorization": f"Bearer {sandbox.ready.tutorial_key}"},
        json={"email_id": draft, "action": "approve"},
    )
    assert refused.status_code == 403
    listed = sandbox.call("GET", "/v1/api-keys", key="admin")["api_keys"]
    assert not any({"send", "oversight"} <= set(key["scopes"]) for key in listed)
