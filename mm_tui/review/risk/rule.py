"""What a risk rule is, and what every rule is given to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from mm_tui.config import Risk
from mm_tui.review.findings import Finding
from mm_tui.review.links import Link, find_links
from mm_tui.review.lookalike import Known, domain_of
from mm_tui.review.risk.model import Draft, ThreadContext

_QUOTED = re.compile(r"^[ \t]*+(?:>[ \t]*+)++([^\n]*+)", re.MULTILINE)
_QUOTES_LOOKED_FOR = 400
_SHORTEST_QUOTE = 12


@dataclass(frozen=True)
class Reading:
    """A draft and what is known around it, with what several rules need worked out once."""

    draft: Draft
    context: ThreadContext
    settings: Risk

    @cached_property
    def known(self) -> Known:
        """Our domains, and everybody that mail was exchanged with before or who takes part in the thread."""
        own = frozenset({*self.context.domains, *map(str.lower, self.settings.own_domains)})

        def others(addresses: Iterable[str]) -> Iterator[str]:
            return (address for address in map(str.lower, addresses) if domain_of(address) not in own)

        established = frozenset(others(self.context.known_addresses))
        recent = (*self.context.recent_addresses, *self._in_order)
        return Known(own, established, tuple(one for one in others(recent) if one not in established))

    @cached_property
    def participants(self) -> frozenset[str]:
        """Everybody who wrote or got a mail of the thread, lower case."""
        return frozenset(self._in_order)

    @cached_property
    def _in_order(self) -> tuple[str, ...]:
        mails = self.context.messages
        parties = (str(party.address).lower() for mail in mails for party in (mail.sender, *mail.to, *mail.cc))
        return tuple(dict.fromkeys(parties))

    @cached_property
    def has_thread(self) -> bool:
        """True when the draft answers something that is known here, if only by its summary."""
        return bool(self.context.messages)

    @cached_property
    def has_thread_text(self) -> bool:
        """True when the text of at least one mail of the thread is known here."""
        return any(mail.body is not None for mail in self.context.messages)

    @cached_property
    def thread_text(self) -> str:
        """Subjects and known bodies of the thread, one after the other."""
        return "\n".join(part for mail in self.context.messages for part in (mail.subject, mail.body or ""))

    @cached_property
    def body(self) -> str:
        """The body with quoted lines blanked out where the thread holds the same words; spans stay true.

        A quoted line that stands nowhere in the thread is read like any other: quoting is no place to hide.
        """
        if not self.has_thread_text:
            return str(self.draft.body)
        lines = {" ".join(line.lstrip("> \t").split()) for line in self.thread_text.split("\n")}
        flowing = " ".join(line.lstrip("> \t") for line in self.thread_text.split("\n"))
        flowing = " ".join(flowing.split())
        looked_for = 0

        def blanked(match: re.Match[str]) -> str:
            nonlocal looked_for
            words = " ".join(match[1].split())
            if words in lines:
                return " " * len(match[0])
            looked_for += 1
            # Mail programs break long lines anew when they quote. Bounded, so that a huge draft stays fast.
            known = looked_for <= _QUOTES_LOOKED_FOR and len(words) >= _SHORTEST_QUOTE and words in flowing
            return " " * len(match[0]) if known else match[0]

        return _QUOTED.sub(blanked, str(self.draft.body))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The links of `body`."""
        return find_links(self.body)

    def is_ours(self, address: str) -> bool:
        """True for our own mailboxes and everybody in our own domains."""
        address = address.lower()
        domain = domain_of(address)
        return address in self.context.own_addresses or any(
            domain == own or domain.endswith(f".{own}") for own in self.known.own_domains
        )


@dataclass(frozen=True)
class Rule:
    """A rule: a function over a reading, and what is said about it."""

    code: str
    """Its name in the settings. What it finds carries this code or one that the description names."""
    title: str
    """What it finds, in a few words."""
    find: Callable[[Reading], Iterator[Finding]]
    needs_thread: bool
    """True when it compares with the text of the thread."""
    inbound: bool
    """True when it also reads mail that comes in."""

    @property
    def codes(self) -> frozenset[str]:
        """Its own code and those of its findings, which its description names in backticks."""
        return frozenset({self.code, *re.findall(r"`([a-z_]+)`", self.text)})

    @property
    def text(self) -> str:
        """What is known of it: the docstring of its function, as one paragraph."""
        return " ".join((self.find.__doc__ or "").split())


def rule(
    code: str, title: str, *, needs_thread: bool = False, inbound: bool = False
) -> Callable[[Callable[[Reading], Iterator[Finding]]], Rule]:
    """Makes a rule of a function; its docstring is the rule's description in docs/risk.md."""

    def made(find: Callable[[Reading], Iterator[Finding]]) -> Rule:
        return Rule(code, title, find, needs_thread, inbound)

    return made


def quoted(text: str, longest: int = 60) -> str:
    """`text` in quotation marks on one line, cut to `longest` characters."""
    flat = " ".join(text.split())
    return f'"{flat[: longest - 1]}…"' if len(flat) > longest else f'"{flat}"'


def listed(words: list[str], most: int = 3) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown
