"""The MultiMail gateway, v1, as a client sees it."""
