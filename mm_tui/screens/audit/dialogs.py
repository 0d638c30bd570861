"""The audit screen's dialogs: the filter, the result of checking the journal, and the export of lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, ProgressBar, Static
from textual.worker import get_current_worker

from mm_tui.messages import session_of
from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import Dialog, Line, ListDialog, heading, keys_line
from mm_tui.services.audit.export import ExportError, export, target_of
from mm_tui.services.audit.key_names import NO_NAMES, key_words
from mm_tui.services.audit.line import GATEWAY_WORDS, JOURNAL_WORDS, AuditLines
from mm_tui.store.audit.journal import Verdict
from mm_tui.store.audit.timeline import Facet, LineFilter, Source
from mm_tui.text import OneLine, system_words
from mm_tui.widgets.background import in_thread
from mm_tui.widgets.line_input import LineInput
from mm_tui.widgets.words import count


def verdict_screen(verdict: Verdict, head: str) -> ChoiceScreen[bool]:
    """The result of checking the journal, its head, and how to keep the head."""
    if verdict.ok:
        title = f"The journal is intact: {count(verdict.entries, 'entry', 'entries')} checked"
        found = Content("Every entry is unchanged and in its place.")
    else:
        title = "The journal was changed"
        sound = count(verdict.entries, "entry is", "entries are")
        found = Content.assemble(
            ("▲ ", "$error"), (verdict.words, "bold"), f"\nThe {sound} good before it; do not trust the ones after it."
        )
    body = Content.assemble(
        found,
        ("\n\nhead  ", "$mm-dim"),
        (head, "$foreground"),
        (
            "\n\nSave this head where users of this machine cannot change it. With it, "
            "mm-tui audit verify --head NUMBER:HASH can later prove that nothing was cut off the end.",
            "$mm-dim",
        ),
    )
    return ChoiceScreen(
        title, body, [DialogChoice("c", "copy the head to the terminal's clipboard", True)], stay="close"
    )


class ExportScreen(Dialog[str]):
    """Asks for a file name and exports the lines, with a progress bar. Escape stops and leaves no file. `narrowed`:
    whether the filter leaves some lines out."""

    def __init__(self, lines: AuditLines, wanted: LineFilter, *, narrowed: bool) -> None:
        super().__init__()
        self._lines, self._wanted, self._narrowed = lines, wanted, narrowed
        self._writing = False

    def compose(self) -> ComposeResult:
        session = session_of(self)
        day = session.clock.now().astimezone().strftime("%Y-%m-%d")
        name = "".join(char if char.isalnum() else "-" for char in session.settings.profile.name)
        with Vertical(classes="dialog dialog--export"):
            title = "Export the lines shown" if self._narrowed else "Export all lines of both logs"
            yield Static(Content(title), classes="dialog--title")
            yield LineInput(value=f"~/mm-tui-audit-{name}-{day}.jsonl", proposes=True)
            words = ".jsonl or .csv. Creates a new file that only you can read; never overwrites one."
            yield Static(Content.styled(words, "$mm-dim"))
            yield ProgressBar(show_eta=False)
            yield Static(id="trouble")
            yield keys_line(("enter", "write"), ("esc", "close"))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        if self._writing:
            return
        try:
            path = target_of(message.value, Path.cwd())
        except (ExportError, OSError, RuntimeError) as error:
            self.show_trouble(system_words(error))
            return
        self._writing = True
        self.show_trouble("")
        self.add_class("-writing")
        in_thread(self, lambda: self._export(path), self._exported, "export")

    def _export(self, path: Path) -> tuple[str, bool]:
        """The result in words, and whether there is a file."""
        worker = get_current_worker()
        try:
            written = export(
                self._lines,
                self._wanted,
                path,
                progress=lambda done, total: self.call_later(self._progressed, done, total),
                stop=lambda: worker.is_cancelled,
            )
        except ExportError as error:
            return str(error), False
        # None only if it was stopped: then nothing is shown.
        return OneLine(f"{count(written or 0, 'line', 'lines')} written to {path}"), True

    def _progressed(self, done: int, total: int) -> None:
        self.query_one(ProgressBar).update(total=total, progress=done)

    def _exported(self, result: tuple[str, bool]) -> None:
        words, is_written = result
        self._writing = False
        if is_written:
            self.dismiss(words)
        else:
            self.remove_class("-writing")
            self.show_trouble(words)

    def action_close(self) -> None:
        if self._writing:
            self.workers.cancel_group(self, "export")
            self.dismiss("the export was stopped; no file was written")
        else:
            self.dismiss(None)


STEP_WORDS = {
    "held": "decision held",
    "deciding": "decision in progress",
    "done": "decision accepted",
    "ended": "decision ended",
    "answered": "question answered",
}
"""Our words for the journal's steps of any decision."""
MOST = 40
"""The most actors, and actions, to offer; others can be found by searching."""
SPANS = (("the last hour", timedelta(hours=1)), ("24 hours", timedelta(days=1)), ("7 days", timedelta(days=7)),
         ("30 days", timedelta(days=30)))  # fmt: skip


