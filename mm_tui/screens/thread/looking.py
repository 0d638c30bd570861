"""Shows details of a message in a thread: its raw form, sender, links and attachments."""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import platformdirs
from textual.app import App

from mm_tui.messages import Said
from mm_tui.models import EmailDetail
from mm_tui.review.links import Link
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.thread.view import ThreadView
from mm_tui.services.fault_words import expected_faults, fault_words
from mm_tui.services.mail import attachments
from mm_tui.session import Session
from mm_tui.text import OneLine, system_words
from mm_tui.widgets.words import exact

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen


class LookingCloser:
    """Shows more of the current message."""

    def __init__(self, screen: BaseScreen) -> None:
        self._screen = screen

    def _detail(self) -> EmailDetail | None:
        item = self._screen.query_one(ThreadView).current
        if item is None or item.detail is None:
            self._screen.say("open the email first ({thread.fold})")
            return None
        return item.detail

    def raw(self) -> None:
        """Shows the current message as received."""
        from mm_tui.screens.dialogs.mail import PageScreen, raw_page

        if (detail := self._detail()) is not None:
            self._screen.app.push_screen(PageScreen("Raw email, escaped", raw_page(detail)))

    def copy(self) -> None:
        """Copies the text of the current message through the terminal (OSC 52), which also works over SSH."""
        if (detail := self._detail()) is not None:
            self._screen.app.copy_to_clipboard(detail.body)
            self._screen.say("text copied to the terminal's clipboard")

    def details(self) -> None:
        """Shows what is known about the sender."""
        from mm_tui.screens.dialogs.mail import PageScreen, sender_page
        from mm_tui.store.mail.contacts import ContactStore

        item = self._screen.query_one(ThreadView).current
        if item is not None and (detail := self._detail()) is not None:
            contacts = ContactStore(self._screen.session.database)
            seen = contacts.first_seen(detail.sender.address, before=detail.received_at)
            page = sender_page(detail, item.findings, f"since {exact(seen)}" if seen else "not before this email")
            self._screen.app.push_screen(PageScreen("Sender", page))

    @property
    def has_links(self) -> bool:
        """Whether the current message is open and has links."""
        item = self._screen.query_one(ThreadView).current
        return item is not None and item.open and item.detail is not None and _has_links(item.detail.body)

    def links(self) -> None:
        """Shows the links, to open one."""
        from mm_tui.screens.dialogs.mail import LinksScreen

        if (detail := self._detail()) is not None:
            ask(
                self._screen.app,
                LinksScreen(detail.body, self._screen.session.inspection.known_to(detail)),
                self._link_chosen,
            )

    def _link_chosen(self, link: Link) -> None:
        from mm_tui.screens.dialogs.dialog import ConfirmScreen
        from mm_tui.screens.dialogs.mail import over_ssh

        if over_ssh() or not link.opens:
            self._screen.app.copy_to_clipboard(link.target)
            self._screen.say("link copied to the terminal's clipboard")
            return
        question = ConfirmScreen(f"Open {link.host} in the browser?", link.target, yes="open", no="do not open")
        self._screen.app.push_screen(question, lambda yes: self._screen.app.open_url(link.target) if yes else None)

    def files(self) -> None:
        """Shows the attachments, to save one."""
        from mm_tui.screens.dialogs.mail import FilesScreen

        if (detail := self._detail()) is not None:
            folder = platformdirs.user_downloads_path()
            ask(self._screen.app, FilesScreen(detail, str(folder)), partial(self._file_chosen, detail))

    def _file_chosen(self, detail: EmailDetail, index: int) -> None:
        app, session = self._screen.app, self._screen.session
        # A worker of the app, which goes on if the reader leaves the thread meanwhile.
        app.run_worker(self._save_file(app, session, detail, index), group="file", exit_on_error=False)

    async def _save_file(self, app: App[object], session: Session, detail: EmailDetail, index: int) -> None:
        files = detail.raw.attachments
        if index >= len(files):
            return
        name = files[index][0]
        app.post_message(Said(f"fetching {OneLine(name)}"))
        try:
            fetch = partial(session.network.gateway.attachment, detail.mailbox_id, detail.id)
            content, doubt = await attachments.chosen(files, index, fetch)
            path = await asyncio.to_thread(attachments.save, platformdirs.user_downloads_path(), name, content)
        except OSError as error:
            said = Said(f"not saved: {system_words(error)}", "error")
        except attachments.WrongFile as wrong:
            said = Said(f"not saved: {wrong}", "error")
        except expected_faults() as error:
            said = Said(f"not saved: {fault_words(error)}", "error")
        else:
            more = f"; {doubt}" if doubt else ""
            said = Said(f"saved as {path}{more}", "warning" if doubt else "information")
        app.post_message(said)


@lru_cache(maxsize=64)
def _has_links(body: str) -> bool:
    """Cached, since footers ask at every move and bodies can be long."""
    from mm_tui.review.links import find_links

    return bool(find_links(body))
