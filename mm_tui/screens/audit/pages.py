"""The audit screen's pages: one log line in full, and an email's history. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mm_tui.review.identity import Identity, SignatureState
from mm_tui.screens.status_words import NO_STATUS, STATUS_WORDS
from mm_tui.services.audit.history import History
from mm_tui.services.audit.key_names import NO_NAMES, key_words
from mm_tui.services.audit.line import AuditLine, Tone
from mm_tui.store.audit.timeline import Source
from mm_tui.store.mail.chips import chips_of
from mm_tui.text import OneLine, subject_words
from mm_tui.widgets.cells import fit_cells
from mm_tui.widgets.pager import Page, PageWriter
from mm_tui.widgets.words import count, with_keys
from mm_tui.widgets.wrapping import wrapped

LABEL = 9
LONG_LABEL = 20
CLAIM = 1
MORE = 19
"""The indentation in cells of further details of an event."""


class RowWriter(PageWriter):
    """Builds a page of labels and their values; `room` and `label` are cells of a line and of a label."""

    def __init__(self, room: int, label: int) -> None:
        super().__init__()
        self.room = room
        self._label = label

    def row(self, name: str, value: str, *, label: int | None = None, style: str = "") -> None:
        """Writes a label, cut to its cells, and its clean value, with further lines below it; skips an empty value."""
        cells = self._label if label is None else label
        for at, (start, end) in enumerate(wrapped(value, max(8, self.room - cells - 1)) if value else []):
            self.write(fit_cells("" if at else OneLine(name), cells) + " ", "dim")
            self.line(value[start:end], style)


def exactly(at: datetime | None) -> str:
    """A time to the second, in the reader's time zone."""
    return at.astimezone().strftime("%d %b %Y %H:%M:%S %Z") if at is not None else "no time given"


def line_page(shown: AuditLine, room: int, keys: Mapping[str, str], names: Mapping[str, str] = NO_NAMES) -> Page:
    """One log line in full. `room`: cells of a line."""
    line = shown.line
    writer = RowWriter(room, LABEL)
    writer.line(shown.words, "strong")
    writer.line()
    if line.at is None:
        writer.line(with_keys("This entry cannot be read. Press {audit.verify} to check the journal.", keys), "fail")
    rows = [
        ("when", exactly(line.at)),
        ("log", "the gateway's audit log" if line.source is Source.GATEWAY else "journal of this machine"),
        ("action", line.action),
        ("who", _who(shown, names)),
        ("subject", line.subject),
        ("mailbox", shown.mailbox or line.mailbox_id),
        ("id" if line.about_type in ("", "mailbox") else line.about_type, line.about),
    ]
    for name, value in rows:
        writer.row(name, value)
    if shown.made_here:
        writer.row("journal", f"same decision as entry {shown.made_here}")
    if shown.original:
        writer.row("edited", f"{shown.replaced}, {shown.original}")
    if shown.folded:
        unfolds = with_keys("{audit.fold} shows each", keys)
        writer.row("with it", f"{count(shown.folded, 'earlier line', 'earlier lines')}; {unfolds}")
    writer.row("entry", line.entry_id)
    writer.row("hash", line.hash)
    if line.details:
        writer.line()
        width = min(LONG_LABEL, max(LABEL, *(len(key) for key, _ in line.details)))
        for key, value in line.details:
            writer.row(key, value, label=width)
    return writer.page()


def _who(shown: AuditLine, names: Mapping[str, str]) -> str:
    line = shown.line
    if line.source is Source.JOURNAL:
        return line.actor
    named = f"{key_words(line.actor, names)}, {line.actor}" if names.get(line.actor) else f"key {line.actor}"
    if shown.made_here:
        return f"{shown.who}, by {named}"
    return named if line.actor else "the gateway itself"


