"""No word of a draft is lost in the rendered view: it can be seen there, or it is a target for which a host stands."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_tui.review.rendered import rendered
from mm_tui.text import ManyLine

_FORMS = (
    "{}", "{}", "**{}**", "*{}*", "__{}__", "_{}_", "~~{}~~", "`{}`", "``{} ` x``", "[{}](https://h.example/p)",
    "[{}][{}]", "[{}](<https://h.example/a b>)", '[{}](https://h.example "{}")', "![{}](https://h.example/i.png)",
    "[{}]", "[{}][]", "[![{}](https://h.example/i.png)](https://o.example)", "<!-- {} -->", "<b>{}</b>",
    '<span style="{}">{}</span>', "<https://h.example/{}>", "https://h.example/{}", "\\*{}\\*", "{}&nbsp;{}",
    "{}&#8203;{}", "{}&zwj;{}", "<!-- {}", "<{}>", "</{}>", "<{} {}>", "[{}]()", "[{}](#)",
    "[](https://h.example/{})", "![](https://{}.example)", "***{}***", "*{}**{}*", "**{}*", "`{}", "[{}](", "{}\\",
    "![{}][{}]", "<?{}?>", "<!{}>", "<![CDATA[{}]]>", "&{};", "{}  ", "<script>{}</script>", "<style>{}</style>",
    "<!--{}-->{}", "{}\t{}", "[^{}]", "[{}]: {}", "{}@h.example", "www.{}.example",
)  # fmt: skip
_BLOCKS = (
    "{}", "# {}", "## {} ##", "#{}", "{}\n===", "{}\n---", "- {}", "* {}\n\n  {}", "1. {}\n2. {}", "7) {}", "> {}",
    "> {}\n{}", "> > {}", "- > {}", "> - {}", "- {}\n  - {}\n    - {}", "```\n{}\n```", "```{} {}\n{}\n```",
    "~~~\n{}", "    {}", "\t{}", "| {} | {} |\n|---|---|\n| {} | {} |", "| {} |\n|---|\n| {} | {} | {} |",
    "| {} | {} |\n|:-:|\n| {} |", "{} | {}\n--|--\n{} | {}", "[{}]: https://h.example/x",
    '[{}]: https://h.example/x "{}"', "[{}]:\n  https://h.example/x\n  '{}'", "<div>\n{}\n</div>", "<!--\n{}\n-->",
    "<details><summary>{}</summary>\n\n{}\n\n</details>", "<table><tr><td>{}</td></tr></table>", "***\n{}",
    "- [ ] {}\n- [x] {}", "{}\n: {}", "[^{}]: {}", "<pre>\n{}\n</pre>", "<style>\n{}\n</style>", "- {}\n\n\n- {}",
    "$${}$$", "| {} \\| {} |\n|---|\n| {} |", "> | {} |\n> |---|\n> | {} |", "- | {} |\n  |---|\n  | {} |",
    "> ```\n> {}\n{}", "1. {}\n   ```\n   {}\n   ```",
)  # fmt: skip


def _numbered() -> Iterator[str]:
    for number in itertools.count():
        yield f"w{number:04d}x"


def _filled(form: str, words: Iterator[str]) -> str:
    return re.sub(r"\{\}", lambda _one: next(words), form)


def draft(dice: random.Random) -> str:
    """Markdown with words of which each is there once."""
    words = _numbered()
    made = []
    for _block in range(dice.randint(1, 8)):
        block = dice.choice(_BLOCKS)
        inner = re.sub(r"\{\}", lambda _one: " ".join(dice.choice(_FORMS) for _ in range(dice.randint(1, 3))), block)
        if dice.random() < 0.3:
            prefix = dice.choice(("> ", "- ", "  ", "> > ", "1. "))
            rest = " " * len(prefix) if prefix.strip() != ">" else prefix
            inner = "\n".join((prefix if not at else rest) + line for at, line in enumerate(inner.split("\n")))
        made.append(_filled(inner, words))
    return ManyLine(dice.choice(("\n\n", "\n")).join(made))


@pytest.mark.parametrize("seed", range(30))
def test_every_word_is_visible_or_represented_by_a_host(seed: int) -> None:
    dice = random.Random(seed)
    for _round in range(40):
        source = draft(dice)
        made = rendered(source)
        for match in re.finditer(r"w\d{4}x", source):
            if match[0] in made.text:
                continue
            stands = [
                one for one in made.replaced if one.source_start <= match.start() and match.end() <= one.source_end
            ]
            assert stands, (match[0], source, made.text)
            # What stands for it can be seen.
            assert all(made.text[one.start : one.end].strip() for one in stands)


_PIECES = st.sampled_from([*_FORMS, *_BLOCKS, "\n", "\n\n", "> ", "- ", "  ", " "])


@settings(max_examples=300)
@given(st.lists(_PIECES, max_size=12))
def test_no_letter_vanishes(pieces: list[str]) -> None:
    source = ManyLine(_filled("".join(pieces), _numbered()))
    made = rendered(source)
    if made.source is None:
        assert made.text == source
        return
    shown = {at for at in made.source if at >= 0}
    for one in made.replaced:
        shown.update(range(one.source_start, one.source_end))
    gone = "".join(char if at not in shown else " " for at, char in enumerate(source))
    # Numbers of lists and entities are written as what they mean.
    gone = re.sub(r"&[#\w]+;?", " ", re.sub(r"(?m)^[\s>*+-]*(?:\d{1,9}[.)][\s>*+-]*)+", " ", gone))
    assert not re.search(r"[^\W_]", gone), (gone, source, made.text)
