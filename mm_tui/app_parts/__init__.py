"""Parts of the app that belong to no screen: leaving, switching, and what is reported on any screen."""
