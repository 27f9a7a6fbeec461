import datetime

from creditgate.v1 import common_pb2 as _common_pb2
from creditgate.v1 import rates_pb2 as _rates_pb2
from creditgate.v1 import terms_pb2 as _terms_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReservationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESERVATION_STATE_UNSPECIFIED: _ClassVar[ReservationState]
    RESERVATION_STATE_OPEN: _ClassVar[ReservationState]
    RESERVATION_STATE_CLOSED: _ClassVar[ReservationState]

class CaseStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_STATUS_UNSPECIFIED: _ClassVar[CaseStatus]
    CASE_STATUS_OPEN: _ClassVar[CaseStatus]
    CASE_STATUS_CLAIMED: _ClassVar[CaseStatus]
    CASE_STATUS_ESCALATED: _ClassVar[CaseStatus]
    CASE_STATUS_APPROVED: _ClassVar[CaseStatus]
    CASE_STATUS_USED: _ClassVar[CaseStatus]
    CASE_STATUS_REJECTED: _ClassVar[CaseStatus]
    CASE_STATUS_EXPIRED: _ClassVar[CaseStatus]
    CASE_STATUS_WITHDRAWN: _ClassVar[CaseStatus]
RESERVATION_STATE_UNSPECIFIED: ReservationState
RESERVATION_STATE_OPEN: ReservationState
RESERVATION_STATE_CLOSED: ReservationState
CASE_STATUS_UNSPECIFIED: CaseStatus
CASE_STATUS_OPEN: CaseStatus
CASE_STATUS_CLAIMED: CaseStatus
CASE_STATUS_ESCALATED: CaseStatus
CASE_STATUS_APPROVED: CaseStatus
CASE_STATUS_USED: CaseStatus
CASE_STATUS_REJECTED: CaseStatus
CASE_STATUS_EXPIRED: CaseStatus
CASE_STATUS_WITHDRAWN: CaseStatus

class Reservation(_message.Message):
    __slots__ = ("reservation_id", "account_id", "order_id", "currency", "state", "open_minor", "captured_minor", "released_minor", "expired_minor", "expire_time", "create_time", "contract_id", "terms_id", "counting")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OPEN_MINOR_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_MINOR_FIELD_NUMBER: _ClassVar[int]
    RELEASED_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTING_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    account_id: str
    order_id: str
    currency: str
    state: ReservationState
    open_minor: int
    captured_minor: int
    released_minor: int
    expired_minor: int
    expire_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    contract_id: str
    terms_id: str
    counting: OrderCounting
    def __init__(self, reservation_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ..., currency: _Optional[str] = ..., state: _Optional[_Union[ReservationState, str]] = ..., open_minor: _Optional[int] = ..., captured_minor: _Optional[int] = ..., released_minor: _Optional[int] = ..., expired_minor: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., contract_id: _Optional[str] = ..., terms_id: _Optional[str] = ..., counting: _Optional[_Union[OrderCounting, _Mapping]] = ...) -> None: ...

class OrderCounting(_message.Message):
    __slots__ = ("currency", "open_minor", "captured_minor", "released_minor", "expired_minor", "counted_minor", "account_currency", "rate", "excluded_minor", "ship_date", "waiting", "sold_to_account_id")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    OPEN_MINOR_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_MINOR_FIELD_NUMBER: _ClassVar[int]
    RELEASED_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_MINOR_FIELD_NUMBER: _ClassVar[int]
    COUNTED_MINOR_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_MINOR_FIELD_NUMBER: _ClassVar[int]
    SHIP_DATE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    SOLD_TO_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    currency: str
    open_minor: int
    captured_minor: int
    released_minor: int
    expired_minor: int
    counted_minor: int
    account_currency: str
    rate: _rates_pb2.ExchangeRate
    excluded_minor: int
    ship_date: str
    waiting: bool
    sold_to_account_id: str
    def __init__(self, currency: _Optional[str] = ..., open_minor: _Optional[int] = ..., captured_minor: _Optional[int] = ..., released_minor: _Optional[int] = ..., expired_minor: _Optional[int] = ..., counted_minor: _Optional[int] = ..., account_currency: _Optional[str] = ..., rate: _Optional[_Union[_rates_pb2.ExchangeRate, _Mapping]] = ..., excluded_minor: _Optional[int] = ..., ship_date: _Optional[str] = ..., waiting: _Optional[bool] = ..., sold_to_account_id: _Optional[str] = ...) -> None: ...

