"""Deciding about waiting emails: the procedure with the gateway, the store and the clock.

What may be done, before anything begins: `approval_gate`, `marks`, `reasons`, `bulk` (rejects what a filter selects).
`service` is what screens and commands call. A `request` is checked and begun (`beginning`) in the store (`log`,
`family`). Then the `driver` takes each event to `mm_tui.decision`, has the new state written (`journaling`) and what
follows performed (`performing`, `calls`, `remote_state`). A decision is a `record`; those of this run are in `active`.

What is shown: `overview` and `view` (one decision), `outcomes` (in a line), `listing` and `ended` (in the queue). What
comes later: `after`, `redrafts`, `remembered`.
"""
