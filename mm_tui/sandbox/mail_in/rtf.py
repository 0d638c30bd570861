"""Converts rich text (RTF), used by Outlook, to HTML or plain text; also in its compressed form (MS-OXRTFCP)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace

from mm_tui.sandbox.mail_in.charset_names import codec_of, codec_of_page

DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_WINDOW = 4096
_LONGEST = 20_000_000
"""The most bytes of rich text to decompress."""
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n\x00]+|([^\\{}\r\n\x00]+)|\\'?"
)
_SIGNS = {
    b"par": "\n", b"line": "\n", b"sect": "\n\n", b"page": "\n\n", b"row": "\n", b"cell": "\t", b"tab": "\t",
    b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
    b"rdblquote": "”", b"emspace": " ", b"enspace": " ",
}  # fmt: skip
_NO_TEXT = frozenset(
    b"fonttbl colortbl stylesheet info pict object header footer headerl headerr footerl footerr fldinst listtable"
    b" listoverridetable rsidtbl generator themedata datastore xmlnstbl mmathPr pntext filetbl revtbl".split()
)
_FONT_CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 255: "cp437",
}  # fmt: skip


def unpacked(data: bytes) -> bytes:
    """Decompresses rich text from .msg and winmail.dat; empty if it is in another format."""
    if data.startswith(b"{\\rtf"):
        return data
    if len(data) < 16:
        return b""
    _packed_size, size, kind, _checksum = struct.unpack_from("<IIII", data)
    if kind == 0x414C454D:
        return data[16 : 16 + size]
    return _decompressed(data[16:], min(size, _LONGEST)) if kind == 0x75465A4C else b""


def _decompressed(data: bytes, size: int) -> bytes:
    window = bytearray(DICTIONARY.ljust(_WINDOW, b" "))
    at_window = len(DICTIONARY)
    made = bytearray()
    at = 0
    while at < len(data) and len(made) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 2 > len(data):
                    return bytes(made)
                reference = int.from_bytes(data[at : at + 2])
                at += 2
                start = reference >> 4
                if start == at_window:
                    return bytes(made)
                run = [start + step for step in range((reference & 15) + 2)]
            elif at < len(data):
                window[at_window] = data[at]
                run = [at_window]
                at += 1
            else:
                return bytes(made)
            for place in run:
                byte = window[place % _WINDOW]
                made.append(byte)
                window[at_window] = byte
                at_window = (at_window + 1) % _WINDOW
    return bytes(made)


@dataclass(frozen=True, slots=True)
class _RtfGroup:
    """The state of a group in rich text."""

    silent: bool = False
    html_tag: bool = False
    not_html: bool = False
    fonts: bool = False
    charset: str = ""
    skip: int = 1
    """The number of fallback characters after a Unicode character."""


def text_of_rtf(data: bytes) -> tuple[str, bool]:
    """The text in decompressed rich text, and whether it is HTML, which Outlook wraps in rich text."""
    return _RtfReader(data).read()


class _RtfReader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._is_html = b"\\fromhtml" in data[:4000]
        page = re.search(rb"\\ansicpg(\d{1,5})", data[:2000])
        self._charset = codec_of_page(int(page[1])) if page else "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._made: list[str] = []
        self._held = b""
        self._held_charset = ""
        self._skipping = 0

    def read(self) -> tuple[str, bool]:
        state = _RtfGroup()
        outer: list[_RtfGroup] = []
        self._starred = False
        for match in _TOKEN.finditer(self._data):
            word, number, code, sign, brace, text = match.groups()
            if brace == b"{":
                outer.append(state)
            elif brace == b"}":
                self._skipping = 0
                state = outer.pop() if outer else state
            elif sign is not None:
                state = self._sign(sign, state)
            elif word is not None:
                state = self._word(word.lower(), int(number) if number else None, state)
            elif code is not None:
                self._bytes(bytes.fromhex(code.decode()), state)
            elif text is not None:
                self._bytes(text, state)
            if brace == b"{" or sign != b"*":
                self._starred = False
        self._flush()
        text = "".join(self._made).strip("\n\x00")
        # Rich text writes surrogate pairs as two characters.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), self._is_html

    def _sign(self, sign: bytes, state: _RtfGroup) -> _RtfGroup:
        if sign == b"*":
            self._starred = True
            return state
        shown = {b"~": "\xa0", b"_": "-", b"-": "", b"\n": "\n", b"\r": "\n"}.get(sign)
        if shown is None:
            self._bytes(sign, state)
        else:
            self._text(shown, state)
        return state

    def _word(self, word: bytes, number: int | None, state: _RtfGroup) -> _RtfGroup:
        if word == b"htmltag":
            return replace(state, html_tag=True, silent=False)
        if self._starred or word in _NO_TEXT:
            return replace(state, silent=True, fonts=state.fonts or word == b"fonttbl")
        if word == b"htmlrtf":
            return replace(state, not_html=number != 0)
        if word == b"uc":
            return replace(state, skip=number or 0)
        if word == b"u" and number is not None:
            self._unicode(number, state)
        elif word == b"f" and number is not None:
            self._font = number
            return replace(state, charset=self._fonts.get(number, ""))
        elif word == b"fcharset" and number is not None and state.fonts:
            self._fonts[self._font] = _FONT_CHARSETS.get(number, "")
        elif word == b"plain":
            return replace(state, charset="")
        elif word == b"bin" and number:
            self._skipping = 0
        elif word in _SIGNS:
            self._text(_SIGNS[word], state)
        return state

    def _unicode(self, number: int, state: _RtfGroup) -> None:
        if self._is_shown(state):
            self._flush()
            self._made.append(chr(number & 0xFFFF))
        self._skipping = state.skip

    def _is_shown(self, state: _RtfGroup) -> bool:
        if state.silent:
            return False
        return not self._is_html or state.html_tag or not state.not_html

    def _text(self, text: str, state: _RtfGroup) -> None:
        if self._is_shown(state):
            self._flush()
            self._made.append(text)

    def _bytes(self, data: bytes, state: _RtfGroup) -> None:
        if self._skipping:
            skipped = min(self._skipping, len(data))
            self._skipping -= skipped
            data = data[skipped:]
        if not data or not self._is_shown(state):
            return
        charset = state.charset or self._charset
        if charset != self._held_charset:
            self._flush()
        self._held, self._held_charset = self._held + data, charset

    def _flush(self) -> None:
        if self._held:
            self._made.append(self._held.decode(codec_of(self._held_charset) or "cp1252", "replace"))
        self._held = b""
