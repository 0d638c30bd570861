"""What the audit screen gives to read: one line of the log in full, and a mail's whole life. Pure."""

from __future__ import annotations

from datetime import datetime

from mm_tui.services.audit_line import AuditLine, Tone
from mm_tui.services.life import Life
from mm_tui.store.timeline import Source
from mm_tui.text import OneLine
from mm_tui.widgets.paper import Page, PageWriter
from mm_tui.widgets.virtual_list import fit_cells

LABEL = 9
LONG_LABEL = 20


def exactly(at: datetime | None) -> str:
    """A moment to the second in the reader's own time zone."""
    return at.astimezone().strftime("%a %d %b %Y %H:%M:%S %Z") if at is not None else "no time given"


def line_page(shown: AuditLine) -> Page:
    """Everything that one line of the log holds."""
    line = shown.line
    writer = PageWriter()
    writer.line(shown.words, "strong")
    writer.line()
    if line.at is None:
        writer.line("This entry cannot be read. c checks the journal and says what is wrong.", "fail")
    rows = [
        ("when", exactly(line.at)),
        ("log", "the gateway's audit log" if line.source is Source.GATEWAY else "our journal, this machine"),
        ("action", line.action),
        ("who", _who(shown)),
        ("subject", line.subject),
        ("mailbox", shown.mailbox or line.mailbox_id),
        ("id" if line.about_type in ("", "mailbox") else line.about_type, line.about),
    ]
    for name, value in rows:
        _row(writer, name, value)
    if shown.made_here:
        _row(writer, "journal", f"entry {shown.made_here} is this decision")
    _row(writer, "entry", line.entry_id)
    _row(writer, "hash", line.hash)
    if line.details:
        writer.line()
        width = min(LONG_LABEL, max(LABEL, *(len(key) for key, _ in line.details)))
        for key, value in line.details:
            _row(writer, key, value, width)
    return writer.page()


def _who(shown: AuditLine) -> str:
    line = shown.line
    if line.source is Source.JOURNAL:
        return f"{line.actor}, as this program knows them"
    if shown.made_here:
        return f"{shown.who}, by key {line.actor}"
    return f"key {line.actor}" if line.actor else "the gateway by itself"


def _row(writer: PageWriter, name: str, value: str, width: int = LABEL) -> None:
    if value:
        writer.write(f"{fit_cells(OneLine(name), width)} ", "dim")
        writer.line(OneLine(value))


def life_page(life: Life) -> Page:
    """A mail's life: what it is, then everything that happened in the order of time."""
    writer = PageWriter()
    _life_head(writer, life)
    writer.line()
    writer.line("What happened, the oldest first", "dim")
    day = ""
    for event in life.events:
        local = event.at.astimezone() if event.at is not None else None
        today = local.strftime("%A %d %B %Y") if local is not None else "at an unknown time"
        if today != day:
            day = today
            writer.line()
            writer.line(day, "dim")
        time = local.strftime("%H:%M:%S") if local is not None else " " * 8
        writer.write(f"{time}  {event.origin:<8} ", "dim")
        writer.write(event.words, {Tone.DECISION: "strong", Tone.FAILURE: "risk"}.get(event.tone, ""))
        writer.write("  (of the other of edit and original)" if event.about_edit else "", "dim")
        writer.line(f"  {event.who}" if event.who else "", "dim")
        if event.more:
            writer.line(f"{' ' * 19}{event.more}", "dim")
    if not life.events:
        writer.line("Nothing is known of it on this machine.")
    writer.line()
    writer.line("Known from: the mail's own times (mail), the gateway's log (gateway), our journal (journal),", "dim")
    writer.line("models (model), and this program on this machine (here).", "dim")
    if life.detail is None:
        writer.line("The mail was not opened on this machine: its tags and who approved it are not known.", "dim")
    writer.line("The gateway's API shows no identity headers, so none are checked.", "dim")
    return writer.page()


def _life_head(writer: PageWriter, life: Life) -> None:
    mail = life.summary
    if mail is None:
        writer.line(f"Mail {life.email_id}", "strong")
        writer.line("It is not in the store: it is too old, or in a mailbox that this key does not see.", "dim")
        return
    writer.line(mail.subject.strip() or "(no subject)", "strong")
    _row(writer, "from", str(mail.sender))
    _row(writer, "to", ", ".join(str(party) for party in mail.to) or "nobody")
    _row(writer, "status", f"{mail.status} · {mail.direction}")
    _row(writer, "id", life.email_id)
    if life.detail is not None:
        _row(writer, "tags", ", ".join(f"{key}={value}" for key, value in sorted(life.detail.tags.items())) or "none")
    if life.family:
        _row(writer, "with it", f"{', '.join(life.family)} (edit or original)")