class DecisionResult(_message.Message):
    __slots__ = ("decision", "reasons", "available_minor", "fitting_amount_minor", "journal_seq", "decide_time", "policy_version", "replayed", "bound_by", "cure", "account_currency")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MINOR_FIELD_NUMBER: _ClassVar[int]
    FITTING_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    BOUND_BY_FIELD_NUMBER: _ClassVar[int]
    CURE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    decision: _common_pb2.Decision
    reasons: _containers.RepeatedCompositeFieldContainer[_common_pb2.Reason]
    available_minor: int
    fitting_amount_minor: int
    journal_seq: int
    decide_time: _timestamp_pb2.Timestamp
    policy_version: int
    replayed: bool
    bound_by: _common_pb2.LimitLevel
    cure: Cure
    account_currency: str
    def __init__(self, decision: _Optional[_Union[_common_pb2.Decision, str]] = ..., reasons: _Optional[_Iterable[_Union[_common_pb2.Reason, _Mapping]]] = ..., available_minor: _Optional[int] = ..., fitting_amount_minor: _Optional[int] = ..., journal_seq: _Optional[int] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., policy_version: _Optional[int] = ..., replayed: _Optional[bool] = ..., bound_by: _Optional[_Union[_common_pb2.LimitLevel, _Mapping]] = ..., cure: _Optional[_Union[Cure, _Mapping]] = ..., account_currency: _Optional[str] = ...) -> None: ...

class Cure(_message.Message):
    __slots__ = ("invoice_id", "open_minor", "fits_from")
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_MINOR_FIELD_NUMBER: _ClassVar[int]
    FITS_FROM_FIELD_NUMBER: _ClassVar[int]
    invoice_id: str
    open_minor: int
    fits_from: str
    def __init__(self, invoice_id: _Optional[str] = ..., open_minor: _Optional[int] = ..., fits_from: _Optional[str] = ...) -> None: ...

class CheckAndReserveRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "order_id", "amount_minor", "currency", "allow_partial", "channel", "ttl", "contract_id", "terms_id", "ship_date", "tax_minor", "freight_minor", "bill_to_account_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    SHIP_DATE_FIELD_NUMBER: _ClassVar[int]
    TAX_MINOR_FIELD_NUMBER: _ClassVar[int]
    FREIGHT_MINOR_FIELD_NUMBER: _ClassVar[int]
    BILL_TO_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    order_id: str
    amount_minor: int
    currency: str
    allow_partial: bool
    channel: str
    ttl: _duration_pb2.Duration
    contract_id: str
    terms_id: str
    ship_date: str
    tax_minor: int
    freight_minor: int
    bill_to_account_id: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., allow_partial: _Optional[bool] = ..., channel: _Optional[str] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., contract_id: _Optional[str] = ..., terms_id: _Optional[str] = ..., ship_date: _Optional[str] = ..., tax_minor: _Optional[int] = ..., freight_minor: _Optional[int] = ..., bill_to_account_id: _Optional[str] = ...) -> None: ...

