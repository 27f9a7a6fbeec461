"""The creditgate core: decides, journals and recovers. Protobuf bytes in, protobuf bytes out."""

from creditgate.core._core import (
    BULK_METHODS,
    METHODS,
    Core,
    StoreError,
    __version__,
    store_check,
    store_copy,
    store_upgrade,
)

__all__ = [
    "BULK_METHODS",
    "METHODS",
    "Core",
    "StoreError",
    "__version__",
    "store_check",
    "store_copy",
    "store_upgrade",
]
