"""Generated stubs of the wire contract, package creditgate.v1; `make protos` renews them."""
