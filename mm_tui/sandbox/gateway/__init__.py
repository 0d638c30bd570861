"""A gateway that speaks the MultiMail v1 API, on loopback."""
