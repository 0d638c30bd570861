"""Finds the links in an email's text, with the hosts that they really lead to, and what is wrong with them.

Finds Markdown links and images, reference definitions, autolinks, HTML anchors and bare addresses. The host is parsed
as browsers do, which is far more lenient than the standard: an odd link must not look harmless here and work there.
Nothing here opens a link.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from mm_tui.review.findings import Finding, Level, Span, merged
from mm_tui.review.known import Known
from mm_tui.review.link_ends import STOPS, address_of, glued, host_size, without_tail
from mm_tui.review.lookalike import mixes_scripts, same_site, unicode_host
from mm_tui.text import OneLine

TEXTS = 16
"""The number of texts whose links are cached: an email's links are needed again when more is known about its sender."""

# Every pattern is possessive or excludes its own first character, so that hostile text takes linear time.
_TARGET = r"(?:<(?P<angled>[^<>\n]{0,2000}+)>|(?P<target>(?:[^\s<>()]++|\((?:[^\s<>()]++|\([^\s<>()]*+\))*+\))++))"
_BRACKET = re.compile(r"[\[\]]|\n[ \t]*+\n")
_AFTER_BRACKET = re.compile(r"\(\s{0,9}+" + _TARGET + r"[^()\n]{0,200}+(?:\([^()\n]{0,200}+\)[^()\n]{0,9}+)?\)")
_REFERENCE = re.compile(r"^ {0,3}\[(?P<text>[^\[\]\n]{1,200}+)\]:[ \t]{0,9}+" + _TARGET, re.MULTILINE)
_HTML = re.compile(
    r"<(?:a|img|form|iframe|link|area)\b[^<>]{0,500}?\b(?:href|src|action)\s{0,3}=\s{0,3}"
    r"(?:\"(?P<double>[^\"<>]{0,2000}+)\"|'(?P<single>[^'<>]{0,2000}+)'|(?P<bare>[^\s\"'<>]{1,2000}+))"
    r"[^<>]{0,500}+>(?:(?P<text>[^<>]{0,500}+)</a>)?",
    re.IGNORECASE,
)
_AUTOLINK = re.compile(r"<(?P<target>[a-z][a-z0-9+.-]{1,31}+:[^\s<>]{1,2000}+)>", re.IGNORECASE)
_REST = rf"[^\s<>\"{STOPS}]"
# A scheme that browsers open counts anywhere; other words before a colon only where a word can begin.
_BARE = re.compile(
    r"(?P<target>(?:https?|ftp|wss?):[/\\]{2}(?P<authority>[^\s<>\"/\\?#]{0,2000}+)" + _REST + r"{0,2000}+"
    r"|(?<![a-z0-9@-])www\.(?P<www>[^\s<>\"/\\?#]{1,2000}+)" + _REST + r"{0,2000}+"
    r"|(?<![a-z0-9@/.+-])(?:javascript|data|vbscript|file|mailto|tel|sms):" + _REST + r"{1,2000}+"
    r"|(?<![\w@/.+-])(?![a-z0-9+.-]{1,12}(?:https?|ftp|wss?):)[a-z][a-z0-9+.-]{1,15}+:[/\\]{2}" + _REST + r"{1,2000}+"
    r"|(?<![\w@/.-])(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}/" + _REST + r"{0,2000}+)",
    re.IGNORECASE,
)
# Every match of the pattern above contains one of these signs, so most of a text can be skipped.
_NAMED = ("javascript", "vbscript", "mailto", "data", "file", "sms", "tel")
_SIGN = re.compile(
    r":(?:(?<=[a-z0-9+.-]:)[/\\]{2}|" + "|".join(f"(?<={name}:)" for name in _NAMED) + r")"
    r"|/(?<=[^\W\d_]{2}/)|[wW][wW]{2}\.",
    re.IGNORECASE,
)
_SCHEME_SIZES = tuple({2, 3, 4, 5, *map(len, _NAMED)})
"""Letters of the schemes in the pattern, anywhere."""
_LONGEST_SCHEME = 17
_LONGEST_ENDING = 24
_LONGEST_HOST = 8 * 64 + _LONGEST_ENDING
_LONGEST_TEXT = 500
_TARGETS = ("angled", "target", "double", "single", "bare")
_HOST_IN_TEXT = re.compile(
    r"(?<![\w@.-])(?:[a-z][a-z0-9+.-]*+:/{2})?(?P<host>(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w@-])", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@]{1,64}+@(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
_QUIET_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_ACTIVE_SCHEMES = frozenset({"javascript", "vbscript", "data", "file", "blob"})
# File extensions that are also top-level domains: "see report.md" does not name a host.
_FILE_ENDINGS = frozenset({
    "md", "py", "sh", "rs", "pl", "ps", "zip", "mov", "app", "doc", "docx", "pdf", "txt", "csv", "xlsx", "png", "jpg",
    "jpeg", "json", "html", "htm", "xml", "yaml", "yml", "toml", "js", "ts", "c", "h", "go", "tar", "gz", "log", "ini",
})  # fmt: skip


class Link(msgspec.Struct, frozen=True):
    text: OneLine
    """What the reader sees; the target itself for a bare link."""
    target: OneLine
    """The target, as written."""
    scheme: str
    """The scheme, lower case; `https` if a browser would add it."""
    host: OneLine
    """The host it leads to, lower case, punycode decoded; empty if the scheme has none."""
    raw_host: str
    """The host as written, lower case, as used in a request."""
    span: Span
    userinfo: bool = False
    """Whether the target has a user name before the host, as in `https://bank.example@evil.test`."""

    @property
    def opens(self) -> bool:
        """Whether it can be opened: http or https with a host."""
        return self.scheme in ("http", "https") and bool(self.host)


def _parts(target: str) -> tuple[str, str, bool]:
    """Scheme, host, and whether there is a user name before the host, as a browser parses them."""
    target = target.strip()
    match = _SCHEME.match(target)
    scheme = match[1].lower() if match else ""
    if match and scheme not in ("http", "https", "ftp", "ws", "wss"):
        if scheme in ("mailto", "sms", "tel"):
            return scheme, target.rpartition("@")[2].partition("?")[0].lower() if "@" in target else "", False
        rest = target[match.end() :]
        if not rest.startswith("//"):
            return scheme, "", False
    elif match:
        rest = target[match.end() :]
    elif target.startswith(("//", "\\\\", "/\\")) or _HOST_IN_TEXT.match(target):
        scheme, rest = "https", target
    else:
        return "", "", False
    rest = rest.lstrip("/\\")
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    _user, at, host = authority.rpartition("@")
    host = unicodedata.normalize("NFKC", unquote(host)).lower().replace("。", ".")
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return scheme, host.strip("."), bool(at)


def host_of(target: str) -> OneLine:
    """The host that a target leads to in a browser, punycode decoded; empty if there is none."""
    return OneLine(unicode_host(_parts(target)[1]))


def _link(text: str, target: str, span: Span) -> Link:
    scheme, raw_host, userinfo = _parts(target)
    return Link(
        text=OneLine(text),
        target=OneLine(target),
        scheme=scheme,
        host=OneLine(unicode_host(raw_host)),
        raw_host=raw_host,
        span=span,
        userinfo=userinfo,
    )


@lru_cache(TEXTS)
def find_links(text: str) -> tuple[Link, ...]:
    """All links of `text`, in order; spans index into `text`, and none overlaps another one."""
    found = [*_inline(text), *_bare(text)]
    for pattern in (_HTML, _REFERENCE, _AUTOLINK):
        for match in pattern.finditer(text):
            groups = match.groupdict()
            target = next((groups[name] for name in _TARGETS if groups.get(name)), "")
            if pattern is _HTML and not _SCHEME.match(target) and not target.startswith(("//", "\\\\", "www.")):
                continue
            if target:
                shown = groups.get("text")
                found.append(_link(target if shown is None else shown, target, Span(*match.span())))
    found.sort(key=lambda link: (link.span.start, -link.span.end))
    kept: list[Link] = []
    for link in found:
        if not kept or link.span.start >= kept[-1].span.end:
            kept.append(link)
    return tuple(kept)


def _inline(text: str) -> Iterator[Link]:
    """Finds `[text](target)` and `![text](target)`, also nested, as in a linked image."""
    opened: list[int] = []
    inner: list[Link] = []
    for match in _BRACKET.finditer(text):
        if match[0] == "[":
            opened.append(match.start())
        elif match[0] != "]":
            opened.clear()
        elif opened:
            start, end = opened.pop(), match.start()
            if not text.startswith("(", match.end()) or (rest := _AFTER_BRACKET.match(text, match.end())) is None:
                continue
            shown, at = text[start + 1 : min(end, start + _LONGEST_TEXT)], match.start()
            first: Link | None = None
            while inner and inner[-1].span.start > start:
                first = inner.pop()
            if first is not None:
                # The inner part is a link of its own; the outer one is what follows it.
                shown = f"{text[start + 1 : first.span.start][:_LONGEST_TEXT]}{first.text}"
            else:
                at = start
            image = at == start and text.startswith("!", start - 1) and start > 0
            link = _link(shown, rest["angled"] or rest["target"] or "", Span(at - image, rest.end()))
            inner.append(link)
            yield link


def _bare(text: str) -> Iterator[Link]:
    """Finds bare addresses, whatever letter, sign or bracket they are attached to."""
    at = 0
    for begin in _begins(text):
        if begin < at or (match := _BARE.match(text, begin)) is None:
            continue
        start, target = begin, match["target"]
        if match["authority"] is not None or match["www"] is not None:
            named = "authority" if match["authority"] is not None else "www"
            target = address_of(target, match.start(named) - start)
        elif target[:7].lower() == "mailto:":
            name, sign, domain = target.partition("@")
            target = name + sign + domain[: host_size(domain)] if sign and "?" not in domain else target
        elif "://" not in target[:20] and ":" not in target.partition("/")[0]:
            lead = glued(target)
            start, target = start + lead, target[lead:]
        target = without_tail(target)
        at = max(start + len(target), begin + 1)
        if target and not target.endswith(("//", ":")):
            yield _link(target, target, Span(start, start + len(target)))


def _begins(text: str) -> list[int]:
    """The possible beginnings of bare addresses, in order: before a colon, a slash or `www.`."""
    begins: set[int] = set()
    for match in _SIGN.finditer(text):
        at = match.start()
        if match[0].startswith(":"):
            first = _begin_of(text, at, _LONGEST_SCHEME, "@/.+-")
            begins.add(first)
            begins.update(at - size for size in _SCHEME_SIZES if at - size > first)
        elif match[0] == "/":
            if text.rfind(".", max(0, at - _LONGEST_ENDING - 1), at) >= 0:
                begins.add(_begin_of(text, at, _LONGEST_HOST, ".-"))
        else:
            begins.add(at)
    return sorted(begins)


def _begin_of(text: str, end: int, longest: int, signs: str) -> int:
    """The beginning of the run of letters, digits and `signs` before `end`, at most `longest` characters back."""
    at, first = end, max(0, end - longest)
    while at > first and ((char := text[at - 1]).isalnum() or char == "_" or char in signs):
        at -= 1
    return at


def named_hosts(text: str) -> tuple[str, ...]:
    """The hosts, lower case, that a reader would expect from a link's text."""
    claimed = []
    for match in _HOST_IN_TEXT.finditer(text):
        host = match["host"][glued(match["host"]) :].lower()
        host = host[: host_size(host)]
        if "." in host.strip(".") and host.rpartition(".")[2] not in _FILE_ENDINGS:
            claimed.append(host)
    return tuple(claimed)


_BARE_ADDRESS = re.compile(r"(?:https?://)?[\d.]+/?")


def is_ip(host: str) -> bool:
    """Whether a browser treats `host` as an IP address, including spellings such as 2130706433 or 0x7f.1."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and _NUMBER.fullmatch(host.rpartition(".")[2]) is not None
    return True


def _is_router(link: Link) -> bool:
    """Whether a link leads to the front page of a device at home, such as http://192.168.1.1."""
    if not _BARE_ADDRESS.fullmatch(link.target):
        return False
    try:
        return ipaddress.ip_address(link.raw_host).is_private
    except ValueError:
        return False


def inspect_link(link: Link, known: Known) -> Iterator[Finding]:
    """What is wrong with one link, worst first. `known`: our own domains and known addresses, for look-alikes."""

    def finding(code: str, level: Level, words: str) -> Finding:
        return Finding(code, level, OneLine(words), (link.span,))

    if link.scheme in _ACTIVE_SCHEMES:
        yield finding("link_scheme", Level.HIGH, f"a link runs or opens something: {link.scheme}:")
    elif link.scheme and link.scheme not in _QUIET_SCHEMES:
        yield finding("link_scheme", Level.MEDIUM, f"a link is not a web address: {link.scheme}:")
    if not link.host:
        return
    others = [host for host in named_hosts(link.text) if not same_site(host, link.host)]
    if link.scheme == "mailto":
        others = [address for address in _ADDRESS.findall(link.text) if address.lower() not in link.target.lower()]
    if others and link.text != link.target:
        yield finding("link_other_host", Level.HIGH, f'a link says "{others[0]}" but leads to {link.host}')
    if "\\" in link.target or (link.scheme != "mailto" and link.raw_host not in link.target.lower()):
        yield finding("link_unclear", Level.MEDIUM, f"a link is written to be misread: it leads to {link.host}")
    if link.userinfo:
        yield finding("link_userinfo", Level.HIGH, f"a link hides its host behind a user name: it leads to {link.host}")
    if is_ip(link.raw_host):
        level = Level.LOW if _is_router(link) else Level.MEDIUM
        yield finding("link_ip", level, f"a link leads to a bare IP address: {link.host}")
    if "xn--" in link.raw_host:
        words = f"a link's host is written in punycode: {link.raw_host}, read as {link.host}"
        yield finding("link_punycode", Level.MEDIUM, words)
    if mixes_scripts(link.host):
        yield finding("link_mixed_scripts", Level.HIGH, f"a link's host mixes scripts: {link.host}")
    if (imitated := known.domain_imitated(link.raw_host)) is not None:
        yield finding("link_lookalike", Level.HIGH, f"a link's host looks like {imitated} but is {link.host}")


def inspect_links(text: str, known: Known) -> tuple[Finding, ...]:
    """What is wrong with the links of `text`; the same message only once, with all its spans."""
    return tuple(merged(found for link in find_links(text) for found in inspect_link(link, known)))
