"""A stand-in for the model: plain rules behind an API that looks like AI21's."""
