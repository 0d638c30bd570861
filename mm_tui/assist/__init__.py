"""AI21's Jamba models: the client, the tasks and their prompts."""
