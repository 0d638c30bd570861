"""Tags at the gateway: the assistant's results and a human's label, readable by other tools.

The gateway's documents disagree whether setting tags replaces or merges them, so they are read, merged, set and
compared. A label set by a human is never overwritten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary, WeakValueDictionary

from mm_tui.assist.prompts import URGENCIES
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

LABEL = "label"
LABEL_BY = "label.by"
SUMMARY = "summary"
NOTES = "notes"
"""Names that other agents use for a summary."""
INTENT = "intent"
URGENCY = "urgency"
REQUESTED_ACTION = "requested_action"
DEADLINE = "deadline"
AMOUNTS = "amounts"
MODEL = "assist.model"
OPENED = "assist.opened"
"""Set by the agent before it opens an email, so that it can resume even if its state is lost."""
ANSWERS = "assist.answers"
"""Set by the agent on its draft: the id of the email that it answers, so that it knows the draft even if its state is
lost."""

BY_HUMAN = "human"
BY_MODEL = "model"
LONGEST_VALUE = 500
"""The most characters of a tag's value."""
ATTEMPTS = 3
Tags = Mapping[OneLine, OneLine]
_NO = frozenset({"false", "no", "0", "off"})


_WRITES: WeakKeyDictionary[object, WeakValueDictionary[str, asyncio.Lock]] = WeakKeyDictionary()


def writing(gateway: object, email_id: str) -> asyncio.Lock:
    """Lets only one task of this program at a time read and set the tags of an email, so that none overwrites
    another's.
    """
    locks = _WRITES.setdefault(gateway, WeakValueDictionary())
    return locks.setdefault(email_id, asyncio.Lock())


class TagsDiffer(Exception):
    """The gateway's tags differ from those that were set, even after another try: somebody else is changing them."""


async def merge(
    gateway: GatewayClient,
    mailbox_id: str,
    email_id: str,
    wanted: Mapping[str, str],
    *,
    by_human: bool = False,
    unless: Iterable[str] = (),
    longest: int = LONGEST_VALUE,
) -> dict[OneLine, OneLine]:
    """Adds tags to an email and keeps all others.

    Args:
        wanted: the tags to set. Empty values are left out.
        by_human: whether a human chose them; otherwise a human's label is kept.
        unless: if the email has one of these tags, nothing is set.
        longest: the most characters of a value; the rest is cut.

    Returns:
        The tags that the gateway holds now.

    Raises:
        GatewayError: a call failed.
        TagsDiffer: the tags did not stay as they were set.
    """
    fresh = {key: _value(value, longest) for key, value in wanted.items() if value.strip()}
    for _ in range(ATTEMPTS):
        async with writing(gateway, email_id):
            email_tags = await gateway.tags(mailbox_id, email_id)
            if any(OneLine(name) in email_tags for name in unless):
                return email_tags
            keeps = not by_human and email_tags.get(OneLine(LABEL_BY)) == BY_HUMAN
            added = {key: value for key, value in fresh.items() if not (keeps and key in (LABEL, LABEL_BY))}
            merged = {**{str(key): str(value) for key, value in email_tags.items()}, **added}
            if merged == email_tags:
                return email_tags
            now = await gateway.put_tags(mailbox_id, email_id, merged)
            if now.items() >= merged.items():
                return now
    raise TagsDiffer


async def remove(
    gateway: GatewayClient,
    mailbox_id: str,
    email_id: str,
    names: Iterable[str],
    *,
    owned: Callable[[Tags], bool] = bool,
) -> Tags:
    """Removes tags from an email in this order and keeps all others, which are returned. It uses one call, so that the
    gateway's log has one line; if setting tags merges them, or none would remain, it uses one call per tag. `owned`
    decides from all tags of the email whether to remove them. Raises GatewayError if a call failed."""
    from mm_tui.gateway.errors import GatewayError

    gone = tuple(names)
    async with writing(gateway, email_id):
        email_tags = await gateway.tags(mailbox_id, email_id)
        if not owned(email_tags) or not any(OneLine(name) in email_tags for name in gone):
            return email_tags
        others = {str(key): str(value) for key, value in email_tags.items() if key not in gone}
        try:
            email_tags = await gateway.put_tags(mailbox_id, email_id, others)
        except GatewayError as error:
            if error.may_have_happened:
                raise
        for name in gone:
            if OneLine(name) in email_tags:
                await gateway.delete_tag(mailbox_id, email_id, name)
    return {key: value for key, value in email_tags.items() if key not in gone}


class ExtractedFacts(Protocol):
    """What was extracted from an email."""

    @property
    def intent(self) -> str: ...
    @property
    def requested_action(self) -> str: ...
    @property
    def urgency(self) -> str: ...
    @property
    def deadline(self) -> str: ...
    @property
    def amounts(self) -> Sequence[str]: ...


def of_results(label: str, label_by: str, summary: str, facts: ExtractedFacts, models: Sequence[str]) -> dict[str, str]:
    """Converts results about an email to tags; empty results have no tag."""
    wanted = {LABEL: label, LABEL_BY: label_by, SUMMARY: summary, MODEL: ", ".join(models)}
    wanted |= {INTENT: facts.intent, REQUESTED_ACTION: facts.requested_action, URGENCY: facts.urgency}
    wanted |= {DEADLINE: facts.deadline, AMOUNTS: "; ".join(facts.amounts)}
    return {key: _value(value) for key, value in wanted.items() if value.strip()}


def read_results(email_tags: Mapping[OneLine, OneLine], labels: Sequence[str]) -> dict[str, Any]:
    """Reads results about an email from its tags, as plain JSON values; empty if they have no label.

    An unknown label counts as the last of the configured ones, unless a human set it. An agent that does not know our
    names may set `{"billing": "true"}` and `notes`: a tag named like a configured label counts as the label, and the
    notes as the summary.
    """
    tagged = {str(key): str(value) for key, value in email_tags.items()}
    label = tagged.get(LABEL, "") or _label_among(tagged, labels)
    notes = tagged.get(NOTES, "").strip()
    if not label and not notes:
        return {}
    by_human = tagged.get(LABEL_BY) == BY_HUMAN
    urgency = tagged.get(URGENCY, "").lower()
    return {
        "label": label if by_human or label in labels or not label else labels[-1],
        "label_by": BY_HUMAN if by_human else BY_MODEL if label else "",
        "summary": tagged.get(SUMMARY, "") or _value(notes),
        "model": tagged.get(MODEL, ""),
        "extract": {
            "intent": tagged.get(INTENT, ""),
            "requested_action": tagged.get(REQUESTED_ACTION, ""),
            "urgency": urgency if urgency in URGENCIES else "",
            "deadline": tagged.get(DEADLINE, ""),
            "amounts": [part for part in tagged.get(AMOUNTS, "").split("; ") if part],
        },
    }


def _label_among(tagged: Mapping[str, str], labels: Sequence[str]) -> str:
    """The first configured label that is the name of a tag whose value does not negate it; empty if there is none."""
    set_names = {name.strip().lower() for name, value in tagged.items() if value.strip().lower() not in _NO}
    return next((label for label in labels if label.lower() in set_names), "")


def _value(text: str, longest: int = LONGEST_VALUE) -> str:
    line = str(OneLine(text)).strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"
