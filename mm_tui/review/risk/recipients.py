"""Rules about who an email is from and who gets it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mm_tui.models import Direction
from mm_tui.review.findings import Finding, Level
from mm_tui.review.lookalike import PROVIDERS, domain_of, registrable
from mm_tui.review.risk.phrases import has_words, lowered, pattern
from mm_tui.review.risk.rule import Reading, flag, listed, rule
from mm_tui.review.senders import inspect_party, inspect_sender


@rule("recipients_untold", "undisclosed recipients")
def recipients_untold(reading: Reading) -> Iterator[Finding]:
    """The gateway does not disclose who gets the email or a copy of it, or returns something that is not an address.
    High, and never approved in a batch: you cannot approve what you cannot see. An edit is sent without the copies
    that are not disclosed."""
    draft = reading.draft
    if not any(party.address.strip() for party in draft.to):
        yield flag("recipients_untold", "recipients not disclosed by the gateway", level=Level.HIGH)
        return
    if "to" in draft.undisclosed:
        words = "recipients named only in the gateway's list, not in the email itself"
        yield flag("recipients_untold", words, level=Level.HIGH)
    if "cc" in draft.undisclosed:
        what = "your edit is sent without any" if draft.replaces else "copies may be sent"
        yield flag("recipients_untold", f"cc not disclosed by the gateway: {what}", level=Level.HIGH)
    strange = [str(party.address) or "(empty)" for party in reading.draft.recipients if not domain_of(party.address)]
    if strange:
        yield flag("recipients_untold", f"a recipient is no address: {listed(strange)}", level=Level.HIGH)


_LONGEST_READ = 4_000


def _is_private(reading: Reading) -> bool:
    """Whether the newest email that came, also from one of us, asks to keep it between the two."""
    came = next((mail for mail in reversed(reading.context.messages) if mail.direction == Direction.INBOUND), None)
    return came is not None and has_words(lowered(str(came.body or "")[:_LONGEST_READ]), "in_confidence")


_EVERYBODY = re.compile(
    r"(?:\A|[._-])(?:all|everyone|everybody|staff|alle|mitarbeiter|belegschaft|tous|todos|tutti|iedereen|wszyscy)"
    r"(?=[._-]|@)"
)
"""The address of a list that everybody of ours reads."""


def _asks_about_sender(reading: Reading) -> bool:
    """Whether the draft names the address of the email's sender and does not go there: "Did you write this?"."""
    sender = str(reading.asked.sender.address).lower() if reading.asked else ""
    named = {str(party.address).lower() for party in reading.draft.recipients}
    # "Anna Berg <anna@berg.example> wrote:" is above what is quoted.
    lines = (line.rstrip() for line in reading.low.split("\n") if sender in line)
    return bool(sender) and sender not in named and any(not line.endswith((":", "：")) for line in lines)


@rule("recipient_not_in_thread", "recipients not in the thread")
def recipient_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """A recipient neither wrote nor received any email in the thread that the draft answers. High for somebody with no
    earlier correspondence, medium for somebody known, for a list of all our people ("all-staff@"), and for our own
    people if the other side asks us to keep it between us, low for our own people otherwise, for all but strangers if
    the draft asks them about the email's sender, to whom it does not go, and for an address of the sender's own company
    that their email names. Does not apply to a draft that begins a thread. As in all rules, only mail that arrived or
    was sent counts: waiting, rejected, cancelled, failed or quarantined mail makes nobody and nothing known."""
    if not reading.has_thread:
        return
    groups: dict[Level, list[str]] = {}
    for party in reading.draft.recipients:
        address = str(party.address).lower()
        if address in reading.participants:
            continue
        level = Level.MEDIUM if reading.known.knows(address) else Level.HIGH
        if reading.is_ours(address):
            level = Level.MEDIUM if _is_private(reading) or _EVERYBODY.search(address) else Level.LOW
        if (level is Level.MEDIUM and _asks_about_sender(reading)) or _is_named_by_colleague(reading, address):
            level = Level.LOW
        groups.setdefault(level, []).append(str(party.address))
    for level, addresses in groups.items():
        words = f"goes to somebody who is not in the thread: {listed(addresses)}"
        yield flag("recipient_not_in_thread", words, level=level)


def _is_named_by_colleague(reading: Reading, address: str) -> bool:
    """Whether the email that is answered names this address, which is of its sender's own company."""
    asked = reading.asked
    if asked is None or not re.search(rf"(?<![\w.+-]){re.escape(address)}(?!\.?[\w-])", reading.asked_text):
        return False
    site = registrable(domain_of(address))
    return site not in PROVIDERS and site == registrable(domain_of(str(asked.sender.address).lower()))


_ASKS_FOR_COPY = re.compile(
    r"(?:please|kindly|bitte|merci de|veuillez|por favor|per favore|alstublieft|graag|proszę)\b[^.\n]*\Z"
)


@rule("copy_missing", "says that somebody gets a copy")
def copy_missing(reading: Reading) -> Iterator[Finding]:
    """The draft says that somebody is in copy, and it goes to one person alone. Medium. Not if it asks for a copy, or
    says no."""
    draft = reading.draft
    if not draft.complete or "cc" in draft.undisclosed or len(draft.recipients) != 1:
        return
    for match in pattern("in_copy").finditer(reading.low, 0, reading.written):
        first, _ = reading.sentence(match.start())
        asks = _ASKS_FOR_COPY.search(reading.low, first, match.start()) or reading.is_question(match.start())
        if asks or reading.sentence_has(match.start(), "negations", "conditions", "future"):
            continue
        yield flag("copy_missing", f"says {reading.quoted(match)}, but nobody gets a copy", match)
        return


