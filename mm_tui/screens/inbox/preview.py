"""The preview of the email under the cursor, from the store. It never fetches: only the reader opens emails."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.widget import Widget
from textual.worker import get_current_worker

from mm_tui.screens.inbox.mail_list import URGENCY_SIGNS, WAITING_SIGN, chips_beside_label
from mm_tui.screens.status_words import chip
from mm_tui.session import Session
from mm_tui.store.mail.mails import MailRow
from mm_tui.store.sort_keys import from_ms
from mm_tui.text import ManyLine, OneLine, subject_words
from mm_tui.widgets.words import exact, joined, with_keys

if TYPE_CHECKING:
    from mm_tui.models import EmailDetail, PendingItem
    from mm_tui.review.findings import Finding
    from mm_tui.services.assistant.cards import CardState

NAMES = 9
"""The width in cells of the lines' names."""
USUAL_ROWS = 5
"""The height in cells of what the assistant says."""
MAX_LINES = 60
"""The most lines of a body in the preview."""
CANCELLED_SECONDS = 0.05
"""Seconds after which a waiting thread looks whether it was cancelled."""


class Looked(NamedTuple):
    """What a thread read of an email and found in it. The bodies are rendered by then."""

    email_id: str
    mail: EmailDetail | PendingItem | None = None
    """The email, if it was opened on this machine or waits."""
    answer: PendingItem | None = None
    """The draft waiting in its thread."""
    findings: tuple[Finding, ...] = ()
    is_opened: bool = False


