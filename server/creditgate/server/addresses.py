"""Addresses to listen on."""

import ipaddress


def split_address(address: str) -> tuple[str, int]:
    """`HOST:PORT` as host and port; `localhost` is 127.0.0.1, an IPv6 host is in brackets.

    Raises ValueError, whose message is the rule.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError("must be HOST:PORT with a port from 0 to 65535")
    if host == "localhost":
        host = "127.0.0.1"
    elif host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(
            "the host must be localhost or an IP address such as 127.0.0.1, 0.0.0.0 or [::]"
        ) from None
    return host, int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `HOST:PORT`."""
    return ipaddress.ip_address(split_address(address)[0]).is_loopback


def join_address(host: str, port: int) -> str:
    """The opposite of `split_address`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
