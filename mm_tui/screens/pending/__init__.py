"""The queue of waiting emails: reading, editing, deciding.

The `screen` passes keys (`keys`) to its parts, which know it as their `host`. On the left is the `column`, with
`filtering`; beside it the `pane` with the email that `open_email` puts there: its `head`, its `pages` and `diff_pages`,
`findings` and `advice`, all in the `words` of this screen. `reading` reads the queue, `timers` keep times up to date.

What keys do: `deciding`, `batches` and `bulk_reject`; `editing`, which opens the `editor` (and `external_editor`), and
`saved_texts`; `second_reading`, `snoozing`, `team`.
"""
