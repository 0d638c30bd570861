"""The key table: all actions with their ids, default keys, labels and help, and the check of the user's changes.

Screens get their bindings from here (`BINDINGS = bindings("inbox")`); the footer, the help, the palette and
docs/keys.md are built from it. Textual silently ignores unknown ids, and lets a remapped key hide another binding, so
`check` finds both before anything is applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from textual.binding import Binding


class KeyAction(NamedTuple):
    """One thing that a key does."""

    id: str
    """`context.name`, as used in the user's `[keys]`."""
    keys: str
    """Default keys, comma separated, in Textual's names."""
    runs: str
    """The action that runs, in Textual's notation."""
    label: str
    """One or two words for the footer. The same action has the same word on every screen."""
    help: str
    """One sentence for the help and the palette."""
    footer: bool = False
    """Whether it is shown in the footer, if there is room."""
    priority: bool = False
    """Whether it is handled before the focused widget sees the key. A key that writes a character never is."""

    @property
    def context(self) -> str:
        return self.id.partition(".")[0]


KEY_ACTIONS: tuple[KeyAction, ...] = (
    # Everywhere
    KeyAction("app.inbox", "1", "go('inbox')", "Inbox", "Go to the inbox."),
    KeyAction("app.pending", "2", "go('pending')", "Pending", "Go to the queue of mail that waits for a decision; once there, to a decision that asks or failed."),
    KeyAction("app.audit", "3", "go('audit')", "Audit", "Go to the audit log and the journal."),
    KeyAction("app.mailboxes", "4", "go('mailboxes')", "Mailboxes", "Go to the mailboxes and their oversight modes."),
    KeyAction("app.undo", "u", "undo", "undo", "Undo the held decision under the cursor, or else the latest one; a batch is undone as a whole."),
    KeyAction("app.profiles", "P", "profiles", "profile", "Switch to another profile; asks first while decisions are in progress."),
    KeyAction("app.sync", "ctrl+r", "sync", "fetch now", "Fetch new mail from the gateway now."),
    KeyAction("app.palette", "ctrl+p,colon", "command_palette", "palette", "Find a command by name: those of this screen, and some of others.", priority=True),
    KeyAction("app.automatic", "f8", "toggle_automatic", "assistant", "Let the model work on new mail automatically, or stop it."),
    KeyAction("app.theme", "f9", "next_theme", "theme", "Switch to the next theme."),
    KeyAction("app.help", "question_mark,f1", "help", "help", "Show all keys of this screen.", footer=True),
    KeyAction("app.quit", "ctrl+q", "leave", "quit", "Quit; asks first while decisions are in progress.", priority=True),
    KeyAction("screen.redraw", "ctrl+l", "redraw", "redraw", "Redraw the whole screen, including what is behind a dialog."),
    # Lists
    KeyAction("list.down", "j,down", "cursor_down", "down", "Next line."),
    KeyAction("list.up", "k,up", "cursor_up", "up", "Previous line."),
    KeyAction("list.page_down", "pagedown,ctrl+d", "page_down", "page down", "One page down."),
    KeyAction("list.page_up", "pageup,ctrl+u", "page_up", "page up", "One page up."),
    KeyAction("list.first", "g,home", "first", "first", "First line."),
    KeyAction("list.last", "G,end", "last", "last", "Last line."),
    KeyAction("list.open", "enter", "open", "open", "Open the line under the cursor.", footer=True),
    # The search line above a list
    KeyAction("search.done", "enter", "submit", "done", "Keep the search, and go to the list.", True, True),
    # Inbox
    KeyAction("inbox.search", "slash", "search", "search", "Search as you type, with words and operators.", True),
    KeyAction("inbox.filter", "f", "filter", "filter", "Show only one mailbox, label or status, or a saved filter.", True),
    KeyAction("inbox.mailbox", "m", "next_mailbox", "mailbox", "Show the next mailbox, then all.", True),
    KeyAction("inbox.threads", "t", "toggle_folded", "threads", "Show one line per thread, or one per email.", True),
    KeyAction("inbox.summarise", "s", "summarise", "summarise", "Ask the model for a label, a summary and the requested action."),
    KeyAction("inbox.label", "b", "label", "label", "Set the label yourself; no model will change it afterwards."),
    KeyAction("inbox.spam", "exclamation_mark", "spam", "spam", "Report the email as spam, or take that back; asks first."),
    KeyAction("inbox.preview", "v", "toggle_preview", "preview", "Show or hide the preview beside or below the list."),
    KeyAction("inbox.import_report", "I", "import_report", "import report", "Show how the import of your mail into the demo went, and what was unusual."),
    KeyAction("inbox.clear", "escape", "clear", "show all", "Clear search and filters.", True),
    # Thread
    KeyAction("thread.reply", "r", "reply", "reply", "Draft a reply to the newest email, then edit it.", True),
    KeyAction("thread.decide", "d", "decide", "decide", "Go to the thread's waiting email in the queue, to decide about it.", True),
    KeyAction("thread.fold", "enter,space", "toggle_message", "fold", "Unfold or fold the email.", True),
    KeyAction("thread.fold_all", "o", "toggle_all", "unfold all", "Unfold all emails, or fold them again."),
    KeyAction("thread.next", "j,down", "line_down", "down", "Scroll down."),
    KeyAction("thread.previous", "k,up", "line_up", "up", "Scroll up."),
    KeyAction("thread.page_down", "pagedown,ctrl+d", "page(1)", "page down", "One page down."),
    KeyAction("thread.page_up", "pageup,ctrl+u", "page(-1)", "page up", "One page up."),
    KeyAction("thread.first", "g,home", "turn_to(0)", "first", "First email."),
    KeyAction("thread.last", "G,end", "turn_to(-1)", "last", "Newest email."),
    KeyAction("thread.next_message", "n", "turn(1)", "next", "Go to the next email.", True),
    KeyAction("thread.previous_message", "p", "turn(-1)", "previous", "Go to the previous email.", True),
    KeyAction("thread.links", "l", "links", "links", "List the links with their real hosts.", True),
    KeyAction("thread.files", "f", "files", "files", "List the attachments and save them.", True),
    KeyAction("thread.details", "i", "details", "sender", "Show everything about the sender."),
    KeyAction("thread.copy", "c", "copy", "copy", "Copy the email's text to the terminal's clipboard."),
    KeyAction("thread.raw", "v", "raw", "raw", "Show the raw email, escaped.", True),
    KeyAction("thread.source", "m", "toggle_source", "source", "Show the emails as a recipient reads them, or as Markdown."),
    KeyAction("thread.summarise", "s", "summarise", "summarise", "Ask the model about this email again."),
    KeyAction("thread.label", "b", "label", "label", "Set the label yourself; no model will change it afterwards."),
    KeyAction("thread.spam", "exclamation_mark", "spam", "spam", "Report the email as spam, or take that back; asks first."),
    KeyAction("thread.cancel", "x", "cancel", "cancel email", "Cancel an email that is scheduled for later; asks first.", True),
    KeyAction("thread.back", "escape,q", "back", "back", "Go back to the list.", True),
    # The reply editor
    KeyAction("reply.submit", "ctrl+s", "submit", "submit", "Submit the reply for approval.", True, True),
    KeyAction("reply.redraft", "ctrl+t", "redraft", "redraft", "Let the model draft the reply, or change it as you instruct.", True, True),
    KeyAction("reply.close", "escape", "close", "close", "Close the editor, or stop the model while it writes. Your text is saved.", True),
    # Pending
    KeyAction("pending.approve", "a", "approve", "approve", "Approve this email, or let an inbound one in to the agent; every line of it must have been on the screen.", True),
    KeyAction("pending.edit", "e", "edit", "edit", "Edit the draft, beginning at its worst finding; approving then sends your text instead.", True),
    KeyAction("pending.reject", "x", "reject", "reject", "Reject with a reason.", True),
    KeyAction("pending.approve_marked", "A", "approve_marked", "approve marked", "Approve everything marked; one undo for all.", True),
    KeyAction("pending.reject_marked", "X", "reject_marked", "reject marked", "Reject everything marked, even what is not listed; with nothing marked, all that the filter or the search lists. One reason, one undo for all.", True),
    KeyAction("pending.skip", "s", "skip", "skip", "Leave it undecided and go to the next one.", True),
    KeyAction("pending.answer", "y", "answer", "answer", "Answer a question about a decision.", True),
    KeyAction("pending.view", "tab", "next_view", "view", "Switch between draft, thread and differences.", True),
    KeyAction("pending.source", "m", "toggle_source", "source", "Show the text as its recipient reads it, or as Markdown. Reading either to its end counts."),
    KeyAction("pending.mark", "space", "mark", "mark", "Mark for a batch; only what you have seen in full.", True),
    KeyAction("pending.search", "slash", "search", "search", "Search the queue as you type, with words and operators."),
    KeyAction("pending.filter", "f", "filter", "filter", "Filter the queue by a saved filter or one mailbox."),
    KeyAction("pending.next_filter", "l,right", "filter_step(1)", "next filter", "Go to the next filter that has waiting mail."),
    KeyAction("pending.previous_filter", "h,left", "filter_step(-1)", "previous filter", "Go to the previous filter that has waiting mail."),
    KeyAction("pending.next_finding", "right_square_bracket", "go_to_finding(1)", "next finding", "Go to the next marked words of the draft, and show the finding or the remark about them."),
    KeyAction("pending.previous_finding", "left_square_bracket", "go_to_finding(-1)", "previous finding", "Go to the previous marked words."),
    KeyAction("pending.order", "o", "order", "order", "Sort oldest first or riskiest first."),
    KeyAction("pending.thread", "t", "thread", "thread", "Open the thread's emails; marks them read at the gateway."),
    KeyAction("pending.next", "n", "next", "next", "Go to the next waiting email."),
    KeyAction("pending.previous", "p", "previous", "previous", "Go to the previous waiting email."),
    KeyAction("pending.findings", "i", "findings", "findings", "Show all findings, and what was not checked."),
    KeyAction("pending.second_reader", "r", "second_reader", "second reader", "Have a model compare the draft with its thread; press again to stop it, or to ask again."),
    KeyAction("pending.facts", "F", "facts", "house facts", "Show the house facts of the mailbox, and which files could not be read."),
    KeyAction("pending.snooze", "Z", "snooze", "snooze", "Snooze this email until a time, or until something arrives in its thread."),
    KeyAction("pending.note", "N", "note", "note", "Leave a note on this email for your colleagues, as a tag; an empty one removes it."),
    KeyAction("pending.assign", "W", "assign", "assign", "Assign this email to a reviewer; is:mine finds yours."),
    KeyAction("pending.send_back", "b", "send_back", "send back", "Reject with your edited text, and ask for another draft that follows it, by tags."),
    KeyAction("pending.discard", "D", "discard", "discard edit", "Discard your edit; asks first."),
    KeyAction("pending.kept", "K", "saved_texts", "saved texts", "Texts you wrote that were not sent: read, use, copy or discard them."),
    KeyAction("pending.back", "escape", "back", "back", "Go back to the list; there, clear search and filters.", True),
    # Audit
    KeyAction("audit.search", "slash", "search", "search", "Search both logs as you type.", True),
    KeyAction("audit.filter", "f", "filter", "filter", "Show only one log, actor, action, mailbox or period.", True),
    KeyAction("audit.clear", "escape", "clear", "show all", "Clear search and filters.", True),
    KeyAction("audit.mailbox", "m", "next_mailbox", "mailbox", "Show the next mailbox, then all.", True),
    KeyAction("audit.fold", "t", "fold", "steps", "Show every line of both logs, or fold the steps of each decision and related tag changes.", True),
    KeyAction("audit.verify", "c", "verify", "check journal", "Check that the journal has not been changed.", True),
    KeyAction("audit.export", "w", "export", "export", "Export the lines shown to a new file.", True),
    KeyAction("audit.look", "v", "look", "look", "Show the whole log line."),
    # An email's history
    KeyAction("life.thread", "t", "thread", "thread", "Open the thread; marks the email read at the gateway.", True),
    KeyAction("life.back", "escape,q", "back", "back", "Go back to the log.", True),
    # Mailboxes
    KeyAction("mailboxes.upgrade", "r", "upgrade", "move up", "Request a code to move the mailbox up; the operator receives it by email.", True),
    KeyAction("mailboxes.redeem", "c", "redeem", "enter code", "Move the mailbox up with the operator's code.", True),
    KeyAction("mailboxes.down", "d", "move_down", "move down", "Move the mailbox down at once; asks first.", True),
    KeyAction("mailboxes.create", "n", "create", "new mailbox", "Create a mailbox, with the operator's code.", True),
    KeyAction("mailboxes.allowlist", "l", "allowlist", "allowlist", "List the recipients that need no approval; add and remove them with the operator's code.", True),
    KeyAction("mailboxes.webhooks", "h", "webhooks", "webhooks", "List, add and remove webhooks.", True),
    KeyAction("mailboxes.window", "w", "window", "7/30 days", "Switch between the last 7 and the last 30 days."),
    KeyAction("mailboxes.back", "escape", "back", "back", "Go back to the table.", True),
    # Reading
    KeyAction("paper.down", "j,down", "pager_down", "down", "One line down."),
    KeyAction("paper.up", "k,up", "pager_up", "up", "One line up."),
    KeyAction("paper.page_down", "enter,pagedown,ctrl+d", "pager_page_down", "read on", "One page down; at the end, back to any lines you skipped."),
    KeyAction("paper.page_up", "pageup,ctrl+u", "pager_page_up", "page up", "One page up."),
    KeyAction("paper.first", "g,home", "pager_first", "first", "Go to the beginning."),
    KeyAction("paper.last", "G,end", "pager_last", "last", "Go to the end."),
    # The draft editor
    KeyAction("edit.done", "ctrl+s", "done", "done", "Save the edit and go back to read it once more; it is sent when you approve it.", True, True),
    KeyAction("edit.external", "ctrl+o", "external", "$EDITOR", "Edit the text in your own editor.", True, True),
    KeyAction("edit.redraft", "ctrl+t", "redraft", "redraft", "Ask the model to change the text as you instruct.", True, True),
    KeyAction("edit.thread", "ctrl+l", "thread", "thread", "Switch between the text and the thread it answers.", True, True),
    KeyAction("edit.next_field", "tab", "app.focus_next", "next field", "Go to the next field: To, subject, text, then thread."),
    KeyAction("edit.previous_field", "shift+tab", "app.focus_previous", "previous field", "Go back to the previous field."),
    KeyAction("edit.snippets", "ctrl+n", "snippets", "snippets", "Insert one of your snippets at the cursor.", True, True),
    KeyAction("edit.stop", "ctrl+x", "stop", "stop", "Stop the model and restore your text.", True, True),
    KeyAction("edit.back", "escape", "back", "back", "Go back to the queue; your text is saved.", True),
    # The thread beside the draft editor
    KeyAction("quoted.open", "t", "open_thread", "open emails", "Open the thread's emails; marks them read at the gateway.", True),
)  # fmt: skip
"""In the order of footers and help."""

