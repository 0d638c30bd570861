"""The keys of the thread screen that show more of a message: its raw form, sender, links and attachments."""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import platformdirs
from textual import getters

from mm_tui.messages import Said
from mm_tui.screens.base import BaseScreen
from mm_tui.screens.dialogs.dialog import ConfirmScreen, ask
from mm_tui.screens.thread.view import ThreadView
from mm_tui.services import attachments
from mm_tui.services.fault_words import expected_faults, fault_words
from mm_tui.text import OneLine
from mm_tui.widgets.words import exact

if TYPE_CHECKING:
    from textual.app import App

    from mm_tui.models import EmailDetail
    from mm_tui.review.links import Link
    from mm_tui.session import Session


class LookingCloser(BaseScreen):
    """Shows more of the current message of a thread."""

    thread_view = getters.query_one(ThreadView)
    """The widget that shows the thread's messages."""

    def _detail(self) -> EmailDetail | None:
        item = self.thread_view.current
        if item is None or item.detail is None:
            self.say("open the email first ({thread.fold})")
            return None
        return item.detail

    def action_raw(self) -> None:
        from mm_tui.screens.dialogs.mail import PageScreen, raw_page

        if (detail := self._detail()) is not None:
            self.app.push_screen(PageScreen("Raw email, escaped", raw_page(detail)))

    def action_copy(self) -> None:
        """Copies the text of the current message through the terminal (OSC 52), which also works over SSH."""
        if (detail := self._detail()) is not None:
            self.app.copy_to_clipboard(detail.body)
            self.say("text copied to the terminal's clipboard")

    def action_details(self) -> None:
        from mm_tui.screens.dialogs.mail import PageScreen, sender_page
        from mm_tui.store.mail.contacts import ContactStore

        item = self.thread_view.current
        if item is not None and (detail := self._detail()) is not None:
            contacts = ContactStore(self.session.database)
            seen = contacts.first_seen(detail.sender.address, before=detail.received_at)
            page = sender_page(detail, item.findings, f"since {exact(seen)}" if seen else "not before this email")
            self.app.push_screen(PageScreen("Sender", page))

    @property
    def has_links(self) -> bool:
        """Whether the current message is open and has links."""
        item = self.thread_view.current
        return item is not None and item.open and item.detail is not None and _has_links(item.detail.body)

    def action_links(self) -> None:
        from mm_tui.screens.dialogs.mail import LinksScreen

        if (detail := self._detail()) is not None:
            ask(self.app, LinksScreen(detail.body, self.session.inspection.known_to(detail)), self._link_chosen)

    def _link_chosen(self, link: Link) -> None:
        from mm_tui.screens.dialogs.mail import over_ssh

        if over_ssh() or not link.opens:
            self.app.copy_to_clipboard(link.target)
            self.say("link copied to the terminal's clipboard")
            return
        question = ConfirmScreen(f"Open {link.host} in the browser?", link.target, yes="open", no="do not open")
        self.app.push_screen(question, lambda yes: self.app.open_url(link.target) if yes else None)

    def action_files(self) -> None:
        from mm_tui.screens.dialogs.mail import FilesScreen

        if (detail := self._detail()) is not None:
            folder = platformdirs.user_downloads_path()
            ask(self.app, FilesScreen(detail, str(folder)), partial(self._file_chosen, detail))

    def _file_chosen(self, detail: EmailDetail, index: int) -> None:
        # A worker of the app, which goes on if the reader leaves the thread meanwhile.
        work = _save_file(self.app, self.session, detail, index)
        self.app.run_worker(work, group="file", exit_on_error=False)


async def _save_file(app: App[object], session: Session, detail: EmailDetail, index: int) -> None:
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
        said = Said(f"not saved: {error.strerror or error}", "error")
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
