"""Use cases. The only layer that joins the review core, the assistant, the store and the gateway."""
