"""The digest: everything that a human decides on changes it, and nothing else does."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import assume, given
from hypothesis import strategies as st

from mm_tui.models import EditedDraft, RawContent
from mm_tui.review.digest import digest_of, names, short
from mm_tui.review.draft import edited, fingerprint, starts_thread

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
RAW = st.builds(
    RawContent,
    sender=TEXT,
    to=st.lists(TEXT, max_size=3).map(tuple),
    cc=st.lists(TEXT, max_size=3).map(tuple),
    subject=TEXT,
    body=TEXT,
    attachments=st.lists(st.tuples(TEXT, st.integers(0, 2**40), TEXT), max_size=2).map(tuple),
)
PARTS = st.tuples(TEXT, TEXT, TEXT, RAW)


@given(PARTS, PARTS)
def test_two_mails_have_one_digest_only_if_they_are_equal(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (digest_of(*one) == digest_of(*other)) == (one == other)  # type: ignore[arg-type]  # drawn as its arguments


@given(RAW, st.data())
def test_any_changed_character_changes_it(raw: RawContent, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(["sender", "subject", "body"]))
    text = getattr(raw, field)
    assume(text)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec=None, exclude_categories=()).filter(lambda c: c != text[place]))
    changed = raw.replaced(**{field: text[:place] + other + text[place + 1 :]})
    assert digest_of("1", "2", "outbound", raw) != digest_of("1", "2", "outbound", changed)


def test_it_is_the_hash_of_the_documented_json() -> None:
    raw = RawContent(sender="a@x", to=("b@y",), cc=(), subject="S", body="é\n", attachments=(("n", 3, "t/t"),))
    written = (
        b'{"attachments":[{"content_type":"t/t","name":"n","size":3}],"body":"\\u00e9\\n","cc":[],'
        b'"direction":"outbound","from":"a@x","id":"1","mailbox_id":"2","subject":"S","to":["b@y"]}'
    )
    assert digest_of("1", "2", "outbound", raw) == sha256(written).hexdigest()


def test_a_human_names_a_digest_by_eight_digits_or_more() -> None:
    digest = digest_of("1", "2", "outbound", RawContent(sender=""))
    assert short(digest) == digest[:8]
    assert names(digest[:8], digest)
    assert names(digest.upper(), digest)
    assert not names(digest[:7], digest)
    assert not names("", digest)
    assert not names(digest[:8] + ("0" if digest[8] != "0" else "1"), digest)


@given(RAW)
def test_how_an_address_is_dressed_and_outer_white_space_are_no_other_mail(raw: RawContent) -> None:
    plain = raw.replaced(to=("anna@x.example",))
    dressed = plain.replaced(to=('"Anna, A." <Anna@X.example>',), body=f"\n{raw.body}\r\n", subject=f" {raw.subject} ")
    assert fingerprint(plain) == fingerprint(dressed)
    assert fingerprint(plain) != fingerprint(plain.replaced(to=("anna@y.example",)))


@given(RAW, st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_any_added_word_is_another_mail(raw: RawContent, added: str) -> None:
    signed = raw.replaced(body=f"{raw.body}x{added}x")
    assert fingerprint(raw) != fingerprint(signed)


def test_an_edit_keeps_what_it_does_not_speak_of() -> None:
    raw = RawContent(sender="us@x", to=("a@x",), cc=("c@x",), subject="Re: S", body="B", attachments=(("n", 1, "t"),))
    mine = edited(raw, EditedDraft(("d@x",), "T", "C"))
    assert (mine.sender, mine.cc, mine.attachments) == (raw.sender, raw.cc, raw.attachments)
    assert (mine.to, mine.subject, mine.body) == (("d@x",), "T", "C")


def test_a_reply_mark_does_not_start_a_thread_but_another_subject_or_recipient_does() -> None:
    raw = RawContent(sender="us@x", to=("Anna <a@x>",), subject="Re: Order")
    assert not starts_thread(raw, EditedDraft(("a@x",), "AW: Order", "new"))
    assert starts_thread(raw, EditedDraft(("a@x",), "Other", "new"))
    assert starts_thread(raw, EditedDraft(("a@x", "b@x"), "Re: Order", "new"))
