"""The texts of the inbox: the first hint, the heading, and the empty list."""

from __future__ import annotations

from urllib.parse import urlsplit

from textual.content import Content

from mm_tui.screens.inbox.mail_list import UNREAD_SIGN, WAITING_SIGN
from mm_tui.screens.status import knows_mail
from mm_tui.services.events import SyncPhase
from mm_tui.session import Session
from mm_tui.store.mail.search import MailView, parse_query
from mm_tui.text import OneLine
from mm_tui.widgets.words import count, joined, sentence, with_keys

NO_ACCOUNT = "Without an account, mm-tui demo shows the program on sample mail. {app.quit} quits."
GREETED = "greeted"
"""The stored fact that the first hint has been shown."""
SIGNS = (
    (UNREAD_SIGN, "unread"),
    (WAITING_SIGN, "before the age: an answer waits for a decision; before an address: sent to it"),
    ("! !!", "high and urgent, as the model judged the email"),
    ("▲hidden", "invisible characters were removed from the email"),
    ("(3)", "emails in the thread"),
    ("#tag", "a tag that another program set; +2 if there are two more"),
)
"""The signs of the list, for the help."""


def hint(session: Session) -> str:
    """A hint on the first run, which it marks as done, and always in the demo; otherwise empty."""
    keys = session.settings.keys
    if session.demo is not None:
        profile = session.settings.profile
        is_stand_in = urlsplit(profile.ai21_host).netloc == urlsplit(profile.url).netloc
        sent = "nothing is sent" if is_stand_in else "no email is sent, Jamba reads it"
        # A sandbox may be empty.
        place, mail = ("Sandbox", "") if profile.name == "sandbox" else ("Demo", "sample mail, ")
        if not session.demo:
            cure = with_keys("Press {app.pending} for the queue.", keys)
            return f"{place}: {mail}{sent}. {cure}"
        cure = with_keys("Press {inbox.import_report} for a report.", keys)
        return f"{place}: your mail, {sent}. {cure}"
    if session.state.get(GREETED) is not None:
        return ""
    session.state.note(GREETED, "yes")
    if not session.settings.profile.gateway_keys():
        return "Welcome. mm-tui init connects your account; mm-tui demo shows sample mail."
    words = "Welcome. Press {app.pending} for the queue, {app.help} for keys, {app.palette} for all commands."
    return with_keys(words, keys)


def heading(session: Session, view: MailView, found: int, *, whole: bool) -> Content:
    """What is listed, how many emails there are, and which parts of the query were ignored. `found` counts emails, or
    threads where they are folded; unless it is `whole`, an ellipsis follows the number."""
    words = [session.mail.addresses().get(view.mailbox_id or "", "all mailboxes")]
    words += [f"label {OneLine(view.label)}"] if view.label else []
    words += [OneLine(view.status).replace("_", " ")] if view.status else []
    kinds = ("thread", "threads") if view.folded else ("email", "emails")
    number = count(found, *kinds) + ("" if whole else "…") if found or knows_mail(session) else "nothing loaded yet"
    parts = [Content(" · ".join(words)), Content(number)]
    if complaints := parse_query(view.query, session.clock.now()).complaints:
        # First, because it is what the reader must see where there is little room.
        return joined([Content.assemble(("▲ ", "$warning"), (complaints[0], "$foreground")), parts[1], parts[0]], " · ")
    if view.folded and found:
        parts.append(Content.assemble((UNREAD_SIGN, "$accent"), " unread"))
        parts.append(Content.assemble((WAITING_SIGN, "$accent"), " answer waits"))
    return joined(parts, " · ")


def empty_words(session: Session, view: MailView) -> tuple[str, ...]:
    """Why nothing is listed, and what to do next."""
    sync = session.sync
    keys = session.settings.keys
    if view.query:
        cure = with_keys("Press {inbox.clear} to show all mail, {app.help} for the operators.", keys, typing=True)
        return (f"Nothing matches “{OneLine(view.query)}”.", cure)
    if view.label or view.status:
        cure = with_keys("Press {inbox.clear} to show all mail, {inbox.filter} to choose another.", keys)
        return ("No mail has that label or status.", cure)
    if session.trouble:
        demo = () if session.settings.profile.gateway_keys() else ("", with_keys(NO_ACCOUNT, keys))
        return ("No mail on this machine yet.", sentence(session.trouble), *demo)
    if sync is None or sync.state.phase in (SyncPhase.CONNECTING, SyncPhase.INITIAL):
        return ("No mail on this machine yet.", "Fetching it from the gateway now.")
    if sync.state.error is not None:
        cure = next((part.cure for part in sync.state.parts if part.cure), OneLine(""))
        return ("No mail on this machine yet.", sentence(sync.state.error), cure, "This is retried automatically.")
    if view.mailbox_id is not None:
        words = "New mail appears here automatically. Press {inbox.mailbox} for the next mailbox."
        return ("This mailbox is empty.", with_keys(words, keys))
    return ("The mailboxes are empty.", "New mail appears here automatically.")
