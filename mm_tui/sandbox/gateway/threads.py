"""Groups emails into conversations.

An email joins the email that its In-Reply-To or References name. Such ids are not always reliable: programs put the
same id into every notice, or addresses in place of ids. Merging two strangers' mail would show one customer's emails to
the other's agent, so in doubt emails stay separate.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

_PREFIX = re.compile(
    r"\s*(?:(?:re|aw|antw|antwort|sv|vs|vl|odp|rv|res|ref|rif|r|fw|fwd|wg|tr|i|enc|ynt|ilt|vá|továbbítás|doorst|pd|atb|bls"
    r"|σχετ|απ|πρθ|отв|ответ|回复|答复|回覆|转发|轉寄|返信|転送|회신|전달)\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]\s*)",
    re.IGNORECASE,
)
_TAG = re.compile(r"\s*\[[^\[\]]{1,60}\]\s*")
_WAS = re.compile(r"\((?:was|war|ehemals|före|était)[: ]+(.*?)\)?\s*$", re.IGNORECASE)
_DAY_MS = 86_400_000
_MOST_COMPARED = 40


def topic(subject: str) -> str:
    """A subject without reply prefixes, list tags and so on, for comparing."""
    rest, before = subject, None
    while rest != before:
        before = rest
        rest = _PREFIX.sub("", rest, count=1) if _PREFIX.match(rest) else rest
        rest = _TAG.sub("", rest, count=1) if _TAG.match(rest) else rest
    return " ".join(rest.split()).casefold()


def is_reply(subject: str) -> bool:
    """Whether a subject marks a reply or a forwarded email."""
    rest = _TAG.sub("", subject, count=1) if _TAG.match(subject) else subject
    return _PREFIX.match(rest) is not None


def reply_subject(subject: str) -> str:
    """The subject of a reply that a program writes."""
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"[:998]


@dataclass(frozen=True, slots=True)
class ThreadClues:
    """The data of an email that determines its thread. Addresses are bare and in lower case."""

    message_id: str
    names: Sequence[str]
    """The ids of the previous emails, nearest first."""
    sender: str
    recipients: frozenset[str]
    subject: str
    at: int = 0
    """Epoch ms; 0 if unknown."""
    list_id: str = ""
    reply_to: str = ""
    """The Reply-To address if it is not the sender; bare and in lower case."""
    thread_id: str = ""
    """Its existing thread; empty for new mail."""

    @property
    def people(self) -> frozenset[str]:
        """Everyone that the email names."""
        return self.recipients | {self.sender}


def usable(name: str, addresses: Collection[str] = ()) -> bool:
    """Whether an id, in angle brackets, identifies an email: it has both halves and is nobody's address. `addresses`
    are bare and in lower case."""
    left, at, right = name.strip("<>").partition("@")
    return bool(left and at and right) and name.strip("<>").lower() not in addresses


def answers(mail: ThreadClues, other: ThreadClues) -> bool:
    """Whether an email that refers to another may join its thread."""
    if _speaks_for_others(mail, other):
        return False
    mine, theirs = topic(mail.subject), topic(other.subject)
    if not mine or not theirs or mine == theirs:
        return True
    if (was := _WAS.search(mail.subject)) and topic(was[1]) == theirs:
        return True
    if mail.list_id and mail.list_id == other.list_id:
        return True
    # With another subject, only between the same people.
    return mail.sender != other.sender and (mail.sender in other.recipients or other.sender in mail.recipients)


def _speaks_for_others(mail: ThreadClues, other: ThreadClues) -> bool:
    """Whether a program, such as a contact form, sent both for different people with one address and subject."""
    different = bool(mail.reply_to and other.reply_to) and mail.reply_to != other.reply_to
    return different and mail.sender == other.sender and not is_reply(mail.subject)


def is_same_mail(mail: ThreadClues, other: ThreadClues) -> bool:
    """Whether two emails with one Message-ID are two copies of one email."""
    near = not mail.at or not other.at or abs(mail.at - other.at) <= _DAY_MS
    same = mail.sender == other.sender and topic(mail.subject) == topic(other.subject)
    return same and near and not _speaks_for_others(mail, other)


def shares_a_lost_mail(mail: ThreadClues, other: ThreadClues) -> bool:
    """Whether two emails that refer to the same missing email belong together."""
    if topic(mail.subject) != topic(other.subject) or not topic(mail.subject):
        return False
    if not (is_reply(mail.subject) and is_reply(other.subject)):
        return False
    if mail.list_id and mail.list_id == other.list_id:
        return True
    return mail.sender == other.sender or (mail.sender in other.recipients and other.sender in mail.recipients)


@dataclass(slots=True)
class Grouping:
    """Emails by conversation."""

    group_of: list[int]
    """For each email, the number of its group: the index of one of its emails."""
    lasting: dict[int, str] = field(default_factory=dict)
    """The existing thread of each group that has one."""
    merged: dict[str, str] = field(default_factory=dict)
    """Threads that were merged into another."""


def group(emails: Sequence[ThreadClues]) -> Grouping:
    """Groups the emails of one mailbox into conversations, in any order; those with a thread keep it."""
    addresses = frozenset(address for email in emails for address in email.people)
    parents = list(range(len(emails)))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    def join(one: int, two: int) -> None:
        first, second = sorted((root(one), root(two)))
        parents[second] = first

    by_id: dict[str, list[int]] = {}
    by_thread: dict[str, int] = {}
    for at, email in enumerate(emails):
        if email.thread_id:
            join(at, by_thread.setdefault(email.thread_id, at))
        if usable(email.message_id, addresses):
            for twin in by_id.setdefault(email.message_id, [])[:_MOST_COMPARED]:
                if is_same_mail(email, emails[twin]):
                    join(at, twin)
                    break
            by_id[email.message_id].append(at)
    lost: dict[tuple[str, str], list[int]] = {}
    for at, email in enumerate(emails):
        names = [name for name in dict.fromkeys(email.names) if usable(name, addresses) and name != email.message_id]
        parent = _parent(email, at, names, emails, by_id)
        if parent is not None:
            join(at, parent)
        for name in names:
            if name in by_id:
                continue
            sharing = lost.setdefault((name, topic(email.subject)), [])
            if parent is None:
                other = next((one for one in sharing[:_MOST_COMPARED] if shares_a_lost_mail(email, emails[one])), None)
                if other is not None:
                    join(at, other)
            sharing.append(at)
    made = Grouping([root(at) for at in range(len(emails))])
    for at, email in enumerate(emails):
        if email.thread_id:
            kept = made.lasting.setdefault(made.group_of[at], email.thread_id)
            if kept != email.thread_id:
                made.merged[email.thread_id] = kept
    return made


def _parent(
    email: ThreadClues, at: int, names: Iterable[str], emails: Sequence[ThreadClues], by_id: dict[str, list[int]]
) -> int | None:
    for name in names:
        fitting = [one for one in by_id.get(name, ())[:_MOST_COMPARED] if one != at and answers(email, emails[one])]
        if fitting:
            return min(fitting, key=lambda one: topic(emails[one].subject) != topic(email.subject))
    return None
