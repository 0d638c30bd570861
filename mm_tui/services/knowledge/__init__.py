"""What drafts and rules may know: correspondents, what the company says about itself, and what humans changed."""
