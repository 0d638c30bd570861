"""Imports real mail into the sandbox: finds it, parses it, and reports on it.

```
sources ─▶ mbox, outlook      files into raw emails
parse ─▶ headers, dates, ids  one raw mail into an `IncomingMail`
      └▶ parts ─▶ content, plain, html, rtf, winmail, notices, bounces ─▶ encoded_words, charsets, charset_guess
importer, report              all of it, and what was odd
```
"""
