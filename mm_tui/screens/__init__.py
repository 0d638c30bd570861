"""The main screens and the small modal dialogs."""
