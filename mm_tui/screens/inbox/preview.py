"""The preview of the email under the cursor, from the store. It never fetches: only the reader opens emails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from mm_tui import keymap
from mm_tui.session import Session
from mm_tui.store.mail.mails import MailRow
from mm_tui.store.sort_keys import from_ms
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.mail_list import URGENCY_SIGNS, WAITING_SIGN, chip, chips_beside_label
from mm_tui.widgets.words import exact, joined, key_name

if TYPE_CHECKING:
    from mm_tui.services.assistant.cards import CardState

NAMES = 9
"""The width in cells of the lines' names."""
USUAL_ROWS = 5
"""The height in cells of what the assistant says."""
MAX_LINES = 60
"""The most lines of a body in the preview."""


class Preview(Widget):
    """The pane beside or below the list. Text that does not fit is cut off; opening the email shows everything.

    Args:
        session: the stores.
    """

    DEFAULT_CSS = "Preview { padding: 0 1; }"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._session = session
        self._shown = Content("")
        self._kept_for = ""
        """The id of an email that was shown before the assistant had read it."""

    def show(self, row: MailRow | None) -> None:
        """Shows an email, or nothing."""
        content = Content("") if row is None or not row.email_id else self._content(row)
        if not content.is_same(self._shown):
            self._shown = content
            self.refresh()

    def render(self) -> Content:
        return self._shown

    def _content(self, row: MailRow) -> Content:
        lines: list[Content] = [
            Content.styled(row.subject or "(no subject)", "bold"),
            _line("from", row.sender, row.sender_name),
            _line("to", row.recipient, OneLine(f"and {row.recipients - 1} more" if row.recipients > 1 else "")),
            _line("at", OneLine(exact(from_ms(row.received_at)))),
        ]
        word, style = chip(row)
        signs = {"risk": "$mm-risk", "fail": "$mm-fail"}
        if word:
            lines.append(Content.assemble((f"{'is':<{NAMES}}", "$mm-dim"), (OneLine(word), signs.get(style, ""))))
        if row.urgency in URGENCY_SIGNS:
            lines.append(
                Content.assemble(
                    (f"{'urgency':<{NAMES}}", "$mm-dim"),
                    (f"{URGENCY_SIGNS[row.urgency].strip()} {row.urgency}", "$mm-risk"),
                )
            )
        if chips := chips_beside_label(row):
            lines.append(_line("tags", OneLine("  ".join(f"#{chip}" for chip in chips))))
        if row.thread_size > 1:
            lines.append(_line("thread", OneLine(f"{row.thread_size} emails")))
        if row.hidden:
            lines.append(Content.styled(f"▲ {row.hidden} hidden characters removed", "$mm-risk"))
        lines.append(Content(""))
        detail = self._session.mail.detail(row.email_id)
        if said := self._assistant_lines(row, above_text=detail is not None):
            lines += [*said, Content("")]
        waiting = self._session.pending.get(row.email_id)
        if detail is None and waiting is not None:
            lines += _body(waiting.body)
        else:
            lines += self._answer(row)
            lines += [_opening(unread=row.status == "unread")] if detail is None else _body(detail.body)
        return joined(lines, "\n")

    def _answer(self, row: MailRow) -> list[Content]:
        """The text of the draft waiting in its thread; empty if there is none."""
        if not row.waiting or row.thread_id is None:
            return []
        mails = reversed(self._session.mail.thread_rows(row.mailbox_id, row.thread_id))
        drafts = (self._session.pending.get(mail.email_id) for mail in mails if mail.direction == "outbound")
        waiting = next((draft for draft in drafts if draft is not None), None)
        if waiting is None:
            return []
        key = key_name(keymap.act("app.pending").keys)
        words = (f"{WAITING_SIGN} ", "$accent"), ("The answer that waits", "bold"), (f"  {key} decides", "$mm-dim")
        return [Content.assemble(*words), *_body(waiting.body), Content("")]

    def _assistant_lines(self, row: MailRow, *, above_text: bool) -> list[Content]:
        """What the assistant says; above a text, what it is about to say finds its room kept, so that nothing moves."""
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
        asked = card.requested_action or card.intent
        lines = [_line("wants", asked)] if asked and asked != "unknown" else []
        lines += [_line("by", card.deadline)] if card.deadline else []
        lines += [_line("amounts", OneLine(", ".join(card.amounts)))] if card.amounts else []
        if lines or row.summary:
            lines.append(Content.styled(card.badge, "$mm-dim"))
        return lines


def _opening(*, unread: bool) -> Content:
    marks = ", and marks it read at the gateway" if unread else ""
    return Content.assemble(("enter", "$foreground"), (f" opens the email{marks}", "$mm-dim"))


def _body(text: ManyLine) -> list[Content]:
    """The beginning of a body."""
    body = text.split("\n")
    lines = [Content(OneLine(line)) for line in body[:MAX_LINES]]
    if len(body) > MAX_LINES:
        lines.append(Content.styled(f"{len(body) - MAX_LINES:,} more lines: press enter to open", "$mm-dim"))
    return lines


def _line(name: str, value: OneLine, more: OneLine = OneLine("")) -> Content:
    return Content.assemble((f"{name:<{NAMES}}", "$mm-dim"), value, (f"  {more}" if more else "", "$mm-dim"))
