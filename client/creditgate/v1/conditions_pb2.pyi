import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HoldKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLD_KIND_UNSPECIFIED: _ClassVar[HoldKind]
    HOLD_KIND_MANUAL: _ClassVar[HoldKind]
    HOLD_KIND_BUREAU: _ClassVar[HoldKind]
    HOLD_KIND_FRAUD: _ClassVar[HoldKind]

class TemporaryLimitKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEMPORARY_LIMIT_KIND_UNSPECIFIED: _ClassVar[TemporaryLimitKind]
    TEMPORARY_LIMIT_KIND_OVERRIDE: _ClassVar[TemporaryLimitKind]
    TEMPORARY_LIMIT_KIND_INCREASE: _ClassVar[TemporaryLimitKind]
    TEMPORARY_LIMIT_KIND_COLLATERAL: _ClassVar[TemporaryLimitKind]
    TEMPORARY_LIMIT_KIND_INSURANCE: _ClassVar[TemporaryLimitKind]
HOLD_KIND_UNSPECIFIED: HoldKind
HOLD_KIND_MANUAL: HoldKind
HOLD_KIND_BUREAU: HoldKind
HOLD_KIND_FRAUD: HoldKind
TEMPORARY_LIMIT_KIND_UNSPECIFIED: TemporaryLimitKind
TEMPORARY_LIMIT_KIND_OVERRIDE: TemporaryLimitKind
TEMPORARY_LIMIT_KIND_INCREASE: TemporaryLimitKind
TEMPORARY_LIMIT_KIND_COLLATERAL: TemporaryLimitKind
TEMPORARY_LIMIT_KIND_INSURANCE: TemporaryLimitKind

class Hold(_message.Message):
    __slots__ = ("hold_id", "kind", "source", "expire_time", "reason", "place_time")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PLACE_TIME_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    kind: HoldKind
    source: str
    expire_time: _timestamp_pb2.Timestamp
    reason: str
    place_time: _timestamp_pb2.Timestamp
    def __init__(self, hold_id: _Optional[str] = ..., kind: _Optional[_Union[HoldKind, str]] = ..., source: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., place_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TemporaryLimit(_message.Message):
    __slots__ = ("limit_id", "kind", "amount_minor", "first_date", "last_date")
    LIMIT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    FIRST_DATE_FIELD_NUMBER: _ClassVar[int]
    LAST_DATE_FIELD_NUMBER: _ClassVar[int]
    limit_id: str
    kind: TemporaryLimitKind
    amount_minor: int
    first_date: str
    last_date: str
    def __init__(self, limit_id: _Optional[str] = ..., kind: _Optional[_Union[TemporaryLimitKind, str]] = ..., amount_minor: _Optional[int] = ..., first_date: _Optional[str] = ..., last_date: _Optional[str] = ...) -> None: ...

class RollingLimit(_message.Message):
    __slots__ = ("hard_cap_minor", "days", "average_minor")
    HARD_CAP_MINOR_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_MINOR_FIELD_NUMBER: _ClassVar[int]
    hard_cap_minor: int
    days: int
    average_minor: int
    def __init__(self, hard_cap_minor: _Optional[int] = ..., days: _Optional[int] = ..., average_minor: _Optional[int] = ...) -> None: ...
