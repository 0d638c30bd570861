"""Replies that are being written."""

from __future__ import annotations

from mm_tui.services.saved_texts.edits import Edits
from mm_tui.services.saved_texts.left_behind import saved_words
from mm_tui.services.saved_texts.replies import Replies
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine
from tests.support.seat import NOW, summary


def test_a_copy_of_a_reply_to_a_reply_has_one_prefix(database: Database) -> None:
    mail = MailStore(database)
    answered = summary(1, subject=OneLine("AW: Re: Order 4471"))
    mail.upsert([answered])
    row, edits = mail.row(answered.id), Edits(database)
    assert row is not None
    Replies(database, edits).save_beside(row, "Hi Anna", NOW)
    assert [left.text.subject for left in edits.left_over()] == ["Re: Order 4471"]


def test_leaving_counts_every_saved_text_by_its_kind(database: Database) -> None:
    mail = MailStore(database)
    mail.upsert([summary(1), summary(2)])
    edits = Edits(database)
    replies = Replies(database, edits)
    assert saved_words(edits) == []
    for answered in (summary(1), summary(2)):
        row = mail.row(answered.id)
        assert row is not None
        replies.save(row, "Hi Anna", NOW, over="")
    assert saved_words(edits) == ["2 replies are saved; each is offered when you answer its email again"]
    assert row is not None
    replies.save_beside(row, "Hello Anna", NOW)
    assert saved_words(edits)[1:] == ["1 other text is saved; it is offered among the saved texts of the queue"]
