"""Mail as its recipient reads it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_tui.review.render_writer import NO_TEXT
from mm_tui.review.rendered import MOST_CHARACTERS, Rendered, rendered
from mm_tui.text import ManyLine


def styled(made: Rendered, style: str) -> list[str]:
    """The stretches of a style."""
    return [made.text[one.start : one.end] for one in made.styles if one.style == style]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Some **bold** and *it*", "Some bold and it"),
        ("## Heading ##\nText", "Heading\nText"),
        ("Heading\n===\n\nText", "Heading\n\nText"),
        (r"2 \* 3 \_ 4 &amp; 5", "2 * 3 _ 4 & 5"),
        ("- one\n- two\n  - three", "• one\n• two\n  • three"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("1. one\n1. two\n1. three", "1. one\n2. two\n3. three"),
        ("1. one\n2. two\n4. four\n   more", "1. one\n2. two\n3. (written 4.) four\n   more"),
        ("> *quoted*\n> more\n\nanswer", "> quoted\n> more\n\nanswer"),
        ("a `co de` b", "a co de b"),
        ("```\nx = 1\n\ny = 2\n```", "  x = 1\n  \n  y = 2"),
        ("| a | b |\n|---|---|\n| long | c |", "a    │ b\nlong │ c"),
        (r"| a |" + "\n|---|\n" + r"| x \| y |", "a\nx | y"),
        ("one  \ntwo\nthree", "one\ntwo\nthree"),
        ("~~gone~~ ~~~x~~~", "gone ~x~"),
        ("[here](https://evil.example/login)", "here ‹evil.example›"),
        ("[https://bank.example](https://evil.example/)", "https://bank.example ‹evil.example›"),
        ("<https://a.example/b>", "https://a.example/b"),
        ("[ann](mailto:ann@a.example?subject=x)", "ann ‹ann@a.example›"),
        ("![our logo](https://t.example/pixel.png)", "[image: our logo ‹t.example›]"),
        ("![](https://t.example/pixel.png)", "[image: no description ‹t.example›]"),
        ("---", "─" * 24),
        ("Best,\nAnna", "Best,\nAnna"),
    ],
)
def test_markdown_is_shown_as_the_recipient_reads_it(source: str, text: str) -> None:
    assert rendered(source).text == text


@pytest.mark.parametrize(
    ("source", "hidden"),
    [
        ("Hi\n\n[ref]: https://evil.example/x 'title'\n\nBye", "[ref]: https://evil.example/x 'title'"),
        ("> Hi\n>\n> [ref]: https://evil.example/x", "[ref]: https://evil.example/x"),
        ("[](https://evil.example/)", NO_TEXT),
        ("[ ](https://evil.example/)", NO_TEXT),
        ("Hi <!-- pay 900 --> there", "<!-- pay 900 -->"),
        ("Hi <!-- never closed", "<!-- never closed"),
        ('<div style="display:none">secret</div>', '<div style="display:none">'),
        ("```do as I say\ncode\n```", "do as I say"),
        ("a&#8203;b", "&#8203;"),
        ("a&#x202e;b", "&#x202e;"),
        ('[text](https://a.example "only under the mouse")', " “only under the mouse”"),
    ],
)
def test_what_a_recipient_would_not_see_is_written_out_and_marked(source: str, hidden: str) -> None:
    assert hidden in styled(rendered(source), "hidden")


def test_tags_within_code_are_code() -> None:
    made = rendered("use `<b>` here")
    assert styled(made, "hidden") == [] and "<b>" in styled(made, "code")


def test_a_stretch_of_the_source_is_found_again() -> None:
    source = "> We **refund** you\n> $240\n\nas [agreed](https://a.example) | soon"
    made = rendered(source)
    for words in ("refund", "$240", "agreed", "soon"):
        at = source.index(words)
        (stretch,) = made.stretches(at, at + len(words))
        assert made.text[slice(*stretch)] == words
    whole = "**refund** you\n> $240"
    at = source.index(whole)
    assert [made.text[slice(*one)] for one in made.stretches(at, at + len(whole))] == ["refund you\n", "$240"] or [
        made.text[slice(*one)] for one in made.stretches(at, at + len(whole))
    ] == ["refund you", "$240"]


@pytest.mark.parametrize(
    ("source", "marked", "shown"),
    [
        ("Pay [here](https://evil.example/x) now", "https://evil.example/x", " ‹evil.example›"),
        ("**[here](https://evil.example/x)**", "evil.example", " ‹evil.example›"),
        ("[here](https://xn--bcher-kva.example/x)", "xn--bcher-kva.example", " ‹bücher.example›"),
        ("![logo](https://t.example/p.png) and", "https://t.example/p.png", " ‹t.example›]"),
        ("| a |\n|---|\n| [b](https://t.example) |", "https://t.example", " ‹t.example›"),
        ("> - [b](https://t.example)", "t.example", " ‹t.example›"),
    ],
)
def test_a_mark_on_a_link_target_is_on_the_host_that_is_shown_for_it(source: str, marked: str, shown: str) -> None:
    made = rendered(source)
    at = source.index(marked)
    assert [made.text[slice(*one)] for one in made.stretches(at, at + len(marked))] == [shown]


def test_marks_on_other_words_leave_a_target_alone() -> None:
    source = "Pay [here](https://a.example/x) now"
    made = rendered(source)
    for words in ("Pay", "here", "now"):
        at = source.index(words)
        assert [made.text[slice(*one)] for one in made.stretches(at, at + len(words))] == [words]


def test_a_very_long_text_is_shown_as_its_source() -> None:
    source = "*a* " * MOST_CHARACTERS
    made = rendered(source)
    assert made.text == source and made.stretches(4, 7) == [(4, 7)]


PIECES = st.sampled_from(
    ["*", "**", "_", "~~", "`", "```\n", "[", "](", ")", "!", "<", ">", "> ", "- ", "1. ", "# ", "| ", "|",
     "|---|---|\n",
     "\n", "\n\n", "\\", "&amp;", "&#8203;", "&#x202e;", "  \n", "\t", "    ", "<!--", "-->", "https://a.example/x",
     "[r]: http://b.example", "word", "zwei", "三", "🙂", "é", "e\u0301", "5 * 3", "===\n", "---\n", "'t'", '"t"', ":"]
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=30).map("".join))
def test_every_sign_is_shown_and_nothing_is_invented(raw: str) -> None:
    source = ManyLine(raw)
    made = rendered(source)
    assert ManyLine(made.text) == made.text
    if made.source is None:
        assert made.text == source
        return
    assert len(made.source) == len(made.text)
    for char, at in zip(made.text, made.source, strict=True):
        written = at < 0 or char == source[at] or char.isspace() or source[at] in "&\\\n"
        assert written, f"{char!r} stands for {source[at]!r}"
    # What no sign of the text stands for is a link's target, label or title, or the number of a list's item.
    shown = {at for at in made.source if at >= 0}
    left = "".join(" " if at in shown else char for at, char in enumerate(source))
    assert not re.findall("zwei|三|word", re.sub(r"[(<\['\"].*?[)>\]'\"]|https?:\S*", " ", left, flags=re.DOTALL))


@pytest.mark.parametrize("unit", ["\n", ">\n", " \n"])
def test_a_sign_repeated_takes_time_in_proportion_to_its_number(unit: str) -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        rendered((unit * size)[:size] + "a")
        return time.process_time() - start

    # Eight times the text. Quadratic behaviour would take 64 times as long.
    assert seconds(24_000) < 30 * max(min(seconds(3_000), seconds(3_000)), 0.001)
