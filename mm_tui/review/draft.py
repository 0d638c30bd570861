"""A human's edit of a draft, and checks that the gateway's copy is what the human saw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import getaddresses
from functools import lru_cache
from hashlib import sha256

from mm_tui.addresses import recipients
from mm_tui.models import EditedDraft, Party, RawContent
from mm_tui.review.digest import canonical
from mm_tui.review.subject import topic
from mm_tui.text import ManyLine, OneLine

_ONE_ADDRESS = re.compile(r"[^\s@,;:<>\"()]+@[^\s@,;:<>\"()]+")


def edited(original: RawContent, edit: EditedDraft) -> RawContent:
    """The complete content that the human wants to send: the edit, with the original's sender, cc and attachments. It
    is sent as soon as it is approved: the gateway does not disclose every send time, and a reply cannot have one."""
    undisclosed = tuple(name for name in original.undisclosed if name != "to")
    return original.replaced(to=edit.to, subject=edit.subject, body=edit.body, send_at="", undisclosed=undisclosed)


@lru_cache(maxsize=2)
def typed_draft(to: str, subject: str, body: str) -> EditedDraft:
    """The text of the editor's fields, cleaned. The editor asks several times after each key, for a text that may be
    long."""
    return EditedDraft(tuple(map(str, recipients(OneLine(to)))), str(OneLine(subject)), str(ManyLine(body)))


def with_listed(raw: RawContent, listed: RawContent) -> RawContent:
    """The content of an opened email, with the bcc and the send time if only the list of waiting mail tells them."""
    known = set(_addresses(raw.bcc))
    more = tuple(one for one in listed.bcc if not known.issuperset(_addresses((one,))))
    send_at = raw.send_at or listed.send_at
    return raw.replaced(bcc=(*raw.bcc, *more), send_at=send_at) if more or send_at != raw.send_at else raw


def fingerprint(raw: RawContent) -> str:
    """A hash of what a recipient would get, to recognize whether two emails are essentially the same.

    It ignores two things that every gateway rewrites: the form of an address around its `user@host`, and white space at
    the ends of subject and body (line breaks count as LF). An attachment counts by name and size. Any other difference
    changes the fingerprint.
    """
    return sha256(
        canonical(
            {
                "to": sorted(_addresses(raw.to)),
                "cc": sorted(_addresses(raw.cc)),
                "subject": raw.subject.strip(),
                "body": _body(raw.body),
                "attachments": sorted([name, size] for name, size, _ in raw.attachments),
                **({"untold": list(raw.undisclosed)} if raw.undisclosed else {}),
                **({"bcc": sorted(_addresses(raw.bcc))} if raw.bcc else {}),
            }
        )
    ).hexdigest()


def changes_recipients(original: RawContent, edit: EditedDraft) -> bool:
    """Whether the edit has other recipients than the original."""
    return sorted(_addresses(original.to)) != sorted(_addresses(edit.to))


def changes_subject(original: RawContent, edit: EditedDraft) -> bool:
    """Whether the edit has another subject, ignoring reply marks such as "Re:"."""
    return topic(original.subject) != topic(edit.subject)


def starts_thread(original: RawContent, edit: EditedDraft) -> bool:
    """Whether the edit cannot be a reply in the original's thread because To or Subject changed."""
    return changes_recipients(original, edit) or changes_subject(original, edit)


def same_form(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """Two lists of recipients in one form, the address first, so that they are equal if only their writing differs.
    Quotes and order do not count, nor does a name that only one list has beside an address."""
    old, new = _parties(before), _parties(after)
    names = [{str(party.address).lower(): party.name for party in parties if party.name} for parties in (new, old)]
    for parties, others in ((old, names[0]), (new, names[1])):
        parties[:] = [
            party
            if party.name
            else Party(address=party.address, name=others.get(str(party.address).lower(), party.name))
            for party in parties
        ]
    if sorted(str(party).lower() for party in old) == sorted(str(party).lower() for party in new):
        new = old
    return ", ".join(map(str, old)), ", ".join(map(str, new))


def _parties(values: Sequence[str]) -> list[Party]:
    found: list[Party] = []
    for value in values:
        party = Party.parse(value)
        if not _ONE_ADDRESS.fullmatch(str(party.address)) and len(addresses := _addresses_of(value)) > 1:
            found += [Party(address=OneLine(address)) for address in addresses]
        else:
            found.append(party)
    return found


def _addresses(parties: tuple[str, ...]) -> list[str]:
    found = [address for party in parties for address in _addresses_of(party)]
    return found or [party.strip().lower() for party in parties]


def _addresses_of(party: str) -> list[str]:
    """The addresses in one header value: only one if a name with an unquoted comma precedes its address."""
    alone = str(Party.parse(party).address).lower()
    if _ONE_ADDRESS.fullmatch(alone):
        return [alone]
    try:
        return [address.lower() for _, address in getaddresses([party]) if address]
    except RecursionError:
        # Hundreds of nested comments: no address is certain, so the whole text counts.
        return [alone]


def _body(body: str) -> str:
    return body.replace("\r\n", "\n").replace("\r", "\n").strip()
