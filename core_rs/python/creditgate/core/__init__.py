"""The creditgate core: decides, journals and recovers. Protobuf bytes in, protobuf bytes out."""

from creditgate.core._core import (
    METHOD_ROLES,
    METHODS,
    ROLES,
    SLOW_METHODS,
    Access,
    AccessError,
    Core,
    StoreError,
    __version__,
    store_check,
    store_copy,
    store_try_policy,
    store_upgrade,
)

__all__ = [
    "METHODS",
    "METHOD_ROLES",
    "ROLES",
    "SLOW_METHODS",
    "Access",
    "AccessError",
    "Core",
    "StoreError",
    "__version__",
    "store_check",
    "store_copy",
    "store_try_policy",
    "store_upgrade",
]
