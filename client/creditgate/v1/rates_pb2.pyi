import datetime

from creditgate.v1 import account_pb2 as _account_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExchangeRate(_message.Message):
    __slots__ = ("base_currency", "currency", "rate", "source", "as_of")
    BASE_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    base_currency: str
    currency: str
    rate: str
    source: str
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, base_currency: _Optional[str] = ..., currency: _Optional[str] = ..., rate: _Optional[str] = ..., source: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UpsertRatesRequest(_message.Message):
    __slots__ = ("request_id", "rates", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    rates: _containers.RepeatedCompositeFieldContainer[ExchangeRate]
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., rates: _Optional[_Iterable[_Union[ExchangeRate, _Mapping]]] = ..., channel: _Optional[str] = ...) -> None: ...

class UpsertRatesResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_account_pb2.UpsertResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_account_pb2.UpsertResult, _Mapping]]] = ...) -> None: ...

class ListRatesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRatesResponse(_message.Message):
    __slots__ = ("rates", "next_page_token")
    RATES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rates: _containers.RepeatedCompositeFieldContainer[ExchangeRate]
    next_page_token: str
    def __init__(self, rates: _Optional[_Iterable[_Union[ExchangeRate, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RevalueReservationsRequest(_message.Message):
    __slots__ = ("request_id", "page_token", "channel", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    page_token: str
    channel: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., page_token: _Optional[str] = ..., channel: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RevalueReservationsResponse(_message.Message):
    __slots__ = ("examined", "revalued", "kept", "next_page_token", "journal_seq", "replayed")
    EXAMINED_FIELD_NUMBER: _ClassVar[int]
    REVALUED_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    examined: int
    revalued: int
    kept: int
    next_page_token: str
    journal_seq: int
    replayed: bool
    def __init__(self, examined: _Optional[int] = ..., revalued: _Optional[int] = ..., kept: _Optional[int] = ..., next_page_token: _Optional[str] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...
