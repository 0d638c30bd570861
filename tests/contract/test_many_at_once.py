"""Many callers at once: every request is answered, and no state is torn between two of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.support.sandbox import Sandbox

CALLERS = 12
ROUNDS = 40


def test_many_callers_at_once_get_whole_answers(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Hello", body="Please answer")
    path = f"/v1/mailboxes/{sandbox.mailbox}"

    def call(caller: int) -> set[int]:
        seen: set[int] = set()
        headers = {"Authorization": f"Bearer {sandbox.keys['send']}"}
        with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False, timeout=30) as http:
            for number in range(ROUNDS):
                body = {"markdown": f"Answer {number} of {caller}"}
                seen.add(http.post(f"{path}/reply/{mail['id']}", json=body).status_code)
                seen.add(http.get(f"{path}/emails").status_code)
                seen.add(http.get(f"{path}/emails/{mail['id']}/tags").status_code)
        return seen

    with ThreadPoolExecutor(CALLERS) as pool:
        assert set().union(*pool.map(call, range(CALLERS))) == {200, 202}
    assert len(sandbox.pending()) == CALLERS * ROUNDS
