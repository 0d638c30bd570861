"""Opens an email's winmail.dat, with the text and files that Outlook put into it."""

from __future__ import annotations

from mm_tui.sandbox.gateway.mail import MailAttachment
from mm_tui.sandbox.mail_in import notices
from mm_tui.sandbox.mail_in.charsets import Odd
from mm_tui.sandbox.mail_in.content import Content, is_readable, shortened_name
from mm_tui.sandbox.mail_in.html import html_to_markdown
from mm_tui.sandbox.mail_in.plain import without_tabs
from mm_tui.sandbox.mail_in.tnef import WrappedMail, read_tnef

_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")


def _is_winmail(file: MailAttachment) -> bool:
    return file.content_type in _TNEF or file.name.lower() == "winmail.dat"


def open_winmail(content: Content, odd: Odd) -> None:
    """Adds the files of a winmail.dat, and its text if the email has no other."""
    for winmail in [file for file in content.files if _is_winmail(file)]:
        found = read_tnef(winmail.data)
        texts = [] if found is None else _texts_of(found, odd)
        content.files += [] if found is None else _files_of(found)
        if content.texts or content.notes:
            continue
        if texts:
            content.texts = texts
        else:
            content.notes = [notices.WINMAIL if found is None or not found.files else notices.WINMAIL_FILES]


def _texts_of(mail: WrappedMail, odd: Odd) -> list[str]:
    text = html_to_markdown(mail.text, odd) if mail.is_html else without_tabs(mail.text.replace("\r\n", "\n"))
    made = [text.strip("\n")] if is_readable(text) else []
    for file in mail.files:
        if file.mail is not None and (inner := _texts_of(file.mail, odd)):
            made.append("\n\n".join([f"{notices.FORWARDED}\nSubject: {file.mail.subject or file.name}", *inner]))
    return made


def _files_of(mail: WrappedMail) -> list[MailAttachment]:
    made = []
    for number, file in enumerate(mail.files, 1):
        if file.mail is None:
            made.append(MailAttachment(shortened_name(file.name) or f"file-{number}.bin", file.content_type, file.data))
        else:
            made += _files_of(file.mail)
    return made