LAST_IN_FOOTERS = frozenset({
    "pending.next_finding", "pending.search", "pending.filter", "pending.order", "pending.findings",
    "pending.second_reader",
})  # fmt: skip
"""Actions that a footer shows behind all others, if there is room."""

DECIDING = frozenset({
    "pending.approve", "pending.reject", "pending.approve_marked", "pending.reject_marked", "pending.send_back",
    "pending.discard", "thread.cancel",
})  # fmt: skip
"""Actions that decide about mail, at once or after a question: no key meant for something else may run one."""

OPENING = frozenset({
    "inbox.search", "thread.reply", "pending.edit", "pending.reject", "pending.reject_marked", "pending.send_back",
    "pending.note", "pending.assign", "pending.snooze", "pending.search", "audit.search", "audit.export", "mailboxes.redeem", "mailboxes.create",
})  # fmt: skip
"""Actions that open a field: what is typed right after their key is text, even if the action is refused."""

TOGETHER: Mapping[str, tuple[str, ...]] = {
    "inbox": ("inbox", "list", "screen", "app"),
    "thread": ("thread", "screen", "app"),
    "search": ("search",),
    "reply": ("reply",),
    "pending": ("pending", "list", "screen", "app"),
    "pending, reading": ("pending", "paper", "screen", "app"),
    "edit": ("edit",),
    "edit, reading": ("quoted", "edit", "paper", "app"),
    "audit": ("audit", "list", "screen", "app"),
    "life": ("life", "paper", "screen", "app"),
    "mailboxes": ("mailboxes", "list", "screen", "app"),
    "mailboxes, reading": ("mailboxes", "paper", "screen", "app"),
}
"""The contexts that are active together, nearest first. Within one line no key may have two meanings."""

