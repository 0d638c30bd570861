"""Converts HTML mail to Markdown, as its reader would see it; escapes only what would otherwise be markup."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable
from html import unescape
from html.entities import html5
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.element import PageElement
from bs4.exceptions import ParserRejectedMarkup
from markdownify import ATX, MarkdownConverter

from mm_tui.sandbox.mail_in.charsets import Odd, silent
from mm_tui.sandbox.mail_in.html_prepare import BLOCKS, holds, prepare
from mm_tui.sandbox.mail_in.html_tables import as_table, lay_out, rows_of

_PUNCTUATION = r"!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~"
_ADDRESS = r"(?:https?|ftp)://[^\s<>\"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_SPECIAL = re.compile(
    rf"(?P<address><(?:{_ADDRESS})>|{_ADDRESS})|\\(?=[{_PUNCTUATION}]|$)|`|&(?=#?\w{{1,31}};)|<(?=[A-Za-z/!?])|~~"
    r"|\[(?=[^\[\]\n]{0,500}\][(\[:])|[*_]"
)
_EMPHASIS = re.compile(r"[*_]")
_BEGINNING = re.compile(r"(\s*)(?:(?:#{1,6}|[-+])(?=\s|$)|>|[=-]{2,}(?=\s*$)|~{3})|(\s*\d{1,9})[.)](?=\s|$)")
LONGEST_HTML = 1_000_000
"""The most characters of HTML to convert; of longer ones only the tags are removed."""
_MOST_HTML = 2_000_000
"""The most characters of HTML to read with a parser."""
_MOST_TAGS = 20_000
"""The most tags to convert; of more, only the tags are removed."""
_MOST_OPEN = 1_000
"""The most elements without an end tag to convert: closing them takes time that grows with their square."""
_DEEPEST_HTML = 150
"""The deepest nesting for the converter, which is recursive."""
_LONGEST_LINK_TEXT = 200
_SHOWN_SCHEMES = ("http", "https", "ftp", "mailto", "tel")
_SILENT_TAGS = ("script", "style", "title", "template", "iframe")
_SILENT_TAG = re.compile(rf"<(/?)({'|'.join(_SILENT_TAGS)})\b", re.IGNORECASE)
_BLANKS = re.compile(r"\n[ \t\xa0]*\n(?:[ \t\xa0]*\n)+")
_BREAK_RUN = re.compile(r"(?<=\S)(?: {2}\n){2,}")
_BREAKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote", "hr"})
_VOID = re.compile(r"<(?:br|hr|img|input|meta|link|col|area|base|wbr|p|li|td|tr|th|option|dd|dt)\b", re.IGNORECASE)
_ENDED_BY_OTHERS = re.compile(r"<(?:p|li|td|tr|th|option|dd|dt)\b", re.IGNORECASE)
_ENDS = re.compile(r"</(?:p|li|td|tr|th|option|dd|dt)\b", re.IGNORECASE)
_OPENING = re.compile(r"<[a-z]", re.IGNORECASE)
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|re|e|ème|o|a|º|®|™|©|TM|SM)", re.IGNORECASE)
_STRANGE_SECTION = re.compile(r"<!\[(?!(?:if\b|else\b|endif\b)[^<>]*>|CDATA\[)", re.IGNORECASE)
_ENTITY = re.compile(r"&(\w{1,31};)", re.ASCII)
_BARE_LINK = re.compile(r"https?://[^\s<>()*_\[\]]+[\w/]")


def escaped(text: str, *, begins: bool = False) -> str:
    """Escapes text so that Markdown shows it unchanged. `begins`: on a new line, where more characters are special."""
    if begins and (match := _BEGINNING.match(text)):
        at = len(match[1] if match[1] is not None else match[2])
        # The character there is not escaped anywhere else.
        return _within(text[:at]) + "\\" + text[at] + _within(text[at + 1 :])
    return _within(text)


def _within(text: str) -> str:
    def sign(match: re.Match[str]) -> str:
        if match["address"]:
            start = match.start()
            return _EMPHASIS.sub(lambda one: _marked(text, start + one.start()), match[0])
        if match[0] in "*_":
            return _marked(text, match.start())
        return r"\~\~" if match[0] == "~~" else "\\" + match[0]

    return _SPECIAL.sub(sign, text)


def _marked(text: str, at: int) -> str:
    """The asterisk or underscore, escaped if it could open or close emphasis."""
    sign = text[at]
    before = text[:at].rstrip(sign)[-1:]
    after = text[at:].lstrip(sign)[:1]
    if sign == "_" and before.isalnum() and after.isalnum():
        return sign
    return sign if before.isspace() and after.isspace() else "\\" + sign


def html_to_markdown(html: str, odd: Odd) -> str:
    """HTML as Markdown: what a reader would see, without what is hidden; images leave their alternative text."""
    html = _with_ends(html)
    if len(html) > LONGEST_HTML or html.count("<") > _MOST_TAGS:
        odd("HTML too long for markdown")
        return without_tags(html)
    if "<" not in html:
        # Plain text declared as HTML: keep its lines.
        return unescape(html).strip()
    # Tags that are never closed inflate the count, so check only suspicious texts.
    voids = len(_VOID.findall(html))
    may_be_deep = len(_OPENING.findall(html)) - voids > _DEEPEST_HTML
    is_deep = may_be_deep and _parsed(_VOID.sub(" ", html)).deepest > _DEEPEST_HTML
    if is_deep or (voids > _MOST_OPEN and len(_ENDED_BY_OTHERS.findall(html)) - len(_ENDS.findall(html)) > _MOST_OPEN):
        odd("HTML nested too deep for markdown")
        return without_tags(html)
    # Other sections than these, and unclosed ones, make the parser fail.
    html = _ENTITY.sub(lambda match: match[0] if match[1] in html5 else f"&amp;{match[1]}", html)
    html = _STRANGE_SECTION.sub("&lt;![", html)
    try:
        return _converted(html, odd)
    except (RecursionError, ParserRejectedMarkup, AssertionError, ValueError, LookupError, TypeError, AttributeError):
        odd("HTML that cannot be turned to markdown")
        return without_tags(html)


def _with_ends(html: str) -> str:
    """The HTML, with what begins a comment or a tag that never ends as text: parsers take very long for many such."""
    at = html.rfind("-->") + 1
    html = html[:at] + html[at:].replace("<!--", "&lt;!--")
    at = html.rfind(">") + 1
    return html[:at] + html[at:].replace("<", "&lt;")


class _PlainText(HTMLParser):
    """The text of HTML without its tags, if it is too deep or too long to convert."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.made: list[str] = []
        self._silent = 0
        self._link = ""
        self.depth = 0
        self.deepest = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT_TAGS
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        if tag == "a":
            self._end_link()
            self._link = "".join((dict(attrs).get("href") or "").split())
        if tag in _BREAKS or tag in ("td", "th"):
            self.made.append("\n" if tag in _BREAKS else " ")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT_TAGS and self._silent > 0
        self.depth = max(0, self.depth - 1)
        if tag == "a":
            self._end_link()
        if tag in _BREAKS:
            self.made.append("\n")

    def _end_link(self) -> None:
        if urlsplit(self._link).scheme in _SHOWN_SCHEMES:
            self.made.append(f" <{self._link}> ")
        self._link = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.made.append(data)


