"""Details of one email: its raw form, sender, links and files."""

from __future__ import annotations

import os
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mm_tui.models import Direction, EmailDetail
from mm_tui.review.disclosure import NOT_DISCLOSED
from mm_tui.review.findings import Finding, Level
from mm_tui.review.known import Known
from mm_tui.review.links import Link, find_links, inspect_link
from mm_tui.screens.dialogs.dialog import Dialog, Line, ListDialog, keys_line, keys_words
from mm_tui.text import OneLine, escaped, file_label
from mm_tui.widgets.pager import Page, Pager, PageWriter
from mm_tui.widgets.words import exact, size

SHARE, FRAME = 85, 6
"""The greatest height of a page in percent of the screen's, and the lines around its text."""
CLOSING = (("esc", "close"),)
TAG_CHARACTERS = 24
"""The widest column for the names of tags."""
LEVEL_STYLES = {Level.HIGH: "fail", Level.MEDIUM: "risk", Level.LOW: "risk", Level.NONE: "dim"}


class PageScreen(Dialog[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,v,i", "close", "close")]

    def __init__(self, title: str, page: Page) -> None:
        super().__init__()
        self._title, self._page = title, page

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog dialog--page"):
            yield Static(Content(OneLine(self._title)), classes="dialog--title")
            yield Pager()
            yield keys_line(*CLOSING)

    def on_mount(self) -> None:
        pager = self.query_one(Pager)
        pager.show(self._page, self._title)
        pager.focus()
        self.watch(pager, "virtual_size", self._fit)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """Makes the dialog as high as its text, if there is room; otherwise the text scrolls."""
        pager = self.query_one(Pager)
        lines, most = pager.virtual_size.height, max(1, self.size.height * SHARE // 100 - FRAME)
        pager.styles.height = min(lines, most)
        scrolling = (("j k", "scroll"),) if lines > most else ()
        self.query_one(".dialog--keys", Static).update(keys_words(*scrolling, *CLOSING))


def raw_page(detail: EmailDetail) -> Page:
    """The email as received, with every non-ASCII character escaped."""
    writer = PageWriter()
    raw = detail.raw
    for name, value in (
        ("From", raw.sender),
        ("To", ", ".join(raw.to)),
        ("Cc", ", ".join(raw.cc)),
        *([("Bcc", ", ".join(raw.bcc))] if raw.bcc else []),
        ("Subject", raw.subject),
    ):
        writer.write(f"{name}: ", "dim")
        writer.line(escaped(value).replace("\n", "\\n"))
    for name, count, kind in raw.attachments:
        writer.write("File: ", "dim")
        writer.line(f"{escaped(name)} ({count} bytes, {escaped(kind)})".replace("\n", "\\n"))
    writer.line()
    writer.line(escaped(raw.body))
    return writer.page()


def sender_page(detail: EmailDetail, findings: tuple[Finding, ...], first_seen: str) -> Page:
    """The sender of an email, what is suspicious about it, and since when the address is known here."""
    writer = PageWriter()
    no_cc = NOT_DISCLOSED if "cc" in detail.raw.undisclosed else "–"
    is_ours = str(detail.direction) == Direction.OUTBOUND
    rows = (
        ("address", detail.sender.address),
        ("name", detail.sender.name or "none given"),
        ("to", ", ".join(str(party) for party in detail.to) or NOT_DISCLOSED),
        ("cc", ", ".join(str(party) for party in detail.cc) or no_cc),
        ("written" if is_ours else "received", exact(detail.received_at)),
        *(() if is_ours else (("known", first_seen),)),
        ("id", detail.id),
    )
    for name, value in rows:
        writer.write(f"{name:<10}", "dim")
        writer.line(OneLine(value))
    writer.line()
    if not findings:
        nothing = "Nothing about the sender looks wrong. That is no proof: anybody can use any name."
        ours = "Written in this account. The audit log says with which key."
        writer.line(ours if is_ours else nothing, "dim")
    for finding in sorted(findings, key=lambda one: -one.level):
        writer.line(f"{finding.level.sign} {finding.words}", LEVEL_STYLES[finding.level])
    if detail.tags:
        writer.line()
    room = max((len(name) for name in detail.tags), default=0)
    for name, value in sorted(detail.tags.items()):
        writer.write(f"tag {name:<{min(room, TAG_CHARACTERS)}}  ", "dim")
        writer.line(value)
    return writer.page()


class LinksScreen(ListDialog[Link]):
    """Lists the links of an email with their real hosts. Returns the chosen one; opens nothing. `known`: for
    look-alikes."""

    def __init__(self, text: str, known: Known) -> None:
        lines = [Line(_link_words(link, tuple(inspect_link(link, known))), link) for link in find_links(text)]
        super().__init__(
            f"Links · {len(lines)}",
            lines,
            choose="" if not lines else "copy" if over_ssh() else "open or copy",
            note=Content("") if lines else Content.styled("This email has no links.", "$mm-dim"),
            kind="dialog--wide",
        )


def over_ssh() -> bool:
    """Whether the terminal is on another machine, so that a browser would open on the wrong one."""
    return bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))


def _link_words(link: Link, findings: tuple[Finding, ...]) -> Content:
    host = link.host or link.scheme or "?"
    parts: list[str | tuple[str, str]] = [(OneLine(host), "bold")]
    if link.text and link.text != link.target:
        parts += [("  says ", "$mm-dim"), OneLine(link.text[:120])]
    parts += ["\n", (OneLine(link.target[:300]), "$mm-dim")]
    for finding in sorted(findings, key=lambda one: -one.level):
        colour = "$mm-fail" if finding.level is Level.HIGH else "$mm-risk"
        parts += ["\n", (f"{finding.level.sign} {finding.words}", colour)]
    return Content.assemble(*parts)


class FilesScreen(ListDialog[int]):
    """Lists the attachments of an email; returns the index of the chosen one."""

    def __init__(self, mail: EmailDetail, folder: str) -> None:
        none = "The gateway does not disclose" if "attachments" in mail.raw.undisclosed else "This email has no"
        attachments = mail.attachments
        note = OneLine(f"A file is saved in {folder} and is not opened." if attachments else f"{none} attachments.")
        lines = [
            Line(
                Content.assemble(
                    file_label(one.name, 44), (f"  {size(one.size)}  {OneLine(one.content_type)}", "$mm-dim")
                ),
                at,
            )
            for at, one in enumerate(attachments)
        ]
        super().__init__("Files", lines, choose="save" if lines else "", note=Content.styled(note, "$mm-dim"))
