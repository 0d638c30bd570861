"""The risk rules for drafts.

Pure: no clock, no network, no files. `engine.assess` runs every rule of `RULES` on a draft and its context. A rule
states facts about the text; it never decides. docs/risk.md describes each rule; a test compares the two.
"""