def _parsed(html: str) -> _PlainText:
    parser = _PlainText()
    try:
        parser.feed(html)
        parser.close()
    except (AssertionError, ValueError):
        # The parser fails on some malformed declarations: keep what it has read so far, and the rest as plain text.
        parser.made.append(re.sub(r"<[^<>]{0,2000}>", " ", parser.rawdata))
    return parser


def without_tags(html: str) -> str:
    """The text of HTML, keeping only line breaks and where links lead."""
    text = "".join(_parsed(html[:_MOST_HTML]).made) + unescape(re.sub(r"<[^<>]*>", "\n", html[_MOST_HTML:]))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return _BLANKS.sub("\n\n", "\n".join(lines)).strip()


def _converted(html: str, odd: Odd) -> str:
    def tree() -> BeautifulSoup:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return BeautifulSoup(html, "html.parser")

    soup = tree()
    prepare(soup, odd)
    if not soup.get_text().strip() and soup.find("img") is None:
        soup = tree()
        prepare(soup, silent, keep_hidden=True)
        if soup.get_text().strip():
            odd("all of the text is hidden")
        elif sum(1 if not match[1] else -1 for match in _SILENT_TAG.finditer(html)) > 0:
            odd("text in an element that never ends")
            return without_tags(_SILENT_TAG.sub(r"<\1x-\2", html))
    lay_out(soup)
    made: str = _CONVERTER.convert_soup(soup)
    lines = [line.rstrip() if line.endswith("   ") else line for line in made.replace("\xa0", " ").split("\n")]
    return _BLANKS.sub("\n\n", _BREAK_RUN.sub("\n\n", "\n".join(lines))).strip()


_Conversion = Callable[[MarkdownConverter, Tag, str, set[str]], str]


def _emphasis(mark: str) -> _Conversion:
    """Emphasized text with valid Markdown marks: no space inside them, no punctuation next to a word."""

    def convert(_self: MarkdownConverter, el: Tag, text: str, parent_tags: set[str]) -> str:
        inner = text.strip()
        if not inner or "_noformat" in parent_tags:
            return text
        before, after = " " if text[:1].isspace() else "", " " if text[-1:].isspace() else ""
        if not after and str(el.next_sibling or "")[:1].isalnum():
            while len(inner) > 1 and unicodedata.category(inner[-1]).startswith("P") and inner[-2] != "\\":
                inner, after = inner[:-1], inner[-1] + after
        if not before and str(el.previous_sibling or "")[-1:].isalnum():
            while len(inner) > 1 and unicodedata.category(inner[0]).startswith("P") and inner[0] not in "\\[<":
                inner, before = inner[1:], before + inner[0]
        return f"{before}{mark}{inner}{mark}{after}"

    return convert


