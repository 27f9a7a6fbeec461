"""The signature of a delivery: `Creditgate-Signature: t=UNIX_SECONDS,v1=HEX`.

The hexadecimal digits are HMAC-SHA256 over `t`, a dot and the body, byte for byte, as the common
gateways have it (https://docs.stripe.com/webhooks#verify-manually). A header may have several `v1`,
one for each secret that is in use while secrets change; parts with other names are passed over.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from creditgate.loaders.errors import RowError

HEADER: Final = "Creditgate-Signature"
DIGESTS_MAX: Final = 8
_SHOWN_MAX: Final = 200
_TIME: Final = re.compile(r"[0-9]{1,12}")


def digest(secret: str, time_s: int, body: bytes) -> str:
    """The hexadecimal digits of `v1`."""
    signed = str(time_s).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def header(secret: str, time_s: int, body: bytes) -> str:
    """The whole header, as a gateway sends it."""
    return f"t={time_s},v1={digest(secret, time_s, body)}"


def verify(
    value: str | None, body: bytes, secrets: Sequence[str], *, now_s: float, window_s: float
) -> None:
    """Raises RowError unless one of the secrets signed the body within the window about now: an
    older delivery may be one that somebody recorded and sends again, a later one was never sent."""
    if value is None:
        raise _refusal("", "SIGNATURE_MISSING", "must be given")
    times, digests = _parts(value)
    rule = f"must be t=UNIX_SECONDS,v1=HEX with one t and 1 to {DIGESTS_MAX} v1"
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not 0 < len(digests) <= DIGESTS_MAX:
        raise _refusal(value, "SIGNATURE_MALFORMED", rule)
    time_s = int(times[0])
    # Each is compared, whatever the first ones gave: how long it takes tells nothing.
    matches = [
        hmac.compare_digest(
            digest(secret, time_s, body).encode(), given.encode(errors="surrogateescape")
        )
        for secret in secrets
        for given in digests
    ]
    if not any(matches):
        raise _refusal(value, "SIGNATURE_WRONG", "must be made of this body with a known secret")
    if abs(now_s - time_s) > window_s:
        rule = f"t must be within {window_s:g} s of now, which is {now_s:.0f}"
        raise _refusal(value, "SIGNATURE_STALE", rule)


def _parts(value: str) -> tuple[list[str], list[str]]:
    found: dict[str, list[str]] = {"t": [], "v1": []}
    for part in value.split(","):
        name, _, content = part.strip().partition("=")
        if name in found:
            found[name].append(content)
    return found["t"], found["v1"]


def _refusal(value: str, reason: str, rule: str) -> RowError:
    # Bytes that are not UTF-8 are shown escaped.
    shown = value[:_SHOWN_MAX].encode(errors="backslashreplace").decode()
    return RowError(HEADER, shown, reason, f"{HEADER} {shown!r}: {rule}")
