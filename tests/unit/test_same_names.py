"""Several files of one name in a mail: what is saved is the file that was chosen, or it is said why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.sandbox.gateway.insert import distinct
from mm_tui.services.mail.attachments import WrongFile, chosen
from mm_tui.settings.secret import Secret
from tests.support.sandbox import Sandbox, file_part


async def saved(sandbox: Sandbox, email_id: str, index: int) -> tuple[bytes, str]:
    async with GatewayClient(sandbox.url, Keys(None, Secret(sandbox.keys["send"]), None)) as gateway:
        detail = await gateway.email(sandbox.mailbox, email_id)
        return await chosen(
            detail.raw.attachments, index, lambda name: gateway.attachment(sandbox.mailbox, email_id, name)
        )


async def test_each_file_of_a_mail_that_came_in_can_be_saved(sandbox: Sandbox) -> None:
    parts = [file_part("invoice.pdf", text, "application/pdf") for text in (b"first, EUR 10", b"second, EUR 9999")]
    mail = sandbox.inbound(subject="Two invoices", body="One name.", attachments=parts)
    assert [await saved(sandbox, mail["id"], index) for index in (0, 1)] == [
        (b"first, EUR 10", ""),
        (b"second, EUR 9999", ""),
    ]


async def test_where_the_gateway_hands_out_another_one_nothing_is_saved(sandbox: Sandbox) -> None:
    parts = [file_part("invoice.pdf", text, "application/pdf") for text in (b"first, EUR 10", b"second, EUR 9999")]
    draft = sandbox.send(attachments=parts)["id"]
    assert await saved(sandbox, draft, 0) == (b"first, EUR 10", "")
    with pytest.raises(WrongFile, match=r"2 files are named invoice.pdf .* the one of 13 bytes; this one has 16"):
        await saved(sandbox, draft, 1)


async def test_files_that_cannot_be_told_apart_are_marked_so(sandbox: Sandbox) -> None:
    draft = sandbox.send(attachments=[file_part("a.txt", b"one"), file_part("a.txt", b"two"), file_part("b", b"x")])[
        "id"
    ]
    content, doubt = await saved(sandbox, draft, 1)
    assert content == b"one" and "may be the other" in doubt
    assert await saved(sandbox, draft, 2) == (b"x", "")


@given(st.lists(st.sampled_from(["a.pdf", "a (2).pdf", "a (3).pdf", "b", ".x", "a"]), max_size=8))
def test_names_are_told_apart_and_kept_where_they_are_alone(names: list[str]) -> None:
    found = distinct(names)
    assert len(set(found)) == len(names)
    assert all(new == old for new, old in zip(found, names, strict=True) if names.count(old) == 1)
