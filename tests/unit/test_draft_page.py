"""A waiting draft as it is read: its head, and the page below."""

from __future__ import annotations

import pytest

from mm_tui.models import Party
from mm_tui.review.findings import Finding, Level
from mm_tui.review.render_pass import RenderPass
from mm_tui.review.risk.model import Assessment
from mm_tui.screens.pending.advice import Advice
from mm_tui.screens.pending.findings import finding_lines
from mm_tui.screens.pending.head import OpenedEmail, fitted
from mm_tui.screens.pending.pages import draft_page, place_in_body
from mm_tui.services.assistant.cards import CardPhase
from mm_tui.services.assistant.second_reader import Remark, SecondReaderState
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import ManyLine, OneLine
from tests.support.pictured_queue import ITEMS, digest
from tests.support.seat import NOW


@pytest.mark.parametrize(("length", "row", "sender"), [(20, 0, 1), (69, 1, 1), (78, 1, 1), (100, 1, 2)])
def test_the_digest_takes_no_row_of_its_own(length: int, row: int, sender: int) -> None:
    item = ITEMS["d-refund"].replaced(subject=OneLine("s" * length))
    head = fitted(OpenedEmail(QueueEntry(item, digest(item.id), Assessment((), ()))), NOW, 78, 20)[0]
    lines = head.wrap(78)
    assert [at for at, line in enumerate(lines) if digest(item.id)[:8] in line.plain] == [row]
    assert lines[sender].plain.startswith("from ")


@pytest.mark.parametrize(("name", "shown"), [("anna", "anna@customer.example"), ("a" * 40, "1 recipient, all listed")])
def test_a_crowded_head_still_names_a_single_recipient(name: str, shown: str) -> None:
    item = ITEMS["d-refund"].replaced(to=(Party.parse(f"Anna Keller of Keller Optik <{name}@customer.example>"),))
    findings = tuple(Finding(f"rule{number}", Level.LOW, OneLine(f"finding {number}")) for number in range(9))
    head, crowded = fitted(OpenedEmail(QueueEntry(item, digest(item.id), Assessment(findings, ()))), NOW, 58, 6)
    assert crowded and f"to   {shown}" in head.plain


@pytest.mark.parametrize(("rows", "remarks"), [(20, 4), (10, 3), (8, 1), (7, 0)])
def test_as_many_remarks_are_shown_as_fit(rows: int, remarks: int) -> None:
    item = ITEMS["d-refund"]
    said = [OneLine(f"quote {number}") for number in range(4)]
    quoted = tuple(
        Remark("not_found", words, (0, 1), OneLine("a price"), (0, 1), "m", OneLine("anna")) for words in said
    )
    advice = Advice(reader=SecondReaderState(CardPhase.DONE, remarks=quoted))
    opened = OpenedEmail(QueueEntry(item, digest(item.id), Assessment((), ())), advice=advice)
    head = fitted(opened, NOW, 98, rows)[0].plain
    assert head.count("≠ not found") == remarks
    assert "4 remarks" in head


@pytest.mark.parametrize("shown", [0, 1, 3])
def test_the_sentence_that_was_gone_to_is_shown_where_others_are_only_counted(shown: int) -> None:
    findings = [Finding(f"rule{number}", Level.LOW, OneLine(f"finding {number}")) for number in range(6)]
    for number in range(6):
        before, after = finding_lines(findings, shown), finding_lines(findings, shown, about=f"finding {number}")
        assert len(after) == len(before) and f"finding {number}" in str(after)
        assert after[-1].plain.endswith(f"{6 - max(1, shown)} more: i shows all")
        listed = [line.plain for line in before if line.plain.endswith(f"finding {number}")]
        assert not listed or [line.plain for line in after] == [line.plain for line in before]


@pytest.mark.parametrize("as_source", [True, False])
def test_a_place_on_the_page_of_a_draft_is_found_in_its_body(as_source: bool) -> None:
    body = "Hello **Anna**,\n\n* see [our *terms*](https://acme.example/terms)\n* thank you"
    item = ITEMS["d-refund"].replaced(body=ManyLine(body))
    entry = QueueEntry(item, digest(item.id), Assessment((), ()))
    page = draft_page(entry, above=["when  at once"], bodies=RenderPass(as_source=as_source))
    for words in ("Anna", "our ", "terms", "thank"):
        assert body[place_in_body(body, page, page.text.index(words)) :].startswith(words)
    assert place_in_body(body, page, 0) == 0
    assert place_in_body(body, page, len(page.text)) >= len(body) - 1
    assert place_in_body("another text", page, 20) == 0
