"""Imports real mail into the sandbox: finds it, parses it, and reports on it.

```
sources ─▶ mbox, outlook      files into raw emails
parse ─▶ headers, dates       one raw mail into an `IncomingMail`
      └▶ parts ─▶ content, plain, html, rtf, tnef, notices, bounces ─▶ encoded_words, transfer
charsets ─▶ charset_names, charset_guess, japanese    bytes into text
importer                      all of it, and what was odd
```
"""


class MailImportError(Exception):
    """Nothing can be imported. The message says which path, and why."""
