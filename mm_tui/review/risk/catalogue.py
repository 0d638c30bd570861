"""The list of all rules as a document."""

from __future__ import annotations

from mm_tui.review.risk.engine import RULES

_HEAD = """\
# Risk rules

Generated from the rules themselves; do not edit. What a rule finds is shown as a sentence beside the draft, with the
very words marked in it. High asks again before approving, and is never part of a batch.

Rules read words and numbers, not meaning. They miss what is put in other words, and they stop at harmless drafts:
they tell where to look, and a human decides. Where they find nothing, that is all that is said: "nothing found by
word rules", and "not compared with the thread" where its text is not known. What was not checked (rules switched off,
mails of the thread that have not been read on this machine, what the gateway does not disclose, and "not read: …" for
the parts of a very long thread or draft that were left out) is said beside every draft.

In the settings, `[risk]` holds `off = ["code"]` to switch a rule off, `levels = { code = "low" }` to change how loud it
is, and the numbers that some rules use. Codes of single findings work as well as those of rules.
"""


def as_markdown() -> str:
    """docs/risk.md."""
    parts = [_HEAD]
    for rule in RULES:
        reads = "mail that leaves and mail that comes in" if rule.inbound else "mail that leaves"
        needs = " Needs the text of the thread." if rule.needs_thread else ""
        parts.append(f"## {rule.title.capitalize()} (`{rule.code}`)\n\n{rule.text}\n\nReads {reads}.{needs}\n")
    return "\n".join(parts)
