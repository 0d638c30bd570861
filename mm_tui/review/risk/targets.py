"""Rules about where a draft sends its reader: links and addresses that are not in the thread."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

from mm_tui.review.findings import Finding, Level, Span, line_span, span_of
from mm_tui.review.links import find_links, inspect_links
from mm_tui.review.lookalike import domain_of, one_slip_apart, registrable, same_site
from mm_tui.review.risk.facts import find_amounts
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, flag, listed, quoted, rule
from mm_tui.text import OneLine

_SHORTENERS = frozenset(
    {"bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "rb.gy", "t.ly"}
    | {"shorturl.at", "tiny.cc", "lnkd.in", "s.id", "v.gd", "bl.ink", "qr.ae", "adf.ly", "soo.gd", "clck.ru"}
)
_PUBLIC = frozenset(
    {"google.com", "youtube.com", "wikipedia.org", "github.com", "microsoft.com", "apple.com", "mozilla.org", "w3.org"}
    | {"ietf.org", "sourceforge.net", "python.org", "linkedin.com", "facebook.com", "instagram.com", "twitter.com"}
    | {"dhl.com", "dhl.de", "ups.com", "fedex.com", "usps.com", "royalmail.com", "openstreetmap.org", "archive.org"}
    | {"stackoverflow.com", "adobe.com", "europa.eu", "yahoo.com", "bund.de", "admin.ch", "overheid.nl", "nhs.uk"}
    | {"hermesworld.com", "myhermes.de", "evri.com", "gls-group.com", "dpd.com", "dpd.de", "postnl.nl", "laposte.fr"}
    | {"colissimo.fr", "chronopost.fr", "correos.es", "seur.com", "ctt.pt", "poste.it", "brt.it", "inpost.pl"}
    | {"poczta-polska.pl", "post.at", "post.ch", "bpost.be", "postnord.com", "kuronekoyamato.co.jp", "sf-express.com"}
)
_GOVERNMENT = re.compile(
    r"(?:\A|\.)(?:gov(?:\.(?:uk|au|pl|it|pt|ie|in|br|cn|sg|za|gr|tr|il|cz))?|gouv\.fr|gob\.(?:es|mx|ar|pe|cl)"
    r"|go\.(?:jp|kr)|govt\.nz|gc\.ca|gv\.at)\Z"
)
"""The end of a host that only governments can register."""
_WORDS = re.compile(r"[^\W\d_]{2,}")


def _shown_only(reading: Reading, span: Span) -> bool:
    """Whether a link or an address is in a signature or footer, or alone on a line, so that nobody is sent there."""
    if span.start >= reading.written:
        return True
    if span.end < reading.last_lines:
        return False
    line = line_span(reading.body, *span)
    before = _WORDS.finditer(reading.body, line.start, span.start)
    after = _WORDS.finditer(reading.body, span.end, line.end)
    return len(list(islice(chain(before, after), 2))) < 2


def _hosts(text: str) -> list[str]:
    """The hosts that a text links to."""
    return [str(link.host) for link in find_links(text) if link.host]


@rule("link_not_in_thread", "links not in the thread")
def link_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """A link to a host that is neither ours nor in the thread; for a draft that begins a thread every foreign host
    counts. Medium; low for sites that everybody knows, such as those of governments and carriers, for the front page of
    a site, and for links in a signature or footer. A link shortener hides where it leads and is medium everywhere."""
    there = [*reading.known.own_domains, *_hosts(reading.house_text)]
    foreign = [
        link for link in reading.links if link.opens and not any(same_site(str(link.host), one) for one in there)
    ]
    sites = {site for link in foreign if (site := registrable(str(link.host))) in reading.thread_low}
    if sites:
        lines = (line for line in reading.thread_text.split("\n") if any(site in line.lower() for site in sites))
        there += _hosts("\n".join(lines))
    spans: dict[Level, dict[str, list[Span]]] = {}
    for link in foreign:
        host = str(link.host)
        if any(same_site(host, one) for one in there):
            continue
        rest = reading.body[slice(*link.span)].rpartition(host)[2].strip("/.,;:)>\"' ")
        public = registrable(host) in _PUBLIC or _GOVERNMENT.search(host) is not None
        quiet = public or not rest or _shown_only(reading, link.span)
        level = Level.LOW if quiet and registrable(host) not in _SHORTENERS else Level.MEDIUM
        spans.setdefault(level, {}).setdefault(host, []).append(link.span)
    for level, hosts in spans.items():
        words = f"links to a host not in the thread: {listed(list(hosts))}"
        yield flag("link_not_in_thread", words, *chain.from_iterable(hosts.values()), level=level)


@rule("link", "links that are not what they seem", inbound=True)
def link(reading: Reading) -> Iterator[Finding]:
    """High: `link_other_host` (the text names another host than the target), `link_userinfo` (a user name before the
    host), `link_mixed_scripts`, `link_lookalike` (a host like a known one or ours), `link_scheme` for javascript, data
    and file. Medium: `link_punycode`, `link_ip` (low for the front page of a router at home), `link_unclear` (written
    so that programs disagree where it leads), `link_scheme` for others than http, https, mailto and tel."""
    yield from inspect_links(reading.body, reading.known)


_TOKEN = re.compile(
    r"[?&#/](?P<name>session|sessionid|sid|token|access_token|auth|apikey|api_key|secret|jwt|sig)"
    r"(?:=[\w.-]*\d[\w.-]*|/(?=[\w.-]*\d)[\w.-]{8,})",
    re.IGNORECASE,
)


@rule("link_token", "links with a token")
def link_token(reading: Reading) -> Iterator[Finding]:
    """A link that is not in the thread carries a token ("?session=9f81c3"), with which whoever has the link may get in.
    Medium. Mail among ourselves does not count. The finding never repeats the token."""
    if reading.among_us:
        return
    for one in reading.links:
        text = reading.body[slice(*one.span)]
        if (token := _TOKEN.search(text)) and token[0] not in reading.seen_text:
            yield flag("link_token", f"links with what looks like a token: {quoted(token['name'])}", one.span)


_HOST = re.compile(r"(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12}(?![\w-]|\.\w)", re.IGNORECASE)
_SHORTEST_LABEL = 4
_MOST_HOSTS = 50


@rule("host_differs", "a website that is nearly one of the thread's", needs_thread=True)
def host_differs(reading: Reading) -> Iterator[Finding]:
    """The draft names a site that the thread does not name, but one with another ending or one letter more, less or
    wrong ("acme.com" for "acme.org"). Medium."""
    named = find_all(_HOST, reading.body[: reading.written])
    new = [match for match in named if match[0].lower() not in reading.thread_low]
    if not new:
        return
    there = {registrable(match[0].lower()) for match in islice(_HOST.finditer(reading.thread_text), _MOST_HOSTS)}
    there |= {registrable(domain_of(address)) for address in reading.participants}
    for match in new:
        site = registrable(match[0].lower())
        label = site.partition(".")[0]
        ours = any(same_site(site, own) for own in reading.known.own_domains)
        if site in there or ours or len(label) < _SHORTEST_LABEL or site in reading.house_text.lower():
            continue
        near = [one for one in sorted(there) if label == one.partition(".")[0] or one_slip_apart(site, one)]
        if near:
            yield flag("host_differs", f"names {quoted(match[0])}, while the thread names {quoted(near[0])}", match)


_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}+@(?:[\w-]{1,63}\.){1,8}[A-Za-z][\w-]{1,62}")


@rule("address_not_in_thread", "addresses not in the thread")
def address_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """The body names an email address that is not ours, takes no part in the thread, gets no copy and appears in none
    of its emails. Medium; high if its domain could be mistaken for a known one or for ours; low if it asks nobody to
    write there: in a signature or footer, or as the author of a quotation."""
    written = [match for match in find_all(_ADDRESS, reading.body) if not reading.is_ours(match[0])]
    if not written:
        return
    there = f"{reading.thread_text}\n{reading.house_text}".lower()
    copied = {str(party.address).lower() for party in (*reading.draft.recipients, reading.draft.sender)}
    found: dict[Level, dict[str, list[Span]]] = {}
    for match in written:
        address, span = match[0].lower(), span_of(match)
        if address in there or address in reading.participants or address in copied:
            continue
        level = Level.MEDIUM
        if reading.known.domain_imitated(domain_of(address)):
            level = Level.HIGH
        elif not reading.known.knows(address) and (_shown_only(reading, span) or _attributes(reading, span)):
            level = Level.LOW
        found.setdefault(level, {}).setdefault(address, []).append(span)
    for level, spans in found.items():
        words = f"names an address not in the thread: {listed(list(spans))}"
        yield flag("address_not_in_thread", words, *chain.from_iterable(spans.values()), level=level)


_ATTRIBUTION = re.compile(r"\s*(?:(?:from|to|cc|von|an|de|da|van|od)\s*:|[^\n]{0,200}[:>,]\s*\Z)", re.IGNORECASE)
_HEADER = re.compile(r"\s*(?:from|to|cc|sent|reply-to|von|an|de|para|da|van|aan|od|do)\s*:", re.IGNORECASE)


def _attributes(reading: Reading, span: Span) -> bool:
    """Whether the address only says who wrote what is quoted."""
    place = line_span(reading.body, *span)
    line = reading.body[slice(*place)]
    quotes = (
        _HEADER.match(line) or line.rstrip().endswith(":") or reading.body[place.end :].lstrip("\n ")[:1] in (">", "")
    )
    return bool(quotes) and _ATTRIBUTION.match(line) is not None


def known_from_house(reading: Reading) -> Iterator[OneLine]:
    """The amounts, links and addresses of the draft that are in house facts and not in the thread, with the file."""
    if not reading.context.house:
        return
    thread, low = {amount.sum for amount in find_amounts(reading.figures)}, reading.thread_low
    hosts = [link for link in reading.links if link.opens and str(link.host) not in low]
    addresses = [match[0] for match in find_all(_ADDRESS, reading.body) if match[0].lower() not in low]
    for file in reading.context.house:
        amounts = {amount.sum for amount in find_amounts(file.text)} - thread
        there, text = _hosts(file.text), file.text.lower()
        words = [reading.body[slice(*one.span)] for one in find_amounts(reading.body) if one.sum in amounts]
        words += [str(link.host) for link in hosts if any(same_site(str(link.host), host) for host in there)]
        words += [address for address in addresses if address.lower() in text]
        if words:
            yield OneLine(f"{listed([quoted(word) for word in dict.fromkeys(words)])}: found in {file.name}")
