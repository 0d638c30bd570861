"""Real mail into the sandbox: where it is stored, how it is taken apart, and what became of it.

```
sources ─▶ mbox, outlook      files into raw emails
parse ─▶ headers, dates, ids  one raw mail into an `IncomingMail`
      └▶ parts ─▶ content, plain, html, rtf, winmail, notices, bounces ─▶ encoded_words, charsets, charset_guess
importer, report              all of it, and what was odd
```
"""
