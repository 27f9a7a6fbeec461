"""What the two clients share: how a builder of calls becomes a method."""

import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import grpc

from creditgate.client._errors import CallError, details_in, error_from_status
from creditgate.client._options import ClientOptions
from creditgate.client._wire import Call, Lane

F = TypeVar("F", bound=Callable[..., object])


def dress(method: F, build: Callable[..., object], *leading: str, shape: Any = None) -> F:
    """Gives `method` the name, text and signature of `build`, after self and `leading`.

    The return type shown is the result's, or `shape` of it. Type checkers see the same through
    ParamSpec; this is for help() and for readers.
    """
    signature = inspect.signature(build)
    first = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in ("self", *leading)
    ]
    result = typing.get_args(signature.return_annotation)[-1]
    dressed: Any = method
    dressed.__name__ = build.__name__
    dressed.__qualname__ = build.__name__
    dressed.__doc__ = build.__doc__
    dressed.__signature__ = signature.replace(
        parameters=[*first, *signature.parameters.values()],
        return_annotation=shape[result] if shape else result,
    )
    return method


def budget_s(options: ClientOptions, call: Call[object]) -> float:
    """How long a call may take, its retries included."""
    if call.timeout_s is not None:
        return call.timeout_s
    if call.lane is Lane.DECISION:
        return options.decision_timeout_s
    return options.bulk_timeout_s


def call_error(
    code: grpc.StatusCode,
    details: str | None,
    trailing: Iterable[tuple[str, str | bytes]] | None,
    *,
    method: str,
    request_id: str = "",
) -> CallError:
    """The error for a call that ended with `code`."""
    error = error_from_status(code, details or "", details_in(trailing))
    error.method, error.request_id = method, request_id
    return error
