"""The pages to read before a decision: the draft and its thread. Pure functions from models to text with marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mm_tui.models import EmailDetail, Party, PendingItem
from mm_tui.review.disclosure import NOT_DISCLOSED
from mm_tui.review.findings import Finding, Level
from mm_tui.review.render_pass import RenderPass
from mm_tui.review.rendered import Rendered
from mm_tui.services.mail.unsent import unsent_words
from mm_tui.services.queue.entry import QueueEntry, ThreadMail
from mm_tui.text import ManyLine, OneLine, file_label, subject_words
from mm_tui.widgets.marks import Mark
from mm_tui.widgets.pager import Page, PageWriter, quote_marks
from mm_tui.widgets.words import exact, size

UNOPENED = "not opened on this machine: t opens the thread's emails (and marks them read at the gateway)"
UNSAID = "──── not part of the conversation: nobody has received what follows ────"
_PAGER_STYLES = {"hidden": "risk"}
HEAD_RECIPIENTS = 4
HEAD_CHARACTERS = 160
"""Up to this many recipients and characters are shown above the page."""


def risk_marks(findings: Iterable[Finding]) -> list[Mark]:
    """Marks for the words named by the rules, worst last so that they win."""
    return [
        Mark(span.start, span.end, "fail" if finding.level is Level.HIGH else "risk", finding.words)
        for finding in sorted(findings, key=lambda one: one.level)
        if finding.level >= Level.LOW
        for span in finding.spans
    ]


def draft_page(
    entry: QueueEntry,
    *,
    above: Sequence[str] | None = None,
    bodies: RenderPass | None = None,
    more: Sequence[Mark] = (),
) -> Page:
    """What would be sent, the agent's draft or the human's text: its body with risky words marked, and its attachments.

    Args:
        above: None if the head shows everything. Otherwise it has no room, so sender, recipients, subject and these
            lines come in full at the beginning of the page.
        bodies: renders the body, or leaves it as written.
        more: further marks in the body.
    """
    writer, body = PageWriter(), ManyLine(entry.text.body)
    write_envelope(writer, entry, above, folded=True)
    if body.strip():
        _text(writer, body, entry.assessment.findings, bodies or RenderPass(), more)
        writer.line()
    else:
        writer.line("(the draft is empty)", "risk")
    write_files(writer, entry.item)
    _write_folded(writer, entry)
    return writer.page()


def place_in_body(body: str, page: Page, at: int) -> int:
    """The position in a draft's body of a position on its page, which shows the body as written or as it is read."""
    for made in (Rendered(body), RenderPass().of(body)):
        start = page.text.find(made.text.rstrip())
        if start >= 0 and made.text.strip():
            shown = min(max(0, at - start), len(made.text) - 1)
            if made.source is None:
                return shown
            return next((place for place in made.source[shown:] if place >= 0), len(body))
    return 0


def fits_head(recipients: Sequence[str]) -> bool:
    """Whether all recipients fit above the page. Otherwise they are on the page, to be read like the text."""
    return len(recipients) <= HEAD_RECIPIENTS and sum(map(len, recipients)) <= HEAD_CHARACTERS


def write_envelope(writer: PageWriter, entry: QueueEntry, above: Sequence[str] | None, *, folded: bool = False) -> None:
    """Writes what is too long for the head, because everything that is sent must be visible (R11). `folded`: a long
    list of recipients is only counted here and follows below the text, so that the text is seen first."""
    started, item, subject = above is not None, entry.item, OneLine(entry.text.subject)
    if above is not None or len(subject) > HEAD_CHARACTERS:
        writer.write("subject  ", "dim")
        writer.line(subject)
        started = True
    if above is not None:
        writer.write("from  ", "dim")
        writer.line(OneLine(f"{item.sender}"))
    for name, addresses in _recipients(entry):
        if folded and not fits_head(addresses):
            writer.write(f"{name}  ", "dim")
            writer.line(f"{len(addresses)} recipients, all listed below the text", "strong")
            started = True
        elif above is not None or not fits_head(addresses):
            _write_numbered(writer, f"{name} ", addresses)
            started = started or bool(addresses)
    for line in above or ():
        writer.line(OneLine(line), "dim")
    if started:
        writer.line()


