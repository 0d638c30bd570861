"""The headless worker: poll or webhook, then classify, tag, summarise, extract and draft through the gate."""
