"""What those share that receive signed records over HTTP, keep them, and send them on."""
