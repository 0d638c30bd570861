"""The headless agent: polls or receives webhooks, then classifies, tags, summarizes, extracts, and submits drafts for
approval."""
