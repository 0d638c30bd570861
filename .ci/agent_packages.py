"""Does a round of mail with the tools of the public agent packages, against a sandbox: real clients nobody here wrote.

Run by a Python that has `langchain-multimail`, `crewai-multimail` and `llamaindex-multimail`, with the path of the
sandbox's ready file. Exits 1 when a tool does not work, 77 when a package cannot be imported.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

# They are to talk to the sandbox and to nobody else.
os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")
warnings.simplefilter("ignore")

SKIPPED = 77
Run = Callable[..., str]
Tools = Callable[[str], dict[str, Run]]


def langchain(url: str) -> Tools:
    from langchain_multimail import MultiMailToolkit

    def tools(key: str) -> dict[str, Run]:
        made = MultiMailToolkit(key, base_url=url).get_tools()
        return {tool.name: lambda tool=tool, **given: str(tool.invoke(given)) for tool in made}

    return tools


def crewai(url: str) -> Tools:
    from crewai_multimail import MultiMailToolkit

    def tools(key: str) -> dict[str, Run]:
        made = MultiMailToolkit(key, base_url=url).get_tools()
        return {tool.name: lambda tool=tool, **given: str(tool.run(**given)) for tool in made}

    return tools


def llamaindex(url: str) -> Tools:
    from llamaindex_multimail import MultiMailToolSpec

    def tools(key: str) -> dict[str, Run]:
        made = MultiMailToolSpec(key, base_url=url).to_tool_list()

        def run(tool: Any, given: dict[str, Any]) -> str:
            own_names = {"markdown": "body", "q": "query", "action": "decision"}
            renamed = {own_names.get(name, name): value for name, value in given.items()}
            if "tags" in renamed:
                renamed["tags"] = [f"{key}={value}" for key, value in given["tags"].items()]
            return str(tool.call(**renamed).content)

        return {tool.metadata.name: lambda tool=tool, **given: run(tool, given) for tool in made}

    return tools


def ask(url: str, path: str, key: str = "", body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + path, data, {**headers, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def holds(name: str, answer: str, wanted: Iterable[str]) -> None:
    missing = [words for words in wanted if words not in answer]
    if missing:
        raise SystemExit(f"{name} does not tell {missing}:\n{answer}")


def round_of_mail(name: str, tools: Tools, url: str, keys: dict[str, str]) -> None:
    """Check, read, reply, tag, thread, send, list what waits, approve one and reject the other."""
    agent, reviewer = tools(keys["send"]), tools(keys["oversight"])
    box = ask(url, "/v1/mailboxes", keys["oversight"])["mailboxes"][0]["id"]
    subject = f"Order of {name}"
    mail = ask(url, "/sandbox/inbound", body={"mailbox": box, "from": "anna@customer.example", "subject": subject,
                                              "body": "Where is it?"})  # fmt: skip
    email_id, thread_id = mail["id"], mail["thread_id"]
    holds("check_inbox", agent["check_inbox"](mailbox_id=box, limit=5), [subject, email_id, "inbound"])
    told = agent["read_email"](mailbox_id=box, email_id=email_id)
    holds("read_email", told, [subject, "Direction: inbound", "Where is it?"])
    replied = agent["reply_email"](mailbox_id=box, email_id=email_id, markdown="It is on its way.")
    holds("reply_email", replied, ["pending_scan"])
    holds("tag_email", agent["tag_email"](mailbox_id=box, email_id=email_id, tags={"topic": name}), [email_id])
    set_tags = ask(url, f"/v1/mailboxes/{box}/emails/{email_id}/tags", keys["send"])["tags"]
    holds("tag_email", str(set_tags), [f"'topic': '{name}'"])
    holds("get_thread", agent["get_thread"](mailbox_id=box, thread_id=thread_id), [subject, "outbound"])
    sent = agent["send_email"](mailbox_id=box, to=["tom@customer.example"], subject=subject, markdown="Hello")
    holds("send_email", sent, ["pending_scan"])
    agent["search_contacts"](q="nobody")
    drafts = [found[0] for answer in (replied, sent) if (found := re.findall(r"id: (\S+?),", answer))]
    holds("list_pending", reviewer["list_pending"](), drafts)
    holds("decide_email", reviewer["decide_email"](email_id=drafts[0], action="approve"), ["approve"])
    holds("decide_email", reviewer["decide_email"](email_id=drafts[1], action="reject", reason="Wrong"), ["reject"])
    left = [one["id"] for one in ask(url, "/sandbox/outbox")["messages"]]
    if drafts[0] not in left or drafts[1] in left:
        raise SystemExit(f"{name}: {drafts[0]} was approved and {drafts[1]} rejected, but {left} left")
    print(f"{name}: a round of mail with {len(agent)} tools")


def main(ready: dict[str, Any]) -> int:
    skipped = 0
    for package in (langchain, crewai, llamaindex):
        name = package.__name__
        try:
            tools = package(ready["url"])
        except Exception as error:  # noqa: BLE001 - their dependencies move: whatever keeps one from importing
            print(f"SKIPPED: {name}: {type(error).__name__}: {error}", file=sys.stderr)
            skipped += 1
            continue
        round_of_mail(name, tools, ready["url"], ready["keys"])
    return SKIPPED if skipped else 0


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
