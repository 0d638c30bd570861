"""Bytes of mail into text: charsets as they are declared and as they are, encoded words, HTML.

Every function is total: it returns something for any input, and says through `odd` what was not as it should be.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
import warnings
from collections.abc import Callable
from html.parser import HTMLParser

Odd = Callable[[str], None]
"""Is told, in a few words, what is odd about the mail at hand."""

LONGEST_HTML = 1_000_000
"""Characters of HTML that are turned to markdown; longer ones only lose their tags."""
_MOST_HTML = 4_000_000
"""Characters of HTML that are looked at at all."""
_DEEPEST_HTML = 150
"""Nested tags that markdownify, which calls itself for each, is trusted with."""

_ALIASES = {
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030",
    "gbk": "gb18030", "x-gbk": "gb18030", "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "x-sjis": "cp932",
    "shift_jis": "cp932", "x-euc-jp": "euc_jp", "x-mac-roman": "mac_roman", "macintosh": "mac_roman",
    "unicode-1-1-utf-7": "utf-7", "iso-8859-8-i": "iso-8859-8", "x-windows-949": "cp949", "utf8mb4": "utf-8",
    "unknown-8bit": "", "x-unknown": "", "us-ascii": "ascii", "ansi_x3.4-1968": "ascii",
}  # fmt: skip
_ENCODED = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_HEADER_BREAK = re.compile(r"\r?\n[ \t]+|[\r\n]+")
_SILENT_TAGS = ("script", "style", "head", "title", "template", "noscript", "object", "iframe", "svg")
_BLANKS = re.compile(r"\n[ \t\xa0]*\n(?:[ \t\xa0]*\n)+")
_BLOCKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote", "hr"})


def decode(data: bytes, charset: str | None, odd: Odd) -> str:
    """The text of `data`: in its declared charset, else as UTF-8, else as Windows-1252 with replacement signs."""
    declared = (charset or "").strip().strip("\"'").lower()
    name = _ALIASES.get(declared, declared)
    if name:
        try:
            if codecs.lookup(name).name in ("utf-16", "utf-32", "undefined", "idna", "punycode", "unicode_escape"):
                odd("unlikely charset")
            else:
                return _without_surrogates(data.decode(name))
        except UnicodeError:
            odd("bytes outside of the declared charset")
        except (LookupError, ValueError):
            odd("unknown charset")
    elif not data.isascii():
        odd("no charset declared")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _without_surrogates(text: str) -> str:
    # UTF-7 and some others let lone surrogates through.
    return text.encode("utf-8", "replace").decode("utf-8")


def _word_bytes(kind: str, text: str, odd: Odd) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if kind in "qQ":
        return quopri.decodestring(raw.replace(b"_", b" "), header=False)
    try:
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=False)
    except (binascii.Error, ValueError):
        data = b""
    if raw and not data:
        odd("broken base64")
        return raw
    return data


def header_text(raw: str, odd: Odd) -> str:
    """A header's value for people: unfolded, encoded words decoded, raw 8-bit bytes read as UTF-8 or Windows-1252.

    Args:
        raw: as the parser gives it, with bytes above 127 as surrogate escapes.
        odd: is told what could not be read as declared.
    """
    line = _HEADER_BREAK.sub(" ", raw).strip()
    if not line.isascii():
        odd("8-bit header")
        line = decode(line.encode("utf-8", "surrogateescape"), None, lambda _what: None)
    if "=?" not in line:
        return line
    made: list[str] = []
    held = b""
    held_charset = ""
    at = 0
    for match in _ENCODED.finditer(line):
        between = line[at : match.start()]
        charset = match[1].split("*")[0].lower()
        # White space between encoded words goes away, and one sign may be split over two words of one charset.
        if between.strip() or charset != held_charset:
            made.append(decode(held, held_charset, odd) if held else "")
            held = b""
        if between.strip() or at == 0:
            made.append(between)
        held += _word_bytes(match[2], match[3], odd)
        held_charset = charset
        at = match.end()
    made.append(decode(held, held_charset, odd) if held else "")
    made.append(line[at:])
    return _HEADER_BREAK.sub(" ", "".join(made))


class _PlainText(HTMLParser):
    """The text of HTML without its tags, for what is too deep or too long to be made markdown of."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.made: list[str] = []
        self._silent = 0
        self.depth = 0
        self.deepest = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT_TAGS
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        if tag in _BLOCKS:
            self.made.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT_TAGS and self._silent > 0
        self.depth = max(0, self.depth - 1)
        if tag in _BLOCKS:
            self.made.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.made.append(data)

    @property
    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self.made).split("\n"))
        return _BLANKS.sub("\n\n", "\n".join(lines)).strip()


_VOID = re.compile(r"<(?:br|hr|img|input|meta|link|col|area|base|wbr|p|li|td|tr|th|option|dd|dt)\b", re.IGNORECASE)
_OPENING = re.compile(r"<[a-z]", re.IGNORECASE)


def _without_tags(html: str) -> _PlainText:
    parser = _PlainText()
    try:
        parser.feed(html)
        parser.close()
    except (AssertionError, ValueError):
        # The parser gives up on some malformed declarations: what it has read so far, and the rest bare, remain.
        parser.made.append(re.sub(r"<[^<>]{0,2000}>", " ", parser.rawdata))
    return parser


def html_to_markdown(html: str, odd: Odd) -> str:
    """HTML as markdown. Scripts, styles and images are dropped (images leave their alternative text)."""
    if len(html) > _MOST_HTML:
        odd("HTML cut off")
        html = html[:_MOST_HTML]
    if len(html) > LONGEST_HTML:
        odd("HTML too long for markdown")
        return _without_tags(html).text
    # Tags that are never closed in practice make the count too high, so only a suspicion is looked into.
    if len(_OPENING.findall(html)) - len(_VOID.findall(html)) > _DEEPEST_HTML and _depth(html) > _DEEPEST_HTML:
        odd("HTML nested too deep for markdown")
        return _without_tags(html).text
    try:
        return _converted(html)
    except (RecursionError, AssertionError, ValueError, LookupError, TypeError, AttributeError):
        odd("HTML that cannot be turned to markdown")
        return _without_tags(html).text


def _depth(html: str) -> int:
    parser = _without_tags(_VOID.sub(" ", html))
    return parser.deepest


def _converted(html: str) -> str:
    # Imported late: only HTML mail needs them.
    from bs4 import BeautifulSoup, Comment
    from markdownify import ATX, MarkdownConverter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        soup = BeautifulSoup(html, "html.parser")
    for tag in soup(_SILENT_TAGS):
        tag.decompose()
    for comment in soup.find_all(string=lambda string: isinstance(string, Comment)):
        comment.extract()
    for image in soup("img"):
        alternative = " ".join(str(image.get("alt") or "").split())
        image.replace_with(f"[image: {alternative}]" if alternative else "")
    for link in soup("a"):
        if str(link.get("href") or "").strip().lower().startswith(("javascript:", "data:", "vbscript:")):
            del link["href"]
    made: str = MarkdownConverter(heading_style=ATX, bullets="-", escape_misc=False).convert_soup(soup)
    return _BLANKS.sub("\n\n", made).strip()