def history_page(
    history: History, room: int, identity: Identity | None = None, not_arrived: Sequence[OneLine] = ()
) -> Page:
    """An email's history: the email itself, then everything that happened, oldest first. `identity`: the result of
    checking its signed identity; None while that is in progress, or if it has none. `not_arrived`: sentences why it did
    not arrive."""
    writer = RowWriter(room, LABEL)
    _history_head(writer, history)
    for at, words in enumerate(not_arrived):
        writer.row("" if at else "arrival", f"▲ {words}", style="risk")
    _identity(writer, history, identity)
    writer.line()
    writer.line("What happened, oldest first", "dim")
    day = ""
    for event in history.events:
        local = event.at.astimezone() if event.at is not None else None
        today = local.strftime("%A %d %B %Y") if local is not None else "at an unknown time"
        if today != day:
            day = today
            writer.line()
            writer.line(day, "dim")
        time = local.strftime("%H:%M:%S") if local is not None else " " * 8
        writer.write(f"{time}  {event.origin:<8} ", "dim")
        writer.write(event.words, {Tone.DECISION: "strong", Tone.FAILURE: "risk"}.get(event.tone, ""))
        writer.write(f"  ({event.relation})" if event.relation else "", "dim")
        writer.line(f"  {event.who}" if event.who else "", "dim")
        if event.more:
            for start, end in wrapped(event.more, max(8, room - MORE)):
                writer.line(" " * MORE + event.more[start:end], "dim")
    if not history.events:
        writer.line("Nothing is recorded about it on this machine.")
    _claims(writer, history, identity)
    writer.line()
    writer.line(
        "Sources: the email's own timestamps (mail), the gateway's log (gateway), this machine's journal "
        "(journal), models (model), this program (here).",
        "dim",
    )
    if history.detail is None:
        writer.line("This email was not opened on this machine, so its tags and who approved it are not known.", "dim")
    elif not history.detail.identity:
        writer.line("The gateway sent no identity header with it, so there was nothing to check.", "dim")
    return writer.page()


def _identity(writer: RowWriter, history: History, identity: Identity | None) -> None:
    """Whether the signature on the claims about the sender is valid."""
    if history.detail is None or not history.detail.identity:
        return
    if identity is None:
        writer.row("identity", "checking …")
        return
    words = f"{identity.signature}{f': {identity.why}' if identity.why else ''}"
    is_valid = identity.signature is SignatureState.VALID
    sign = {SignatureState.VALID: "✓ ", SignatureState.INVALID: "✕ "}.get(identity.signature, "▲ ")
    writer.row("identity", sign + words, style="" if is_valid else "risk")


def _claims(writer: RowWriter, history: History, identity: Identity | None) -> None:
    """What the signed identity says, and what the signature proves."""
    if history.detail is None or not history.detail.identity or identity is None:
        return
    is_valid = identity.signature is SignatureState.VALID
    writer.line()
    writer.line("What the sender's identity says", "dim")
    for name, value in identity.claims:
        writer.row("", f"{name}: {value}", label=CLAIM, style="" if is_valid else "dim")
    if history.detail.ai_generated:
        writer.row("", f"X-AI-Generated: {history.detail.ai_generated} (not signed)", label=CLAIM, style="dim")
    if is_valid:
        proof = f"ECDSA P-256 under the gateway's key {identity.fingerprint}"
        writer.row("", proof, label=CLAIM, style="dim")
        limit = "The signature names no email: it proves who made the statement, not that it is about this email."
        writer.row("", limit, label=CLAIM, style="dim")


def _history_head(writer: RowWriter, history: History) -> None:
    mail = history.summary
    if mail is None:
        writer.line(f"Mail {history.email_id}", "strong")
        writer.line("It is not in the local store: it is too old, or in a mailbox this key cannot see.", "dim")
        return
    writer.line(subject_words(mail.subject), "strong")
    writer.row("from", str(mail.sender))
    writer.row("to", ", ".join(str(party) for party in mail.to) or "not disclosed by the gateway")
    status = STATUS_WORDS.get(mail.status, mail.status.replace("_", " ")) or NO_STATUS
    writer.row("status", f"{status} · {mail.direction}")
    writer.row("id", history.email_id)
    if history.detail is not None:
        shown = {"label": history.detail.tags.get(OneLine("label")), "tags": ", ".join(chips_of(history.detail.tags))}
        for name, value in shown.items():
            if value:
                writer.row(name, value)
    for other, relation in history.family.items():
        writer.row("with it", f"{other}, {relation}")
