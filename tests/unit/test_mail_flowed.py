"""Text in format=flowed comes back as it was before it was wrapped, with its quote levels."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from mm_tui.sandbox.mail_in.parse import parse_mail

WORDS = st.sampled_from(["Lamp", "größer", "日本語", "two", "a", "https://x.example/a_b", "From", "€ 9", "x>y"])
PARAGRAPHS = st.lists(
    st.tuples(st.integers(0, 3), st.lists(WORDS, min_size=1, max_size=12).map(" ".join)), min_size=1, max_size=8
)


def wrapped(depth: int, text: str, width: int, *, delete_space: bool) -> list[str]:
    """A paragraph as a mailer sends it: soft breaks end in a space, and what could be mistaken is stuffed."""
    pieces = [text[at : at + width] for at in range(0, len(text), width)] if delete_space else _by_words(text, width)
    ends = [" " if delete_space else ""] * (len(pieces) - 1) + [""]
    marks = ">" * depth
    return [
        f"{marks} {piece}{end}" if depth else _stuffed(piece + end) for piece, end in zip(pieces, ends, strict=True)
    ]


def _by_words(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += word + " "
    lines[-1] = lines[-1][:-1]
    return lines


def _stuffed(line: str) -> str:
    return f" {line}" if line.startswith((" ", ">", "From ")) else line


@given(PARAGRAPHS, st.integers(6, 40), st.booleans(), st.sampled_from(["base64", "8bit"]))
def test_what_was_wrapped_is_whole_again(
    paragraphs: list[tuple[int, str]], width: int, delete_space: bool, encoding: str
) -> None:
    lines = [line for depth, text in paragraphs for line in wrapped(depth, text, width, delete_space=delete_space)]
    body = "\r\n".join(lines).encode()
    if encoding == "base64":
        body = base64.encodebytes(body)
    kind = f"text/plain; charset=utf-8; Format=Flowed; DelSp={'Yes' if delete_space else 'no'}"
    head = f"From: a@x.example\nContent-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n"
    read = parse_mail(head.encode() + body, lambda _what: None).body
    assert read == "\n".join(f"{'>' * depth} {text}" if depth else text for depth, text in paragraphs)
