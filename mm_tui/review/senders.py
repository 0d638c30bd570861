"""What is wrong with the sender or a recipient of an email."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mm_tui.models import Party
from mm_tui.review.findings import Finding, Level
from mm_tui.review.known import Known
from mm_tui.review.lookalike import domain_of, mixes_scripts, unicode_host
from mm_tui.text import OneLine

_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@]{1,64}+@(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}")


def _lies(party: Party, known: Known) -> str | None:
    """What the display name claims but the address contradicts; None if nothing."""
    own = party.address.lower()
    # Full-width and look-alike signs count as the sign itself, as for readers.
    name = party.name.replace("＠", "@").replace("﹫", "@")
    for match in _ADDRESS.finditer(name):
        if match[0].lower().strip("'.") != own:
            return match[0]
    domain = domain_of(own)
    for claimed in sorted(known.own_domains):
        if claimed in name.lower() and domain != claimed and not domain.endswith(f".{claimed}"):
            return claimed
    return None


def inspect_party(party: Party, known: Known, *, role: str = "sender", ours: bool = False) -> Iterator[Finding]:
    """What is wrong with one sender or recipient. `known`: our own domains and everybody that mail was exchanged with.
    `role`: the word for the party, such as `sender`; also the first part of the codes. `ours`: one of our own
    mailboxes, which is always known."""
    address = party.address
    domain = domain_of(address)

    def finding(what: str, level: Level, words: str) -> Finding:
        return Finding(f"{role}_{what}", level, OneLine(words))

    if (claimed := _lies(party, known)) is not None:
        words = f'the {role}\'s name says "{claimed}" but the address is {address}'
        yield finding("name_lies", Level.HIGH, words)
    shown = unicode_host(domain)
    if mixes_scripts(address.rpartition("@")[0]) or mixes_scripts(shown):
        yield finding("mixed_scripts", Level.HIGH, f"the {role}'s address mixes scripts: {address}")
    elif mixes_scripts(party.name):
        yield finding("mixed_scripts", Level.MEDIUM, f'the {role}\'s name mixes scripts: "{party.name}"')
    if ours:
        return
    if (twin := known.domain_imitated(domain)) is not None:
        yield finding("lookalike", Level.HIGH, f"the {role}'s domain {shown} looks like {twin} but is not")
    elif (double := known.address_imitated(address)) is not None:
        yield finding("lookalike", Level.HIGH, f"the {role} {address} looks like {double} but is not")
    if known.has_anybody and not known.knows(address) and domain not in known.own_domains:
        yield finding("first_time", Level.LOW, f"first mail with this {role}: {address}")


def inspect_reply_to(sender: Party, reply_to: tuple[Party, ...]) -> Iterator[Finding]:
    """A Reply-To to another domain than the sender's, or to another person in it."""
    for party in reply_to:
        if not party.address or party.address.lower() == sender.address.lower():
            continue
        other = domain_of(party.address) != domain_of(sender.address)
        words = f"answers go to {party.address}, not to the sender {sender.address}"
        yield Finding("reply_to_differs", Level.MEDIUM if other else Level.LOW, OneLine(words))


def inspect_sender(
    sender: Party, known: Known, *, reply_to: tuple[Party, ...] = (), verified: bool | None = None, ours: bool = False
) -> tuple[Finding, ...]:
    """Everything that is wrong with an email's sender, worst first. `known` and `ours` are as for `inspect_party`.
    `reply_to`: the addresses in the Reply-To header, if known. `verified`: whether the sender's identity was verified;
    None if unknown."""
    found = [*inspect_party(sender, known, ours=ours), *inspect_reply_to(sender, reply_to)]
    if verified is False:
        words = f"the sender's identity is not verified: {sender.address}"
        found.append(Finding("sender_unverified", Level.HIGH, OneLine(words)))
    return tuple(sorted(found, key=lambda finding: -finding.level))
