"""The client for threads."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeAlias, TypeVar, cast

import grpc

from creditgate.client import (
    _account,
    _adjustments,
    _approval,
    _audit,
    _clock,
    _conditions,
    _decision,
    _ledger,
    _limits,
    _policy,
    _rates,
    _terms,
)
from creditgate.client._bind import budget_s, call_error, dress
from creditgate.client._channel import CallMetadata, open_channel
from creditgate.client._errors import CallError, ClientClosedError
from creditgate.client._options import ADDRESS_DEFAULT, ClientOptions
from creditgate.client._retry import Attempts
from creditgate.client._wire import Call, Listing, Upload, Watch

P = ParamSpec("P")
T = TypeVar("T")
B = TypeVar("B")
_Stream: TypeAlias = Generator[T, None, None]

if TYPE_CHECKING:  # generic for type checkers only
    _Unary = grpc.UnaryUnaryMultiCallable[bytes, bytes]
    _Watch = grpc.UnaryStreamMultiCallable[bytes, bytes]
    _Upload = grpc.StreamStreamMultiCallable[bytes, bytes]


def _unary(build: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._send(build(*args, **kwargs))

    return dress(method, build)


def _listing(
    build: Callable[P, Listing[T]],
) -> Callable[Concatenate["Client", P], _Stream[T]]:
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> _Stream[T]:
        return self._pages(build(*args, **kwargs))

    return dress(method, build, shape=Iterator)


def _watch(
    build: Callable[P, Watch[T]],
) -> Callable[Concatenate["Client", P], _Stream[T]]:
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> _Stream[T]:
        return self._receive(build(*args, **kwargs))

    return dress(method, build, shape=Iterator)


def _upload(
    build: Callable[P, Upload[B, T]],
) -> Callable[Concatenate["Client", Iterable[B], P], _Stream[T]]:
    def method(
        self: "Client", batches: Iterable[B], /, *args: P.args, **kwargs: P.kwargs
    ) -> _Stream[T]:
        return self._exchange(build(*args, **kwargs), batches)

    return dress(method, build, "batches", shape=Iterator)


class Client:
    """A connection to one server, for use by any number of threads.

    `with Client("127.0.0.1:50051") as client: ...`, or call `close()`. Every method raises
    `CallError` as one of its subclasses; see the tree in `creditgate.client`. Methods that list or
    watch return iterators and connect when these are first asked.
    """

    def __init__(
        self, address: str = ADDRESS_DEFAULT, options: ClientOptions | None = None
    ) -> None:
        self.address = address
        self.options = options or ClientOptions()
        self._metadata = CallMetadata(address, self.options)
        self._channel = open_channel(address, self.options)
        self._closed = False

    def close(self) -> None:
        """Ends the connection and all that is under way on it. Idempotent."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # From one table of builders, so that this client and AsyncClient cannot drift apart.
    check_and_reserve = _unary(_decision.check_and_reserve)
    check = _unary(_decision.check)
    adjust = _unary(_decision.adjust)
    capture = _unary(_decision.capture)
    release = _unary(_decision.release)
    batch_check_and_reserve = _unary(_decision.batch_check_and_reserve)
    stream_check_and_reserve = _upload(_decision.stream_check_and_reserve)
    confirm = _unary(_decision.confirm)
    get_decision = _unary(_decision.get_decision)
    watch_reservation = _watch(_decision.watch_reservation)
    get_reservation = _unary(_decision.get_reservation)
    list_reservations = _listing(_decision.list_reservations)

    upsert_accounts = _unary(_account.upsert_accounts)
    upsert_segments = _unary(_account.upsert_segments)
    get_account = _unary(_account.get_account)
    list_accounts = _listing(_account.list_accounts)
    list_segments = _listing(_account.list_segments)
    get_position = _unary(_account.get_position)
    watch_positions = _watch(_account.watch_positions)
    suspend_account = _unary(_account.suspend_account)
    reinstate_account = _unary(_account.reinstate_account)
    close_account = _unary(_account.close_account)

    place_hold = _unary(_conditions.place_hold)
    lift_hold = _unary(_conditions.lift_hold)
    set_temporary_limit = _unary(_conditions.set_temporary_limit)
    remove_temporary_limit = _unary(_conditions.remove_temporary_limit)
    set_rolling_limit = _unary(_conditions.set_rolling_limit)
    remove_rolling_limit = _unary(_conditions.remove_rolling_limit)
    record_verifications = _unary(_limits.record_verifications)
    propose_limit = _unary(_limits.propose_limit)
    approve_proposal = _unary(_limits.approve_proposal)
    reject_proposal = _unary(_limits.reject_proposal)
    list_proposals = _listing(_limits.list_proposals)
    upsert_terms = _unary(_terms.upsert_terms)
    upsert_calendars = _unary(_terms.upsert_calendars)
    assign_terms = _unary(_terms.assign_terms)
    list_terms = _listing(_terms.list_terms)
    list_calendars = _listing(_terms.list_calendars)
    list_terms_assignments = _listing(_terms.list_terms_assignments)
    get_terms_of = _unary(_terms.get_terms_of)
    quote_terms = _unary(_terms.quote_terms)
    upsert_rates = _unary(_rates.upsert_rates)
    list_rates = _listing(_rates.list_rates)
    revalue_reservations = _unary(_rates.revalue_reservations)

    list_cases = _listing(_approval.list_cases)
    get_case = _unary(_approval.get_case)
    claim_case = _unary(_approval.claim_case)
    approve_case = _unary(_approval.approve_case)
    reject_case = _unary(_approval.reject_case)
    escalate_case = _unary(_approval.escalate_case)
    comment_on_case = _unary(_approval.comment_on_case)
    delegate = _unary(_approval.delegate)
    list_delegations = _unary(_approval.list_delegations)

    post_entries = _unary(_ledger.post_entries)
    stream_entries = _upload(_ledger.stream_entries)
    list_sources = _listing(_ledger.list_sources)
    move_source = _unary(_ledger.move_source)
    record_reconciliation = _unary(_ledger.record_reconciliation)
    list_open_items = _listing(_ledger.list_open_items)
    propose_adjustments = _unary(_adjustments.propose_adjustments)
    approve_adjustments = _unary(_adjustments.approve_adjustments)
    reject_adjustments = _unary(_adjustments.reject_adjustments)
    list_adjustments = _listing(_adjustments.list_adjustments)

    list_changes = _listing(_audit.list_changes)
    stream_changes = _watch(_audit.stream_changes)
    get_checkpoint = _unary(_audit.get_checkpoint)
    erase_texts = _unary(_audit.erase_texts)

    check_policy = _unary(_policy.check_policy)
    put_policy = _unary(_policy.put_policy)
    activate_policy = _unary(_policy.activate_policy)
    shadow_policy = _unary(_policy.shadow_policy)
    get_shadow = _unary(_policy.get_shadow)
    get_policy = _unary(_policy.get_policy)
    list_policies = _listing(_policy.list_policies)

    get_time = _unary(_clock.get_time)
    set_time = _unary(_clock.set_time)

    def _send(self, call: Call[T]) -> T:
        send: _Unary = self._open_channel().unary_unary(call.method)
        attempts = Attempts(self.options.retry, budget_s(self.options, call))
        while True:
            try:
                data = send(
                    call.request,
                    timeout=attempts.next_timeout_s(),
                    metadata=self._metadata.current(),
                )
            except grpc.RpcError as raised:
                error = _error(raised, call.method, call.request_id)
                delay_s = attempts.delay_after(error)
                if delay_s is None:
                    raise error from raised
            else:
                return call.parse(data)
            time.sleep(delay_s)
            self._open_channel()  # another thread may have closed it meanwhile

    def _pages(self, listing: Listing[T]) -> _Stream[T]:
        token = ""
        while True:
            page = self._send(listing.page(token))
            yield from page.items
            token = page.next_page_token
            if not token:
                return

    def _receive(self, watch: Watch[T]) -> _Stream[T]:
        open_stream: _Watch = self._open_channel().unary_stream(watch.method)
        stream = open_stream(
            watch.request, timeout=watch.timeout_s, metadata=self._metadata.current()
        )
        try:
            for data in stream:
                yield watch.parse(data)
        except grpc.RpcError as raised:
            raise _error(raised, watch.method) from raised
        finally:
            stream.cancel()

    def _exchange(self, upload: Upload[B, T], batches: Iterable[B]) -> _Stream[T]:
        failures: list[Exception] = []

        def requests() -> Iterator[bytes]:
            # gRPC would swallow an error of the caller's iterator; end the stream and keep it.
            try:
                for batch in batches:
                    yield upload.build(batch)
            except Exception as failure:  # noqa: BLE001
                failures.append(failure)

        open_stream: _Upload = self._open_channel().stream_stream(upload.method)
        stream = open_stream(
            requests(), timeout=upload.timeout_s, metadata=self._metadata.current()
        )
        try:
            for data in stream:
                yield upload.parse(data)
        except grpc.RpcError as raised:
            raise _error(raised, upload.method) from raised
        finally:
            stream.cancel()
        if failures:
            raise failures[0]

    def _open_channel(self) -> grpc.Channel:
        if self._closed:
            raise ClientClosedError("this client is closed: make a new one")
        return self._channel


def _error(raised: grpc.RpcError, method: str, request_id: str = "") -> CallError:
    # The errors that gRPC raises from calls are calls themselves, which its types do not say.
    call = cast(grpc.Call, raised)
    return call_error(
        call.code(),
        call.details(),
        call.trailing_metadata(),
        method=method,
        request_id=request_id,
    )
