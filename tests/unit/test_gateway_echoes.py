"""A key that the gateway repeats in an answer is taken out before anything is kept, logged or shown (R12)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mm_tui.clock import SystemClock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError, Malformed
from mm_tui.gateway.keys import Keys
from mm_tui.services.audit.change_journal import ChangeJournal
from mm_tui.services.decisions.view import Phase
from mm_tui.settings.secret import Secret
from mm_tui.store.database import Database
from mm_tui.store.mail.pending import PendingStore
from tests.support.desk import at_desk
from tests.support.sandbox import file_part, running_sandbox

OVERSIGHT, SEND = "oversight/made-up-key-1", "oversight/made-up-key-1-and-longer"
ITEM = {
    "id": f"01J-{SEND[-6:]}", "mailbox_id": "01JBOX", "direction": "outbound", "status": "pending_send_approval",
    "from": f"{SEND} <a@b.example>", "to": [f"c+{OVERSIGHT}@d.example"], "subject": f"s {SEND} s",
    "body": f"line\n{SEND}\n{OVERSIGHT}", "received_at": "2026-03-02T09:00:00Z", "tags": {SEND: SEND},
}  # fmt: skip


def plain(value: object) -> bytes:
    return json.dumps(value).encode()


def escaped(value: object) -> bytes:
    """The same JSON, with every letter of every text as an escape."""
    text = json.dumps(value)
    for key in (SEND, OVERSIGHT):
        text = text.replace(key, "".join(f"\\u{ord(letter):04x}" for letter in key))
    return text.encode()


def client(body: bytes, status: int = 200) -> GatewayClient:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=body))
    return GatewayClient("http://127.0.0.1:9", Keys(Secret(OVERSIGHT), Secret(SEND)), transport=transport)


@pytest.mark.parametrize("encode", [plain, escaped])
def test_what_is_stored_of_the_queue_contains_no_key(tmp_path: Path, encode: Callable[[object], bytes]) -> None:
    async def scene() -> None:
        with Database.open(tmp_path / "store.sqlite3") as database:
            async with client(encode({"emails": [ITEM]})) as gateway:
                listed = await gateway.pending()
                PendingStore(database).replace(listed, SystemClock().now())
                (item,) = PendingStore(database).items()
                assert item.raw.body == "line\n[key]\n[key]" and item.subject == "s [key] s"

    asyncio.run(scene())
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert OVERSIGHT.encode() not in kept


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
def test_a_refusal_that_repeats_a_key_is_journaled_without_it(tmp_path: Path, status: int) -> None:
    async def scene() -> None:
        with Database.open(tmp_path / "store.sqlite3") as database:
            async with client(plain({"error": f"no: {SEND}"}), status) as gateway:
                gateway.caller.witness = ChangeJournal(database, "robin", SystemClock())
                with pytest.raises(GatewayError) as reported:
                    await gateway.report_spam("01JX")
                assert OVERSIGHT not in str(reported.value)

    asyncio.run(scene())
    assert OVERSIGHT.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_an_answer_nested_beyond_measure_is_an_answer_that_cannot_be_read() -> None:
    async def scene() -> None:
        async with client(b'{"a":' * 900 + b"1" + b"}" * 900) as gateway:
            with pytest.raises(Malformed):
                await gateway.pending()

    asyncio.run(scene())


@pytest.mark.parametrize("name", ["oversight", "send"])
async def test_a_key_in_an_attachment_stays_in_its_bytes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with running_sandbox(tmp_path / "gateway") as sandbox:
        key = sandbox.keys[name]
        content = f"key = {key}\n".encode()
        draft = sandbox.draft("See the file.", attachments=[file_part("keys.txt", content, "text/plain")])
        (tmp_path / "ours").mkdir()
        async with at_desk(tmp_path / "ours", sandbox.url, sandbox.keys) as desk:
            mail = await desk.read(sandbox.mailbox, draft)
            await desk.release_edit(mail, "See the file, please.")
            view = await desk.settled(draft)
            assert view.phase is Phase.DONE, view.words
            assert view.replacement_id is not None
            carried = await desk.gateway.attachment(sandbox.mailbox, view.replacement_id, "keys.txt", size=len(content))
            assert carried == content, "carried over byte for byte"
            reported = [str(entry) + repr(entry) for entry in desk.journal()] + [repr(view), caplog.text]
        kept = b"".join(file.read_bytes() for file in (tmp_path / "ours").iterdir())
    assert not any(key in text for text in reported)
    assert key.encode() not in kept