class Preview(Widget):
    """The pane beside or below the list. Text that does not fit is cut off; opening the email shows everything."""

    DEFAULT_CSS = "Preview { padding: 0 1; }"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._session = session
        self._shown = Content("")
        self._row: MailRow | None = None
        self._looked: Looked | None = None
        self._turn = threading.Lock()
        self._kept_for = ""
        """The id of an email that was shown before the assistant had read it."""

    def show(self, row: MailRow | None) -> None:
        """Shows an email, or nothing. Its text follows as soon as it is read and rendered and its links are checked."""
        self._row = row
        if row is not None and row.email_id:
            if not self._has_text(row):
                self._looked = Looked(row.email_id)
            else:
                if self._looked is not None and self._looked.email_id != row.email_id:
                    self._looked = None
                # Once the first picture is on the screen: the thread would take the processor from its drawing.
                self.call_after_refresh(self._look, row)
        self._draw()

    def _draw(self) -> None:
        row = self._row
        content = Content("") if row is None or not row.email_id else self._content(row)
        if not content.is_same(self._shown):
            self._shown = content
            self.refresh()

    def render(self) -> Content:
        return self._shown

    def _content(self, row: MailRow) -> Content:
        lines: list[Content] = [
            Content.styled(subject_words(row.subject), "bold"),
            _line("from", row.sender, row.sender_name),
            _line("to", row.recipient, OneLine(f"and {row.recipients - 1} more" if row.recipients > 1 else "")),
            _line("at", OneLine(exact(from_ms(row.received_at)))),
        ]
        word, style = chip(row, is_test=not self._session.settings.profile.is_live)
        signs = {"risk": "$mm-risk", "fail": "$mm-fail"}
        if word:
            name = "label" if word == row.label else "status"
            lines.append(Content.assemble((f"{name:<{NAMES}}", "$mm-dim"), (OneLine(word), signs.get(style, ""))))
        if row.urgency in URGENCY_SIGNS:
            urgency = f"{URGENCY_SIGNS[row.urgency].strip()} {row.urgency}"
            lines.append(Content.assemble((f"{'urgency':<{NAMES}}", "$mm-dim"), (urgency, "$mm-risk")))
        if chips := chips_beside_label(row):
            lines.append(_line("tags", OneLine("  ".join(f"#{chip}" for chip in chips))))
        if row.thread_size > 1:
            lines.append(_line("thread", OneLine(f"{row.thread_size} emails")))
        if row.hidden:
            lines.append(Content.styled(f"▲ {row.hidden} hidden characters removed", "$mm-risk"))
        looked = self._looked
        for finding in sorted(looked.findings, key=lambda one: -one.level) if looked else ():
            style = "$mm-fail" if finding.level.word == "high" else "$mm-risk"
            lines.append(Content.styled(f"{finding.level.sign.strip()} {finding.words}", style))
        lines.append(Content(""))
        if said := self._assistant_lines(row, above_text=looked is None or looked.is_opened):
            lines += [*said, Content("")]
        if looked is not None:
            lines += self._answer_lines(looked.answer)
            shown = looked.mail
            lines += self._body(shown.body) if shown is not None else [self._opening(unread=row.status == "unread")]
        return joined(lines, "\n")

    def _has_text(self, row: MailRow) -> bool:
        """Whether there is a text to read, of the email or of the draft that waits in its thread."""
        session = self._session
        stored = session.mail.detail_size(row.email_id) > 0 or bool(session.pending.texts([row.email_id]))
        return stored or bool(row.waiting)

    def _look(self, row: MailRow) -> None:
        work = partial(self._look_now, row)
        self.run_worker(work, thread=True, exclusive=True, group="preview", exit_on_error=False)

    def _look_now(self, row: MailRow) -> None:
        from mm_tui.review.render_pass import render_all

        session, inspection, worker = self._session, self._session.inspection, get_current_worker()

        def post(findings: tuple[Finding, ...] = ()) -> None:
            # A thread runs on after it was cancelled: what it read may be older than what is shown.
            if not worker.is_cancelled:
                self.call_later(self._take, Looked(row.email_id, mail, answer, findings, detail is not None))

        # One at a time: a thread that was cancelled runs on, and each would render the same large body.
        while not self._turn.acquire(timeout=CANCELLED_SECONDS):
            if worker.is_cancelled:
                return
        try:
            detail = session.mail.detail(row.email_id)
            mail = detail or session.pending.get(row.email_id)
            answer = self._answer(row) if mail is detail else None
            render_all([one.body for one in (mail, answer) if one is not None])
        finally:
            self._turn.release()
        if detail is None:
            post()
            return
        if not inspection.knows_senders:
            # The text need not wait for the correspondents.
            post(inspection.findings(detail))
        inspection.refresh()
        post(inspection.findings(detail))

    def _take(self, looked: Looked) -> None:
        if self._row is not None and self._row.email_id == looked.email_id:
            self._looked = looked
            self._draw()

    def _answer(self, row: MailRow) -> PendingItem | None:
        """The draft waiting in its thread."""
        if not row.waiting or row.thread_id is None:
            return None
        mails = reversed(self._session.mail.thread_rows(row.mailbox_id, row.thread_id))
        drafts = (self._session.pending.get(mail.email_id) for mail in mails if mail.direction == "outbound")
        return next((draft for draft in drafts if draft is not None), None)

    def _answer_lines(self, waiting: PendingItem | None) -> list[Content]:
        if waiting is None:
            return []
        decides = self._with_keys("  {list.open}, then {thread.decide} to decide")
        words = (f"{WAITING_SIGN} ", "$accent"), ("The answer that waits", "bold"), (decides, "$mm-dim")
        below = Content.styled("The email", "bold")
        return [Content.assemble(*words), *self._body(waiting.body), Content(""), below]

    def _assistant_lines(self, row: MailRow, *, above_text: bool) -> list[Content]:
        """What the assistant says; above a text, room is kept for what it is about to say, so that nothing moves."""
        triage = self._session.triage
        card = triage.card(row.email_id) if triage is not None else None
        lines = [Content(row.summary)] if row.summary else []
        lines += self._card(row, card) if card is not None else []
        if not lines and card is not None and card.is_coming:
            self._kept_for = row.email_id
            lines = [Content.styled(card.words, "$mm-dim")]
        if above_text and self._kept_for == row.email_id:
            width = max(1, self.size.width)
            lines += [Content("")] * (USUAL_ROWS - sum(line.get_height({}, width) for line in lines))
        return lines

    def _card(self, row: MailRow, card: CardState) -> list[Content]:
        """The assistant's results besides the summary, with the model's id; empty if there are none."""
        asked = card.asked_beside_summary if row.summary else card.asked
        lines = [_line("asks", asked)] if asked else []
        lines += [_line("about", card.about)] if card.about and not card.asked else []
        lines += [_line("by", card.deadline)] if card.deadline else []
        lines += [_line("amounts", OneLine(", ".join(card.amounts)))] if card.amounts else []
        if lines or row.summary:
            lines.append(Content.styled(card.badge, "$mm-dim"))
        return lines

    def _opening(self, *, unread: bool) -> Content:
        marks = ", and marks it read at the gateway" if unread else ""
        return Content.assemble(
            (self._with_keys("{list.open}"), "$foreground"), (f" opens the email{marks}", "$mm-dim")
        )

    def _body(self, text: ManyLine) -> list[Content]:
        """The beginning of a body, as its recipient reads it."""
        from mm_tui.screens.rendering import body_lines

        lines, number = body_lines(text, MAX_LINES)
        if number > len(lines):
            words = self._with_keys(f"{number - len(lines):,} more lines: press {{list.open}} to open")
            lines.append(Content.styled(words, "$mm-dim"))
        return lines

    def _with_keys(self, words: str) -> str:
        return with_keys(words, self._session.settings.keys)


def _line(name: str, value: OneLine, more: OneLine = OneLine("")) -> Content:
    return Content.assemble((f"{name:<{NAMES}}", "$mm-dim"), value, (f"  {more}" if more else "", "$mm-dim"))
