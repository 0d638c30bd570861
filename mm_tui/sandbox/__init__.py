"""A MultiMail-compatible gateway and an AI21-compatible endpoint on loopback, with sample mail."""