@rule("new_domain", "new domain")
def new_domain(reading: Reading) -> Iterator[Finding]:
    """A recipient's domain is not ours and not in the thread, and we have never corresponded with anybody there.
    Medium. Needs some known correspondents to compare with. A draft whose thread is not known is not compared before
    the initial sync of its mailbox has ended, and the email says so."""
    if not reading.known.own_domains and not reading.known.has_anybody:
        return
    if not (reading.context.history_read or reading.has_thread):
        return
    new = {
        domain: None
        for party in reading.draft.recipients
        if (domain := domain_of(party.address))
        and not reading.known.knows_domain(domain)
        and not reading.is_ours(party.address)
    }
    if new:
        yield flag("new_domain", f"first mail to the domain {listed(list(new))}")


@rule("recipient", "look-alike and lying recipients")
def recipient(reading: Reading) -> Iterator[Finding]:
    """A recipient is not what it seems: `recipient_lookalike` (high) for an address or domain that could be mistaken
    for a known one or for ours, by Unicode TR39 or one typing error, whatever is before the registered name,
    `recipient_name_lies` (high) for a display name that holds another address, `recipient_mixed_scripts` for scripts
    mixed within a word (high in the address, medium in the name). The email itself and its thread make nobody known.
    Trusted are those we wrote to before in another thread, and those who wrote, or entered the gateway's address book,
    at least a week ago. Of two others the later one is the look-alike; whatever looks like one of our own domains
    always is."""
    for party in reading.draft.recipients:
        for finding in inspect_party(party, reading.known, role="recipient", ours=reading.is_ours(party.address)):
            if finding.code != "recipient_first_time":
                yield finding


@rule("many_recipients", "more than N recipients")
def many_recipients(reading: Reading) -> Iterator[Finding]:
    """To and cc together have more addresses than "max_recipients" in the settings. Medium. Bcc counts only if the
    gateway discloses it."""
    count = len(reading.draft.recipients)
    if count > reading.settings.max_recipients:
        yield flag("many_recipients", f"goes to {count} recipients")


@rule("hidden_copy", "hidden copies")
def hidden_copy(reading: Reading) -> Iterator[Finding]:
    """Somebody outside gets a copy that the recipients do not see (bcc), as far as the gateway discloses it. High."""
    hidden = [str(party.address) for party in reading.draft.bcc if not reading.is_ours(party.address)]
    if hidden:
        yield flag("hidden_copy", f"a hidden copy goes to {listed(hidden)}", level=Level.HIGH)


@rule("reply_all_growth", "reply-all growth")
def reply_all_growth(reading: Reading) -> Iterator[Finding]:
    """The answer goes to more people than the email it answers, counting sender, to and cc of the other side's newest
    email and whoever else wrote in the thread, without ourselves. Low: other rules find
    strangers. A copy to our own people counts only beside one to somebody else."""
    mails = reading.context.messages
    theirs = (m for m in reversed(mails) if m.direction == Direction.INBOUND and not reading.is_ours(m.sender.address))
    last = next(theirs, mails[-1] if mails else None)
    if last is None or last.body is None:
        # Only the summary is known, which has no cc, so the number would be wrong.
        return
    draft_sender = str(reading.draft.sender.address).lower()
    audience = {str(party.address).lower() for party in (last.sender, *last.to, *last.cc)} - {draft_sender}
    # Whoever wrote in the thread is part of the talk.
    audience |= {str(mail.sender.address).lower() for mail in mails} - {draft_sender}
    recipients = {str(party.address).lower() for party in reading.draft.recipients} - {draft_sender}
    grown = {address for address in recipients - audience if not reading.is_ours(address)}
    if grown and len(recipients) > len(audience):
        counts = f"goes to {len(recipients)} people, the email it answers went to {len(audience)}"
        yield flag("reply_all_growth", f"{counts}: adds {listed(sorted(grown))}", level=Level.LOW)


@rule("sender", "sender identity", inbound=True)
def sender(reading: Reading) -> Iterator[Finding]:
    """The sender is not what it seems. Outbound mail: `sender_not_ours` (high) if its address is not a mailbox of the
    account. Inbound mail: `sender_lookalike`, `sender_name_lies`, `sender_mixed_scripts` as for recipients,
    `reply_to_differs` (medium, low within one domain), `sender_first_time` (low). Both: `sender_unverified` (high) when
    the sender's identity was checked and not proved."""
    draft = reading.draft
    address = str(draft.sender.address).lower()
    if draft.outbound:
        if reading.context.own_addresses and address not in reading.context.own_addresses:
            words = f"is sent from an address that is not one of our mailboxes: {draft.sender.address}"
            yield flag("sender_not_ours", words, level=Level.HIGH)
        if draft.sender_verified is False:
            words = f"the sender's identity is not verified: {draft.sender.address}"
            yield flag("sender_unverified", words, level=Level.HIGH)
        return
    ours = reading.is_ours(address)
    for finding in inspect_sender(
        draft.sender, reading.known, reply_to=draft.reply_to, verified=draft.sender_verified, ours=ours
    ):
        if finding.code != "sender_first_time" or reading.context.history_read:
            yield finding