def _recipients(entry: QueueEntry) -> tuple[tuple[str, Sequence[str]], ...]:
    return (("to", entry.text.to), ("cc", entry.item.raw.cc), ("bcc", entry.item.raw.bcc))


def _write_folded(writer: PageWriter, entry: QueueEntry) -> None:
    """Writes the lists of recipients that are too long to be above the text."""
    for name, addresses in _recipients(entry):
        if not fits_head(addresses):
            writer.line()
            writer.line(f"{name}, {len(addresses)} recipients", "strong")
            _write_numbered(writer, "", addresses)


def _write_numbered(writer: PageWriter, name: str, addresses: Sequence[str]) -> None:
    for number, address in enumerate(addresses, start=1):
        writer.write(f"{name}{number}  ", "dim")
        writer.line(OneLine(f"{Party.parse(address)}"))


def thread_page(
    mails: Sequence[ThreadMail],
    bodies: RenderPass | None = None,
    *,
    marks: Callable[[str], Sequence[Mark]] = lambda _: (),
    newer: Sequence[ThreadMail] = (),
) -> Page:
    """The other emails of the draft's thread, newest first because the draft answers that one. `marks` returns marks by
    id. With `newer`, only these emails must be seen. Emails that were not sent or did not arrive come separately at the
    end, each with its state."""
    writer, bodies = PageWriter(), bodies or RenderPass()
    said = [mail for mail in mails if mail.mail.is_exchanged]
    unsaid = [mail for mail in mails if not mail.mail.is_exchanged]
    needed: int | None = None
    if not said:
        writer.line(
            "No earlier email of this thread is on this machine: this one starts a thread, or its thread was not "
            "synced.",
            "dim",
        )
    for mail in reversed(said):
        _thread_mail(writer, mail, bodies, marks(mail.summary.id))
        needed = writer.length if mail in newer else needed
    if unsaid:
        writer.line()
        writer.line(UNSAID, "risk")
        writer.line()
    for mail in reversed(unsaid):
        writer.line(f"▲ {OneLine(unsent_words(mail.mail))}", "risk")
        _thread_mail(writer, mail, bodies, ())
    return writer.page(needed)


def _thread_mail(writer: PageWriter, mail: ThreadMail, bodies: RenderPass, marks: Sequence[Mark]) -> None:
    summary = mail.summary
    writer.line(f"{summary.sender}", "strong")
    writer.line(f"{exact(summary.received_at)} · {subject_words(summary.subject)}", "dim")
    writer.line()
    if mail.detail is None:
        writer.line(UNOPENED, "dim")
    else:
        _text(writer, mail.detail.body, (), bodies, marks)
        writer.line()
        write_files(writer, mail.detail)
    writer.line()


def _text(
    writer: PageWriter, body: ManyLine, findings: Iterable[Finding], bodies: RenderPass, more: Sequence[Mark]
) -> None:
    """A body with its marks, as its recipient reads it or as written."""
    made = bodies.of(body)
    marks = [
        mark._replace(start=start, end=end)
        for mark in (*more, *risk_marks(findings))
        for start, end in made.stretches(mark.start, mark.end)
    ]
    if made.is_source:
        writer.write(body, marks=[*quote_marks(body), *marks])
        return
    styles = [Mark(one.start, one.end, _PAGER_STYLES.get(one.style, one.style)) for one in made.styles]
    writer.write(made.text, marks=[*styles, *marks])


def write_files(writer: PageWriter, mail: PendingItem | EmailDetail) -> None:
    if mail.attachments:
        writer.line()
        for attachment in mail.attachments:
            kind = f", {attachment.content_type}" if attachment.content_type else ""
            about = f"{file_label(attachment.name)} ({size(attachment.size)}{kind})"
            writer.line(OneLine(f"attached: {about}"), "dim")
    if "attachments" in mail.raw.undisclosed:
        writer.line()
        writer.line(f"attachments: {NOT_DISCLOSED}", "risk")
