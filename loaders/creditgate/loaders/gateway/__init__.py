"""Payment events that a gateway delivers over HTTP: received, kept, and posted as entries."""
