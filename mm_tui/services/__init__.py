"""Use-cases. The only floor that joins the review core, the assistant, the store and the gateway."""