class CheckAndReserveResponse(_message.Message):
    __slots__ = ("result", "reservation_id", "approved_amount_minor", "expire_time", "case_id", "counting")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTING_FIELD_NUMBER: _ClassVar[int]
    result: DecisionResult
    reservation_id: str
    approved_amount_minor: int
    expire_time: _timestamp_pb2.Timestamp
    case_id: str
    counting: OrderCounting
    def __init__(self, result: _Optional[_Union[DecisionResult, _Mapping]] = ..., reservation_id: _Optional[str] = ..., approved_amount_minor: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., case_id: _Optional[str] = ..., counting: _Optional[_Union[OrderCounting, _Mapping]] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ("account_id", "amount_minor", "currency", "allow_partial", "contract_id", "terms_id", "channel", "ship_date", "tax_minor", "freight_minor", "bill_to_account_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SHIP_DATE_FIELD_NUMBER: _ClassVar[int]
    TAX_MINOR_FIELD_NUMBER: _ClassVar[int]
    FREIGHT_MINOR_FIELD_NUMBER: _ClassVar[int]
    BILL_TO_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    amount_minor: int
    currency: str
    allow_partial: bool
    contract_id: str
    terms_id: str
    channel: str
    ship_date: str
    tax_minor: int
    freight_minor: int
    bill_to_account_id: str
    def __init__(self, account_id: _Optional[str] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., allow_partial: _Optional[bool] = ..., contract_id: _Optional[str] = ..., terms_id: _Optional[str] = ..., channel: _Optional[str] = ..., ship_date: _Optional[str] = ..., tax_minor: _Optional[int] = ..., freight_minor: _Optional[int] = ..., bill_to_account_id: _Optional[str] = ...) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ("result", "approved_amount_minor", "counting")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    COUNTING_FIELD_NUMBER: _ClassVar[int]
    result: DecisionResult
    approved_amount_minor: int
    counting: OrderCounting
    def __init__(self, result: _Optional[_Union[DecisionResult, _Mapping]] = ..., approved_amount_minor: _Optional[int] = ..., counting: _Optional[_Union[OrderCounting, _Mapping]] = ...) -> None: ...

class AdjustRequest(_message.Message):
    __slots__ = ("request_id", "reservation_id", "account_id", "order_id", "total_amount_minor", "channel", "ttl", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    reservation_id: str
    account_id: str
    order_id: str
    total_amount_minor: int
    channel: str
    ttl: _duration_pb2.Duration
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., reservation_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ..., total_amount_minor: _Optional[int] = ..., channel: _Optional[str] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class AdjustResponse(_message.Message):
    __slots__ = ("result", "reservation")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    result: DecisionResult
    reservation: Reservation
    def __init__(self, result: _Optional[_Union[DecisionResult, _Mapping]] = ..., reservation: _Optional[_Union[Reservation, _Mapping]] = ...) -> None: ...

class CaptureRequest(_message.Message):
    __slots__ = ("request_id", "reservation_id", "account_id", "order_id", "amount_minor", "invoice_id", "final", "forced", "channel", "reason", "invoice_date")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    FORCED_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    INVOICE_DATE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    reservation_id: str
    account_id: str
    order_id: str
    amount_minor: int
    invoice_id: str
    final: bool
    forced: bool
    channel: str
    reason: str
    invoice_date: str
    def __init__(self, request_id: _Optional[str] = ..., reservation_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ..., amount_minor: _Optional[int] = ..., invoice_id: _Optional[str] = ..., final: _Optional[bool] = ..., forced: _Optional[bool] = ..., channel: _Optional[str] = ..., reason: _Optional[str] = ..., invoice_date: _Optional[str] = ...) -> None: ...

class CaptureResponse(_message.Message):
    __slots__ = ("result", "reservation", "captured_amount_minor", "breach", "terms")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    BREACH_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    result: DecisionResult
    reservation: Reservation
    captured_amount_minor: int
    breach: bool
    terms: _terms_pb2.InvoiceTerms
    def __init__(self, result: _Optional[_Union[DecisionResult, _Mapping]] = ..., reservation: _Optional[_Union[Reservation, _Mapping]] = ..., captured_amount_minor: _Optional[int] = ..., breach: _Optional[bool] = ..., terms: _Optional[_Union[_terms_pb2.InvoiceTerms, _Mapping]] = ...) -> None: ...

class ReleaseRequest(_message.Message):
    __slots__ = ("request_id", "reservation_id", "account_id", "order_id", "amount_minor", "channel", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    reservation_id: str
    account_id: str
    order_id: str
    amount_minor: int
    channel: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., reservation_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ..., amount_minor: _Optional[int] = ..., channel: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReleaseResponse(_message.Message):
    __slots__ = ("result", "reservation", "released_amount_minor", "case_id")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    RELEASED_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    result: DecisionResult
    reservation: Reservation
    released_amount_minor: int
    case_id: str
    def __init__(self, result: _Optional[_Union[DecisionResult, _Mapping]] = ..., reservation: _Optional[_Union[Reservation, _Mapping]] = ..., released_amount_minor: _Optional[int] = ..., case_id: _Optional[str] = ...) -> None: ...

class BatchCheckAndReserveRequest(_message.Message):
    __slots__ = ("request_id", "all_or_none", "items")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ALL_OR_NONE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    all_or_none: bool
    items: _containers.RepeatedCompositeFieldContainer[CheckAndReserveRequest]
    def __init__(self, request_id: _Optional[str] = ..., all_or_none: _Optional[bool] = ..., items: _Optional[_Iterable[_Union[CheckAndReserveRequest, _Mapping]]] = ...) -> None: ...

class BatchCheckAndReserveResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchItemResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchItemResult, _Mapping]]] = ...) -> None: ...

class BatchItemResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: CheckAndReserveResponse
    error: _common_pb2.ItemError
    def __init__(self, response: _Optional[_Union[CheckAndReserveResponse, _Mapping]] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ...) -> None: ...

class ConfirmRequest(_message.Message):
    __slots__ = ("reservation_id", "account_id", "order_id")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    account_id: str
    order_id: str
    def __init__(self, reservation_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ...) -> None: ...

class ConfirmResponse(_message.Message):
    __slots__ = ("result", "reservation")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    result: DecisionResult
    reservation: Reservation
    def __init__(self, result: _Optional[_Union[DecisionResult, _Mapping]] = ..., reservation: _Optional[_Union[Reservation, _Mapping]] = ...) -> None: ...

class GetDecisionRequest(_message.Message):
    __slots__ = ("journal_seq", "reservation_id", "account_id", "order_id", "item")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    reservation_id: str
    account_id: str
    order_id: str
    item: int
    def __init__(self, journal_seq: _Optional[int] = ..., reservation_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ..., item: _Optional[int] = ...) -> None: ...

class GetDecisionResponse(_message.Message):
    __slots__ = ("result", "command", "request_id", "account_id", "order_id", "currency", "amount_minor", "approved_amount_minor", "reservation_id", "actor", "channel", "reason", "counting")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNTING_FIELD_NUMBER: _ClassVar[int]
    result: DecisionResult
    command: str
    request_id: str
    account_id: str
    order_id: str
    currency: str
    amount_minor: int
    approved_amount_minor: int
    reservation_id: str
    actor: str
    channel: str
    reason: str
    counting: OrderCounting
    def __init__(self, result: _Optional[_Union[DecisionResult, _Mapping]] = ..., command: _Optional[str] = ..., request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ..., currency: _Optional[str] = ..., amount_minor: _Optional[int] = ..., approved_amount_minor: _Optional[int] = ..., reservation_id: _Optional[str] = ..., actor: _Optional[str] = ..., channel: _Optional[str] = ..., reason: _Optional[str] = ..., counting: _Optional[_Union[OrderCounting, _Mapping]] = ...) -> None: ...

class WatchReservationRequest(_message.Message):
    __slots__ = ("account_id", "order_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    order_id: str
    def __init__(self, account_id: _Optional[str] = ..., order_id: _Optional[str] = ...) -> None: ...

class WatchReservationResponse(_message.Message):
    __slots__ = ("reservation", "case_id", "case_status", "journal_seq")
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_STATUS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    reservation: Reservation
    case_id: str
    case_status: CaseStatus
    journal_seq: int
    def __init__(self, reservation: _Optional[_Union[Reservation, _Mapping]] = ..., case_id: _Optional[str] = ..., case_status: _Optional[_Union[CaseStatus, str]] = ..., journal_seq: _Optional[int] = ...) -> None: ...

class GetReservationRequest(_message.Message):
    __slots__ = ("reservation_id", "account_id", "order_id")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    account_id: str
    order_id: str
    def __init__(self, reservation_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ...) -> None: ...

class GetReservationResponse(_message.Message):
    __slots__ = ("reservation",)
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    reservation: Reservation
    def __init__(self, reservation: _Optional[_Union[Reservation, _Mapping]] = ...) -> None: ...

class ListReservationsRequest(_message.Message):
    __slots__ = ("account_id", "state", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    state: ReservationState
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., state: _Optional[_Union[ReservationState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReservationsResponse(_message.Message):
    __slots__ = ("reservations", "next_page_token")
    RESERVATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    reservations: _containers.RepeatedCompositeFieldContainer[Reservation]
    next_page_token: str
    def __init__(self, reservations: _Optional[_Iterable[_Union[Reservation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
