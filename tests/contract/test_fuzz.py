"""Schemathesis drives the sandbox from its own OpenAPI document: whatever comes in, no answer is a server error."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error

from tests.support.sandbox import Sandbox, file_part, running_sandbox

# Faults, the closed port and the clock are there to break things; the settings may rightly answer 429 or 503.
LEFT_OUT = r"^/sandbox/(faults|refuse|clock|settings|calls)|^/health"
EXAMPLES = 8


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with some mail of each kind, and two keys that together may do everything."""
    with running_sandbox(tmp_path_factory.mktemp("fuzz")) as sandbox:
        for name, scopes in (("most", ["read", "send", "admin"]), ("decide", ["read", "oversight", "admin"])):
            sandbox.make_key(name, *scopes)
        for number in range(5):
            sandbox.draft(f"Draft {number}", attachments=[file_part("a.txt", b"text")])
        sandbox.inbound(subject="Spam", spam_score=9.0)
        yield sandbox


@pytest.fixture(scope="module")
def known(fuzzed: Sandbox) -> dict[str, list[str]]:
    """Real values for parameters of these names."""
    emails = fuzzed.call("GET", f"/v1/mailboxes/{fuzzed.mailbox}/emails", key="most", limit=50)["emails"]
    return {
        "mailbox_id": [box["id"] for box in fuzzed.mailboxes],
        "email_id": [item["id"] for item in emails],
        "thread_id": [item["thread_id"] for item in emails],
        "name": ["a.txt"],
    }


@pytest.fixture(scope="module")
def api(fuzzed: Sandbox) -> Any:
    return schemathesis.openapi.from_url(f"{fuzzed.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("api").exclude(path_regex=LEFT_OUT)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_causes_a_server_error(case: Any, fuzzed: Sandbox, known: dict[str, list[str]]) -> None:
    rng = random.Random(repr(case.path_parameters))
    # Made-up ids alone would end every call with 404: most of the time real ones take their place. Mailboxes are not
    # deleted though, since nothing could be sent any more.
    for parameters in (case.path_parameters, case.query):
        for name in list(parameters or {}):
            spared = case.method == "DELETE" and case.path.endswith("{mailbox_id}")
            if name in known and not spared and rng.random() < 0.8:
                parameters[name] = rng.choice(known[name])
    if isinstance(case.body, dict) and "email_id" in case.body and rng.random() < 0.8:
        case.body["email_id"] = rng.choice(known["email_id"])
    if case.path.startswith("/studio/"):
        headers = {"Authorization": f"Bearer {fuzzed.ai21_key}"}
    else:
        decides = "oversight" in case.path or case.path == "/list_pending"
        headers = {"X-API-Key": fuzzed.keys["decide" if decides else "most"]}
    case.call_and_validate(checks=[not_a_server_error], headers=headers)


def test_the_document_is_complete(fuzzed: Sandbox) -> None:
    paths = fuzzed.call("GET", "/openapi.json")["paths"]
    assert {"/v1/oversight/decide", "/get_thread", "/studio/v1/chat/completions", "/sandbox/faults"} <= set(paths)
    assert len(paths) >= 60
