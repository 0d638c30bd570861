"""The assistant's card about a thread, with the model's name. Plain text: model output is as untrusted as mail."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from mm_tui.messages import session_of
from mm_tui.review.render_pass import plain
from mm_tui.services.assistant.cards import CardPhase, CardState
from mm_tui.text import OneLine
from mm_tui.widgets.words import LinePart, fit, joined, with_keys

URGENT = frozenset({"high"})
_URGENT_RANK = 1
"""What is less important gives way to the model's name in the first line."""
USUAL_ROWS = 5
"""The height of a card with all results, in cells."""
SIGNS = {CardPhase.WORKING: ("◐ ", ""), CardPhase.FAILED: ("✕ ", "$error"), CardPhase.OVER_BUDGET: ("▲ ", "$warning")}


class AssistCard(Widget):
    """What the assistant says about a thread, in a card above it."""

    DEFAULT_CSS = """
    AssistCard { height: auto; max-height: 9; padding: 0 2 0 3; background: $panel; color: $foreground; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state: CardState | None = None
        self._about = ""

    def show(self, state: CardState | None, about: str) -> None:
        """Shows a card; None while the assistant is not ready yet. `about`: the id of its email. Results that come
        while it is shown find their room kept."""
        if about != self._about:
            self._about = about
            self.styles.min_height = 1
        if state is not None and state.is_coming:
            self.styles.min_height = USUAL_ROWS
        if state != self._state:
            self._state = state
            self.refresh(layout=True)

    def render(self) -> Content:
        key = with_keys("{thread.summarise}", session_of(self).settings.keys)
        return card_content(self._state, max(20, self.size.width or 76), key)


def card_content(state: CardState | None, width: int, key: str = "") -> Content:
    """The card's lines, `width` cells wide. The state is None while the assistant is not ready yet."""
    if state is None:
        return Content.styled("assistant: starting", "$mm-dim")
    lines: list[Content] = []
    if state.label or state.about or state.urgency:
        lines.append(_first_line(state, width))
    if state.summary:
        lines.append(Content(plain(state.summary).strip()))
    if asked := state.asked_beside_summary:
        lines.append(Content.assemble(("asks  ", "$mm-dim"), plain(asked)))
    details = [Content.assemble(("by ", "$mm-dim"), state.deadline)] if state.deadline else []
    details += [Content(amount) for amount in state.amounts]
    if details:
        lines.append(Content.assemble(("mentions  ", "$mm-dim"), joined(details, " · ")))
    if state.cut:
        lines.append(
            Content.styled("the thread was too long for the model, so its oldest quotes were left out", "$mm-dim")
        )
    if state.words:
        sign = SIGNS.get(state.phase, ("", ""))
        act = " tries again" if state.phase is CardPhase.FAILED else " asks now"
        retry = Content.assemble((f"  {key}", "$foreground"), (act, "$mm-dim")) if state.can_retry else Content("")
        lines.append(Content.assemble(sign, (state.words, "$mm-dim"), retry))
    if not lines:
        return Content.assemble(("assistant: not asked yet  ", "$mm-dim"), (key, "$foreground"), (" asks", "$mm-dim"))
    return joined(lines, "\n")


def _first_line(state: CardState, width: int) -> Content:
    by = " (yours)" if state.label_by == "human" else ""
    parts = [LinePart(0, Content.assemble((state.label, "bold"), by))] if state.label else []
    if state.urgency in URGENT:
        parts.append(LinePart(_URGENT_RANK, Content.assemble(("! ", "$warning"), f"{state.urgency} urgency")))
    elif state.urgency not in ("", "unknown"):
        parts.append(LinePart(3, Content.styled(f"{state.urgency} urgency", "$mm-dim")))
    if state.about:
        parts.append(LinePart(2, Content(state.about)))
    badge = Content.styled(OneLine(state.badge), "$mm-dim")
    beside = width - badge.cell_length - 2
    if joined([part.content for part in parts if part.rank <= _URGENT_RANK], " · ").cell_length > beside:
        return Content.assemble(fit(parts, width), "\n", badge)
    left = fit(parts, beside)
    return Content.assemble(left, " " * (width - left.cell_length - badge.cell_length), badge)