_ALIASES = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+left_square_bracket": "escape"}
_PUNCTUATION = frozenset({
    "slash", "question_mark", "exclamation_mark", "colon", "semicolon", "comma", "full_stop", "minus", "plus",
    "equals_sign", "underscore", "asterisk", "space", "at", "number_sign", "dollar_sign", "percent_sign",
    "circumflex_accent", "ampersand", "left_parenthesis", "right_parenthesis", "left_square_bracket",
    "right_square_bracket", "backslash", "vertical_line", "tilde", "grave_accent", "apostrophe",
    "quotation_mark", "less_than_sign", "greater_than_sign", "left_curly_bracket", "right_curly_bracket",
})  # fmt: skip
_RESERVED = {"ctrl+z": "terminals use it to suspend the program", "ctrl+c": "terminals use it to copy or interrupt"}


class KeyProblem(NamedTuple):
    """An error in one line of `[keys]`."""

    id: str
    words: str

    def __str__(self) -> str:
        return f"[keys] {self.id}: {self.words}"


def bindings(context: str) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """The bindings of one context, for a screen's or widget's `BINDINGS`."""
    from textual.binding import Binding

    return [
        Binding(
            key,
            action.runs,
            action.label,
            show=action.footer or action.id in LAST_IN_FOOTERS,
            tooltip=action.help,
            id=action.id,
            priority=action.priority and not _writes(key),
        )
        for action in KEY_ACTIONS
        if action.context == context
        for key in _split(action.keys)
    ]


