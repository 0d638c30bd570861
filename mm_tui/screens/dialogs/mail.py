"""Details of one email: its raw form, sender, links and files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mm_tui.review.findings import Level
from mm_tui.review.links import Link, find_links, inspect_link
from mm_tui.text import OneLine, escaped, file_label
from mm_tui.widgets.choice_list import ChoiceList
from mm_tui.widgets.pager import Page, Pager, PageWriter
from mm_tui.widgets.words import exact, size

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mm_tui.models import Attachment, EmailDetail
    from mm_tui.review.findings import Finding
    from mm_tui.review.known import Known

from mm_tui.screens.dialogs.confirm import keys_line

TAG_CHARACTERS = 24
"""The widest column for the names of tags."""
LEVEL_STYLES = {Level.HIGH: "fail", Level.MEDIUM: "risk", Level.LOW: "risk", Level.NONE: "dim"}


class PageScreen(ModalScreen[None]):
    """Shows a text in a dialog.

    Args:
        title: its heading.
        page: what to read.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,v,i", "close", "close")]

    def __init__(self, title: str, page: Page) -> None:
        super().__init__()
        self._title, self._page = title, page

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog dialog--page"):
            yield Static(Content(OneLine(self._title)), classes="dialog--title")
            yield Pager()
            yield keys_line(("j k", "scroll"), ("esc", "close"))

    def on_mount(self) -> None:
        pager = self.query_one(Pager)
        pager.show(self._page, self._title)
        pager.focus()

    def action_close(self) -> None:
        self.dismiss(None)


def raw_page(detail: EmailDetail) -> Page:
    """The email as received, with every non-ASCII character escaped."""
    writer = PageWriter()
    raw = detail.raw
    for name, value in (
        ("From", raw.sender),
        ("To", ", ".join(raw.to)),
        ("Cc", ", ".join(raw.cc)),
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
    rows = (
        ("address", detail.sender.address),
        ("name", detail.sender.name or "none given"),
        ("to", ", ".join(str(party) for party in detail.to) or "not disclosed by the gateway"),
        ("cc", ", ".join(str(party) for party in detail.cc) or "–"),
        ("received", exact(detail.received_at)),
        ("known", first_seen),
        ("id", detail.id),
    )
    for name, value in rows:
        writer.write(f"{name:<10}", "dim")
        writer.line(OneLine(value))
    writer.line()
    if not findings:
        writer.line("Nothing about the sender looks wrong. That is no proof: anybody can use any name.", "dim")
    for finding in sorted(findings, key=lambda one: -one.level):
        writer.line(f"{finding.level.sign} {finding.words}", LEVEL_STYLES[finding.level])
    if detail.tags:
        writer.line()
    room = max((len(name) for name in detail.tags), default=0)
    for name, value in sorted(detail.tags.items()):
        writer.write(f"tag {name:<{min(room, TAG_CHARACTERS)}}  ", "dim")
        writer.line(value)
    return writer.page()


class LinksScreen(ModalScreen[Link | None]):
    """Lists the links of an email with their real hosts. Returns the chosen one; opens nothing.

    Args:
        text: the body.
        known: for look-alikes.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
    ]

    def __init__(self, text: str, known: Known) -> None:
        super().__init__()
        self._links = [(link, tuple(inspect_link(link, known))) for link in find_links(text)]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog dialog--wide"):
            yield Static(Content(f"Links · {len(self._links)}"), classes="dialog--title")
            if self._links:
                yield ChoiceList(*[Option(_link_lines(link, found)) for link, found in self._links])
            else:
                yield Static(Content.styled("This email has no links.", "$mm-dim"))
            opens = [("enter", "copy" if over_ssh() else "open or copy")] if self._links else []
            yield keys_line(*opens, ("esc", "close"))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._links[message.option_index][0])

    def action_close(self) -> None:
        self.dismiss(None)


def over_ssh() -> bool:
    """Whether the terminal is on another machine, so that a browser would open on the wrong one."""
    return bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))


def _link_lines(link: Link, findings: tuple[Finding, ...]) -> Content:
    host = link.host or link.scheme or "?"
    parts: list[str | tuple[str, str]] = [(OneLine(host), "bold")]
    if link.text and link.text != link.target:
        parts += [("  says ", "$mm-dim"), OneLine(link.text[:120])]
    parts += ["\n", (OneLine(link.target[:300]), "$mm-dim")]
    for finding in sorted(findings, key=lambda one: -one.level):
        colour = "$mm-fail" if finding.level is Level.HIGH else "$mm-risk"
        parts += ["\n", (f"{finding.level.sign} {finding.words}", colour)]
    return Content.assemble(*parts)


class FilesScreen(ModalScreen[int | None]):
    """Lists the attachments of an email; returns the index of the chosen one.

    Args:
        attachments: as listed in the email.
        folder: where a chosen one is saved.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "close")]

    def __init__(self, attachments: tuple[Attachment, ...], folder: str) -> None:
        super().__init__()
        self._attachments, self._folder = attachments, folder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("Files"), classes="dialog--title")
            if self._attachments:
                yield ChoiceList(*[Option(_file_line(one)) for one in self._attachments])
                yield Static(Content.styled(OneLine(f"saved in {self._folder}, never opened"), "$mm-dim"))
            else:
                yield Static(Content.styled("This email has no attachments.", "$mm-dim"))
            saves = [("enter", "save")] if self._attachments else []
            yield keys_line(*saves, ("esc", "close"))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(message.option_index)

    def action_close(self) -> None:
        self.dismiss(None)


def _file_line(one: Attachment) -> Content:
    return Content.assemble(file_label(one.name, 44), (f"  {size(one.size)}  {OneLine(one.content_type)}", "$mm-dim"))