def _raised(mark: str) -> _Conversion:
    """Superscript and subscript: 10^6, H_2O; ordinals and trade marks unchanged."""

    def convert(_self: MarkdownConverter, _el: Tag, text: str, parent_tags: set[str]) -> str:
        inner = text.strip()
        if not inner or _ORDINAL.fullmatch(inner) or inner.startswith(("[", "<")):
            return text
        return f"{mark}{inner}" if re.fullmatch(r"[+−-]?\w+", inner) else f"{mark}({inner})"

    return convert


# Its types lack methods that are called here.
_Base: Any = MarkdownConverter


class _Converter(_Base):  # type: ignore[misc]
    """Markdownify's converter, with our own handling of text, links, images, tables, code and emphasis."""

    def process_text(self, el: PageElement, parent_tags: set[str] | None = None) -> str:
        self._begins = _begins_line(el)
        made: str = super().process_text(el, parent_tags)
        return made

    def escape(self, text: str, parent_tags: set[str]) -> str:
        return escaped(text, begins=self._begins)

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        href = _target(str(el.get("href") or ""))
        if not href or "_noformat" in parent_tags:
            return text
        name = " ".join(text.split())
        if holds(el, BLOCKS) and (len(name) > _LONGEST_LINK_TEXT or text.strip().count("\n\n") > 2):
            return f"\n\n{text.strip()}\n\n[{_link_name(el, href)}]({href})\n\n"
        if not name:
            name = _link_name(el, href)
        shown = name.replace("\\", "")
        if shown in (href, href.removeprefix("mailto:")):
            return shown if _BARE_LINK.fullmatch(shown) or "@" in shown else f"<{href}>"
        name = re.sub(r"^(?:#{1,6}|>|[-+*]) ", "", name)
        name = re.sub(r"(?<!\\)([\[\]])", r"\\\1", name) if name.count("[") != name.count("]") else name
        before = " " if text[:1].isspace() else ""
        after = " " if text[-1:].isspace() else ""
        block = "\n\n" if holds(el, BLOCKS) else ""
        return f"{block or before}[{name}]({href}){block or after}"

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        alternative = escaped(" ".join(str(el.get("alt") or "").split()))
        return f"[image: {alternative}]" if alternative and "a" not in parent_tags else alternative

    convert_b = convert_strong = _emphasis("**")
    convert_i = convert_em = _emphasis("*")
    convert_s = convert_del = convert_strike = _emphasis("~~")
    convert_sup = _raised("^")
    convert_sub = _raised("_")

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n- {text.strip()}\n"

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{text.strip()}\n\n"

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        inner = el.get_text().strip("\n")
        if not inner.strip():
            return ""
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", inner)), default=0))
        return f"\n\n{fence}\n{inner}\n{fence}\n\n"

    def convert_table(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        cells = rows_of(el)
        if not cells:
            return text
        caption = el.find("caption")
        title = " ".join(caption.get_text(" ").split()) if caption else ""
        headed = any(cells[0][end][1].name == "th" for end in (0, -1))
        made = as_table([{at: self._cell(cell) for at, cell in row} for row in cells], headed=headed)
        return f"\n\n{escaped(title)}\n\n{made}\n\n" if title else f"\n\n{made}\n\n"

    def _cell(self, cell: Tag) -> str:
        made = self.process_tag(cell, {"table", "tr", "_inline"})
        return re.sub(r"(?<!\\)\|", r"\\|", " ".join(made.split()))

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return text

    convert_th = convert_td
    convert_tr = convert_td
    convert_caption = convert_td

    def convert_option(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f" {text.strip()} "

    def convert_input(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        value = " ".join(str(el.get("value") or "").split())
        if not value or el.get("type") in ("checkbox", "radio", "image", "password", "range", "color"):
            return text
        return f"[{escaped(value)}]" if el.get("type") in ("submit", "button") else f" {escaped(value)} "

    convert_button = convert_option


_CONVERTER = _Converter(heading_style=ATX, bullets="-", escape_misc=False, wrap=True, wrap_width=None)


def _begins_line(node: PageElement) -> bool:
    """Whether a text node is at the beginning of a line in its block."""
    from bs4 import Tag

    at: PageElement | None = node
    while at is not None:
        before = at.previous_sibling
        while before is not None and not isinstance(before, Tag) and not str(before).strip():
            before = before.previous_sibling
        if before is not None:
            return isinstance(before, Tag) and (before.name in BLOCKS or before.name == "br")
        at = at.parent
        if at is None or at.name in BLOCKS or at.name in ("body", "html", "[document]"):
            return True
    return True


def _target(href: str) -> str:
    """A link's target for Markdown."""
    return href.replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")


def _link_name(link: Tag, href: str) -> str:
    """The name of a link without text: its title, its image's, or its target's."""
    for tag in (link, *link.find_all("img")):
        for attribute in ("title", "aria-label", "alt"):
            if name := " ".join(str(tag.get(attribute) or "").split()):
                return escaped(name)
    image = link.find("img", src=True)
    if image is not None:
        name = urlsplit(str(image["src"])).path.rpartition("/")[2].rpartition(".")[0]
        return f"image: {escaped(name)}" if name else "image"
    return escaped(urlsplit(href).hostname or href)
