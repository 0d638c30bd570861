"""A writer of winmail.dat files (TNEF), of Outlook's packed rich text, and of rich text around HTML."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from mm_tui.sandbox.mail_in.rtf import DICTIONARY


def packed(rich: bytes) -> bytes:
    """Rich text as Outlook packs it, with references to what came before."""
    window = bytearray(DICTIONARY)
    made = bytearray()
    at = 0
    while True:
        control, run = 0, bytearray()
        for bit in range(8):
            if at >= len(rich):
                # A reference to the place that is written next is the end.
                run += struct.pack(">H", len(window) % 4096 << 4)
                control |= 1 << bit
                return _wrapped(bytes(made) + bytes([control]) + bytes(run), len(rich))
            size = next((n for n in range(17, 1, -1) if at + n <= len(rich) and rich[at : at + n] in window), 0)
            if size and len(window) < 4000:
                run += struct.pack(">H", window.index(rich[at : at + size]) << 4 | size - 2)
                control |= 1 << bit
            else:
                size = 1
                run.append(rich[at])
            window += rich[at : at + size]
            at += size
        made += bytes([control]) + run


def _wrapped(data: bytes, size: int) -> bytes:
    return struct.pack("<IIII", len(data) + 12, size, 0x75465A4C, 0) + data


def rich_html(html: str) -> bytes:
    """HTML in rich text, as Outlook keeps it."""
    escaped = "".join(
        f"\\'{byte:02x}" if byte in b"\\{}" or byte > 126 else chr(byte) for byte in html.encode("cp1252")
    )
    head = r"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}{\*\generator made up;}"
    return (head + r"{\*\htmltag19 " + escaped + r"}\htmlrtf not shown\htmlrtf0 }").encode("ascii")


def winmail(
    *,
    text: str = "",
    properties: Sequence[tuple[int, int, bytes]] = (),
    files: Sequence[tuple[str, bytes]] = (),
    wrapped: Sequence[tuple[str, bytes]] = (),
) -> bytes:
    """A winmail.dat.

    Args:
        text: plain text, in Windows' code page.
        properties: type, number and value of each property of the email.
        files: name and bytes of each file.
        wrapped: title and winmail.dat of each email within the email.
    """
    made = struct.pack("<IH", 0x223E9F78, 1)
    made += _attribute(1, 0x9007, struct.pack("<II", 1252, 0))
    if text:
        made += _attribute(1, 0x800C, text.encode("cp1252") + b"\0")
    if properties:
        made += _attribute(1, 0x9003, _properties(properties))
    for name, data in files:
        made += _attribute(2, 0x9002, bytes(14)) + _attribute(2, 0x8010, b"SHORT~1.DAT\0") + _attribute(2, 0x800F, data)
        made += _attribute(2, 0x9005, _properties([(0x1F, 0x3707, name.encode("utf-16-le") + b"\0\0")]))
    for name, data in wrapped:
        made += _attribute(2, 0x9002, bytes(14)) + _attribute(2, 0x8010, name.encode("cp1252") + b"\0")
        made += _attribute(2, 0x9005, _properties([(0x0D, 0x3701, bytes(16) + data)]))
    return made


def _attribute(level: int, name: int, data: bytes) -> bytes:
    return struct.pack("<BHHI", level, name, 6, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def _properties(values: Sequence[tuple[int, int, bytes]]) -> bytes:
    made = struct.pack("<I", len(values) + 2)
    # A number, and a property with a name, as there always are some.
    made += struct.pack("<HHI", 3, 0x0017, 1)
    made += struct.pack("<HH", 3, 0x8001) + bytes(16) + struct.pack("<II", 1, 6) + "ab\0".encode("utf-16-le") + b"\0\0"
    made += struct.pack("<I", 7)
    for kind, number, value in values:
        made += struct.pack("<HHII", kind, number, 1, len(value)) + value + bytes(-len(value) % 4)
    return made
