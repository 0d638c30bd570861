"""What is in an email: digest, risk rules, links, senders, differences. Pure: no I/O."""
