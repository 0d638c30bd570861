"""House facts: what the company says of itself goes into prompts and counts as known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mm_tui.models import Party
from mm_tui.review.findings import Level
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Assessment, Draft, EarlierEmail, HouseText, ThreadContext
from mm_tui.services.knowledge.facts import LARGEST_FILE, HouseFacts
from mm_tui.settings.sections import Assist, Profile, Settings
from mm_tui.text import ManyLine, OneLine
from tests.support.assistant import settings_for, synced
from tests.support.cli import Home
from tests.support.models import event, raw_server, stream
from tests.support.sandbox import Sandbox

BOX = "support@acme.example"
HOUSE = HouseText(
    OneLine("prices.md"), ManyLine("Room 12: €310. Terms: https://terms.example/a. Write to desk@partner.example.")
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MM_TUI_CONFIG", str(tmp_path / "config.toml"))
    yield tmp_path


def facts(*names: str, profile: tuple[str, ...] | None = None, **boxes: tuple[str, ...]) -> HouseFacts:
    assist = Assist(facts=names, mailbox_facts={name.replace("_at_", "@"): files for name, files in boxes.items()})
    return HouseFacts(Settings(assist=assist, profile=Profile(facts=profile)))


# Reading files


def test_files_lie_beside_the_settings_and_are_read_again_when_they_change(folder: Path) -> None:
    (folder / "prices.md").write_text("Room 12: €310", "utf-8")
    house = facts("prices.md")
    assert [(file.name, file.text) for file in house.of(BOX).files] == [("prices.md", "Room 12: €310")]
    assert house.of(BOX) is house.of(BOX)
    (folder / "prices.md").write_text("Room 12: €3100", "utf-8")
    assert house.of(BOX).files[0].text == "Room 12: €3100"


def test_a_mailbox_and_a_profile_may_have_their_own(folder: Path) -> None:
    for name in ("all.md", "box.md", "profile.md"):
        (folder / name).write_text(name, "utf-8")
    assert [file.name for file in facts("all.md", support_at_acme=("box.md",)).of("SUPPORT@acme").files] == ["box.md"]
    assert [file.name for file in facts("all.md", other_at_acme=("box.md",)).of("support@acme").files] == ["all.md"]
    assert [file.name for file in facts("all.md", profile=("profile.md",)).of("support@acme").files] == ["profile.md"]
    assert facts("all.md", profile=()).of("support@acme").files == ()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (b"x" * (LARGEST_FILE + 1), "larger than 64 KiB"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (None, "there is no such file"),
    ],
)
def test_what_cannot_be_read_is_reported(folder: Path, held: bytes | None, words: str) -> None:
    if held is not None:
        (folder / "a.md").write_bytes(held)
    found = facts("a.md").of(BOX)
    assert not found.files and words in found.problems[0] and "a.md" in found.problems[0]


def test_a_folder_and_too_large_a_total_are_reported(folder: Path) -> None:
    (folder / "folder.md").mkdir()
    for name in ("a.md", "b.md"):
        (folder / name).write_bytes(b"x" * 60_000)
    found = facts("folder.md", "a.md", "b.md").of(BOX)
    assert [file.name for file in found.files] == ["a.md"]
    assert "no such file" in found.problems[0] and "b.md" in found.problems[1]


def test_control_characters_in_a_file_reach_nobody(folder: Path) -> None:
    (folder / "a.md").write_text("Room \x1b[2J12\u202e", "utf-8")
    assert facts("a.md").of(BOX).files[0].text == "Room 12"


# Rules


def _party(address: str) -> Party:
    return Party(address=OneLine(address))


def judged(body: str, *, house: tuple[HouseText, ...]) -> Assessment:
    mail = EarlierEmail(
        sender=_party("anna@customer.example"),
        subject=OneLine("Room"),
        body=ManyLine("Hello, what does room 12 cost? Anna"),
    )
    draft = Draft(
        sender=_party(BOX), to=(_party("anna@customer.example"),), subject=OneLine("Re: Room"), body=ManyLine(body)
    )
    return assess(draft, ThreadContext(messages=(mail,), own_addresses=frozenset({BOX}), house=house))


BODY = "Hello Anna, room 12 is €310. See https://terms.example/b or ask desk@partner.example, please. Mara"


def test_house_facts_count_as_known_and_are_quoted_with_the_file() -> None:
    unknown = {finding.code for finding in judged(BODY, house=()).findings}
    assert {"amount_not_in_thread", "link_not_in_thread", "address_not_in_thread"} <= unknown
    found = judged(BODY, house=(HOUSE,))
    assert not {one.code for one in found.findings if one.level >= Level.MEDIUM} & unknown
    assert found.known == ('"€310", "terms.example", "desk@partner.example": found in prices.md',)


def test_another_amount_than_the_facts_is_still_flagged() -> None:
    found = judged(BODY.replace("310", "301"), house=(HOUSE,))
    assert "amount_not_in_thread" in {finding.code for finding in found.findings}


# Prompts and the command line


async def test_drafts_and_redrafts_get_them(folder: Path, sandbox: Sandbox) -> None:
    (folder / "prices.md").write_text("Room 12: 310 euros", "utf-8")
    mail = sandbox.inbound(subject="Room", body="What does room 12 cost?")
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    async with raw_server(stream(event("310 euros"), event("", "stop", usage=usage))) as server:
        settings = settings_for(sandbox, ai21_host=server.host)
        settings = settings.replaced(assist=settings.assist.replaced(facts=("prices.md",)))
        async with synced(settings) as services:
            assert [part async for part in services.drafts.draft_reply(mail["id"])][-1].done
            assert [part async for part in services.drafts.redraft(mail["id"], "It costs", "say how much")][-1].done
    assert len(server.requests) == 2
    for request in server.requests:
        assert b"<<<FACTS prices.md\\nRoom 12: 310 euros\\nFACTS>>>" in request


def test_show_prints_their_text_and_what_could_not_be_read(home: Home, sandbox: Sandbox) -> None:
    home.config.write_text(home.config.read_text("utf-8") + '[assist]\nfacts = ["prices.md", "gone.md"]\n', "utf-8")
    (home.config.parent / "prices.md").write_text("A room is $310.", "utf-8")
    reported = home.run("pending", "show", sandbox.draft("Hello Anna, a room is $310."), "--json", status=0)
    assert reported.json["in_house_facts"] == ['"$310": found in prices.md']
    assert any("gone.md cannot be read" in words for words in reported.json["unchecked"])
