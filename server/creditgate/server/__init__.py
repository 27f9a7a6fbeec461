"""The creditgate server: grpc.aio before the core."""
