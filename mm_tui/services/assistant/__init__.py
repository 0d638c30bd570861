"""The assistant: what the models say about mail, and the drafts that they write."""