def action(action_id: str) -> KeyAction:
    """The action with this id; raises KeyError."""
    for found in KEY_ACTIONS:
        if found.id == action_id:
            return found
    raise KeyError(action_id)


def check(changes: Mapping[str, str]) -> tuple[dict[str, str], list[KeyProblem]]:
    """Checks the user's `[keys]`: key or comma-separated keys, by binding id. Returns the valid changes, and the errors
    of the others."""
    known = {one.id for one in KEY_ACTIONS}
    good: dict[str, str] = {}
    problems: list[KeyProblem] = []
    for action_id, keys in changes.items():
        if action_id not in known:
            problems.append(KeyProblem(action_id, f"there is no such id{_nearest(action_id, known)}"))
            continue
        faults = [fault for key in _split(keys) if (fault := unsendable(key))]
        if action(action_id).priority:
            faults += [
                f"{key} could no longer be typed; use ctrl+ a letter, or f1 to f12"
                for key in _split(keys)
                if _writes(key)
            ]
        if not _split(keys):
            faults = ["no key given"]
        if faults:
            problems.append(KeyProblem(action_id, "; ".join(faults)))
        else:
            good[action_id] = ",".join(_split(keys))
    for action_id, words in _clashes(good):
        problems.append(KeyProblem(action_id, words))
        good.pop(action_id, None)
    return good, problems


