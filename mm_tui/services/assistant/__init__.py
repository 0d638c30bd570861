"""What the models say of mail, and the drafts that they write."""
