"""Decodes Japanese text with the characters that vendors added to the standards, which Python's codecs do not know."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from mm_tui.sandbox.mail_in.charset_names import BAD_BYTES

_SWITCH = re.compile(rb"(\x1b(?:\$\([A-Z]|\$[@AB]|\([A-Z])|\r?\n)")
"""An escape that selects a character set, or the end of a line, after which each line begins with ASCII."""
_ASCII = (b"", b"(B", b"(H")
_OTHER_SETS = {b"(I": "cp932", b"$A": "gb2312", b"$(C": "euc_kr", b"$(Q": "euc_jis_2004", b"$(O": "euc_jis_2004"}
"""Codecs that hold the other sets in their upper half."""
_THIRD_SETS = {b"$(D": "euc_jp", b"$(P": "euc_jis_2004"}
"""Codecs that hold these sets behind the byte 0x8F."""


def selects_a_set(data: bytes) -> bool:
    """Whether the text has escapes of ISO-2022 that select Japanese characters."""
    return b"\x1b$" in data and _SWITCH.search(data.replace(b"\n", b"")) is not None


def iso_2022_jp(data: bytes, odd: Callable[[str], None]) -> str:
    """Decodes ISO-2022-JP with the sets used by mailers: JIS X 0208, 0212 and 0213, half-width kana, and others. `odd`:
    called with a description of bytes that are not part of it."""
    if not data.isascii():
        odd(BAD_BYTES)
    made: list[str] = []
    chosen = b""
    pieces = _SWITCH.split(data)
    for run, switch in zip(pieces[::2], (*pieces[1::2], b""), strict=True):
        made.append(_in_set(run, chosen, odd))
        if switch.startswith(b"\x1b"):
            chosen = switch[1:]
        elif switch:
            made.append("\n")
            chosen = b""
    return "".join(made)


def _in_set(run: bytes, chosen: bytes, odd: Callable[[str], None]) -> str:
    """Decodes characters of one set."""
    if chosen in _ASCII or not run:
        return run.decode("ascii" if run.isascii() else "cp932", "replace")
    if chosen == b"(J":
        return run.decode("ascii", "replace").replace("\\", "¥")
    if chosen in _THIRD_SETS:
        pairs = (run[at : at + 2] for at in range(0, len(run) - 1, 2))
        return b"".join(b"\x8f" + _upper(pair) for pair in pairs).decode(_THIRD_SETS[chosen], "replace")
    if chosen in _OTHER_SETS:
        return _upper(run).decode(_OTHER_SETS[chosen], "replace")
    return euc_jp(_upper(run), odd)


def _upper(run: bytes) -> bytes:
    """The characters as in EUC-JP, where they are in the upper half; blanks stay."""
    return bytes(byte | 0x80 if byte > 0x20 else byte for byte in run)


def euc_jp(data: bytes, odd: Callable[[str], None]) -> str:
    """Decodes EUC-JP with the vendors' characters. `odd` is called if there are other bytes."""
    text = data.decode("euc_jp", "vendors")
    if "\ufffd" in text:
        odd(BAD_BYTES)
    return text


def _vendors_character(error: UnicodeError) -> tuple[str, int]:
    """The character at a pair of bytes that JIS X 0208 leaves free: a vendor's, or one of JIS X 0213."""
    assert isinstance(error, UnicodeDecodeError)
    pair = error.object[error.start : error.start + 2]
    if len(pair) < 2 or min(pair) < 0xA1:
        return "\ufffd", error.start + 1
    if max(pair) < 0xFF:
        for data, name in ((_as_shift_jis(*pair), "cp932"), (pair, "euc_jis_2004")):
            try:
                return data.decode(name), error.start + 2
            except UnicodeDecodeError:
                continue
    return "\ufffd", error.start + 2


def _as_shift_jis(lead: int, trail: int) -> bytes:
    """The same place in Shift_JIS, whose codec has the vendors' characters."""
    row, cell = lead & 0x7F, trail & 0x7F
    first = ((row - 0x21) >> 1) + (0x81 if row < 0x5F else 0xC1)
    if row % 2:
        return bytes((first, cell + (0x1F if cell < 0x60 else 0x20)))
    return bytes((first, cell + 0x7E))


codecs.register_error("vendors", _vendors_character)