def unsendable(key: str) -> str:
    """Why a terminal cannot send `key`, or "" if all common ones can."""
    name = key.lower()
    if name in _ALIASES:
        return f"{key} is the same as {_ALIASES[name]} in a terminal; use {_ALIASES[name]}"
    if name in _RESERVED:
        return f"{key} cannot be used: {_RESERVED[name]}"
    parts = name.split("+")
    modifiers, base = set(parts[:-1]), parts[-1]
    if not base or modifiers - {"ctrl", "shift", "alt"}:
        return f"{key} is not a key that a terminal can send"
    if "ctrl" in modifiers and ("shift" in modifiers or base in {"enter", "tab", "space", "escape", "backspace"}):
        return f"{key} cannot be sent by many terminals"
    if "ctrl" in modifiers and base.isdigit():
        return f"{key} cannot be sent by many terminals"
    if modifiers == {"shift"} and len(base) == 1:
        return f"write {base.upper()} instead of {key}"
    if not (len(base) == 1 or base in _names()):
        return f"{key} is not a known key name"
    return ""


def _writes(key: str) -> bool:
    """Whether a key writes a character where text is typed."""
    return len(key) == 1 or key in _PUNCTUATION


def _names() -> frozenset[str]:
    from textual.keys import Keys

    return frozenset(str(key.value) for key in Keys) | _PUNCTUATION


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]


def _nearest(action_id: str, known: set[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(action_id, known, 1)
    return f"; did you mean {near[0]}?" if near else "; `mm-tui docs keys` lists them"


def _clashes(good: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Changes whose key already belongs to another action active at the same time. Each changed id is reported once."""
    if not good:
        return
    reported: set[str] = set()
    for screen, contexts in TOGETHER.items():
        holders: dict[str, str] = {}
        here = [one for context in contexts for one in KEY_ACTIONS if one.context == context]
        for one in here:
            for key in _split(good.get(one.id, one.keys)):
                other = holders.setdefault(key, one.id)
                if other == one.id or (one.id not in good and other not in good):
                    continue
                changed = one.id if one.id in good else other
                kept = other if changed == one.id else one.id
                if changed not in reported:
                    reported.add(changed)
                    how = "is used for two commands" if kept in good else "would hide another command's key"
                    yield changed, f"{key} {how}: {kept} uses it too, on the {screen} screen"
