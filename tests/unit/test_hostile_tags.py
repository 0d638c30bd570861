"""Whatever others put into an email's tags is short, clean and in one line wherever it is shown."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from mm_tui.decision.relatives import relatives_in
from mm_tui.gateway import wire
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.services.presence.approvals import NO_APPROVER, Approvals, approvals_in
from mm_tui.services.presence.notes import assignment_in, note_in
from mm_tui.services.presence.tags import pair_words, presence_in
from mm_tui.services.redraft_tags import follows
from tests.support.cli import Home
from tests.support.sandbox import running_sandbox

LONGEST = 700
"""Characters of anything that a tag has shown: a note of the longest kind, with its author and date."""
DIGEST = "0" * 64
NAMES = (
    "review.claimed_by", "review.claimed_at", "review.claimed_until", "review.claim", "review.note", "review.note_by",
    "review.note_at", "review.assigned_to", "review.assigned_by", f"review.approved.{'a' * 16}", "review.replaces",
    "review.replaced_by", "review.edited_by", "review.follows", "review.written_by", "label",
)  # fmt: skip
HOSTILE = ("\x1b]0;owned\x07", "\x1b[2J", "\u202eevil", "\u200b", "\r\n\r\n", "[red]x[/red]", "\x00", "\U000e0041", " ")
DATES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9998-01-01T00:00:00+00:00", "2026-03-02T09:00:00Z")
VALUE = st.one_of(
    st.sampled_from(HOSTILE + DATES),
    st.text(max_size=40),
    st.builds(lambda text, times: text * times, st.sampled_from((*HOSTILE, "x", "é", "日")), st.integers(1, 9000)),
    st.builds(lambda at, by: f"{DIGEST} {at} {by}", st.sampled_from(DATES), st.sampled_from((*HOSTILE, "kim" * 90))),
    st.none() | st.booleans() | st.integers() | st.floats(),
    st.lists(st.text(max_size=5), max_size=3) | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
TAGS = st.one_of(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=20), VALUE, max_size=20), VALUE)


def is_clean(text: str) -> bool:
    """Nothing in it that a terminal would obey, or that hides or turns text around."""
    return not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text if char != "\u200d")


@given(TAGS)
@example({"review.claimed_by": " ", "review.claimed_until": DATES[2]})
def test_what_tags_say_is_short_clean_and_in_one_line(value: object) -> None:
    email_tags, now = wire.tags(value), datetime(2026, 3, 2, 9, tzinfo=UTC)
    note, assignment, presence = note_in(email_tags), assignment_in(email_tags), presence_in(email_tags, now)
    said = [*relatives_in(email_tags, "e"), follows(email_tags), pair_words(email_tags) or ""]
    said += [note.words, note.text] if note else []
    said += [assignment.words, assignment.to] if assignment else []
    said += [presence.words, presence.badge] if presence else []
    approvals = Approvals.of(approvals_in(email_tags, DIGEST), NO_APPROVER, needed=True)
    said += [approvals.words, approvals.badge]
    for text in said:
        assert len(text) <= LONGEST and is_clean(text), repr(text[:80])
    for name in (presence.by if presence else "x", assignment.to if assignment else "x", note.text if note else "x"):
        assert name.strip(), "somebody without a name"
    assert presence is None or presence.since is None or presence.since <= now


def test_ten_thousand_hostile_tags_do_not_swell_a_command(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        draft = sandbox.draft()
    many = {f"t{number}": "\x1b]0;owned\x07" for number in range(10_000)}
    known = dict.fromkeys(NAMES, "\x1b[2J\u202e" + "x" * 5000)

    def fill(state: SandboxState) -> None:
        # More than the gateway takes in one call.
        with state.write() as db:
            rows = [(draft, name, value) for name, value in (many | known).items()]
            db.executemany("INSERT INTO tags VALUES (?, ?, ?)", rows)

    home = Home(tmp_path)
    with running_sandbox(tmp_path, fill=fill) as sandbox:
        home.write_profile(sandbox.url, sandbox.keys, reviewer="rita")
        for arguments in (("pending", "show", draft), ("pending", "list"), ("audit", "list")):
            done = home.run(*arguments, status=0)
            assert "\x1b" not in done.out and "\u202e" not in done.out
            assert len(done.out) < 30_000, arguments
        noted = home.run("pending", "note", draft, "mine", "--replace")
        assert "\x1b" not in noted.out + noted.err and len(noted.out + noted.err) < 2000
