"""The creditgate core: decides, journals and recovers. Protobuf bytes in, protobuf bytes out."""

from creditgate.core._core import (
    METHODS,
    SLOW_METHODS,
    Core,
    StoreError,
    __version__,
    store_check,
    store_copy,
    store_upgrade,
)

__all__ = [
    "METHODS",
    "SLOW_METHODS",
    "Core",
    "StoreError",
    "__version__",
    "store_check",
    "store_copy",
    "store_upgrade",
]