class AuditFilterScreen(ListDialog[LineFilter]):
    """A list of all filters for the lines; choosing one that is already set removes it. `now`: the time at which
    periods end. `names`: the names of keys, by their ids."""

    def __init__(
        self,
        chosen: LineFilter,
        actors: Sequence[Facet],
        actions: Sequence[Facet],
        boxes: Sequence[tuple[str, str]],
        now: datetime,
        names: Mapping[str, str] = NO_NAMES,
    ) -> None:
        lines: list[Line[LineFilter]] = [heading("Log")]
        for source, words in ((Source.GATEWAY, "the gateway's log"), (Source.JOURNAL, "the local journal")):
            on = chosen.source is source
            lines.append(_choice(words, replace(chosen, source=None if on else source, action=None), on))
        lines.append(heading("Time"))
        for words, span in SPANS:
            lines.append(_choice(words, replace(chosen, since=now - span), chosen.since == now - span))
        if chosen.since is not None:
            lines.append(_choice("any time", replace(chosen, since=None), False))
        lines.append(heading("Mailbox"))
        for mailbox_id, address in boxes:
            on = chosen.mailbox_id == mailbox_id
            lines.append(_choice(address, replace(chosen, mailbox_id=None if on else mailbox_id), on))
        for title, source in (("People (local journal)", Source.JOURNAL), ("Keys (gateway's log)", Source.GATEWAY)):
            here = [facet for facet in actors if facet.source is source][:MOST]
            lines += [heading(title)] if here else []
            for facet in here:
                on = chosen.actor == facet.value
                words = key_words(facet.value, names) if source is Source.GATEWAY else facet.value
                result = replace(chosen, actor=None if on else str(facet.value))
                lines.append(_choice(words, result, on, _lines(facet)))
        lines.append(heading("What"))
        for facet in actions[:MOST]:
            on = chosen.action == facet.value and chosen.source is facet.source
            action, log = (None, None) if on else (str(facet.value), facet.source)
            known = GATEWAY_WORDS if facet.source is Source.GATEWAY else {**STEP_WORDS, **JOURNAL_WORDS}
            words = known.get(facet.value, facet.value.replace("_", " "))
            lines.append(_choice(words, replace(chosen, action=action, source=log), on, _lines(facet)))
        super().__init__("Show only", lines, choose="choose; choose again to clear it")


def _choice(words: str, result: LineFilter, on: bool, more: str = "") -> Line[LineFilter]:
    sign = ("• " if on else "  ", "$accent")
    return Line(Content.assemble(sign, OneLine(words), (f"  {more}", "$mm-dim")), result)


def _lines(facet: Facet) -> str:
    return f"{facet.lines:,} in the {'gateway' if facet.source is Source.GATEWAY else 'journal'}"
