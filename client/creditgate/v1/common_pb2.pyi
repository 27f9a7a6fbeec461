from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_UNSPECIFIED: _ClassVar[Decision]
    DECISION_APPROVED: _ClassVar[Decision]
    DECISION_PARTIALLY_APPROVED: _ClassVar[Decision]
    DECISION_REFERRED: _ClassVar[Decision]
    DECISION_DECLINED: _ClassVar[Decision]

class ReasonCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_CODE_UNSPECIFIED: _ClassVar[ReasonCode]
    REASON_CODE_ACCOUNT_CLOSED: _ClassVar[ReasonCode]
    REASON_CODE_ACCOUNT_SUSPENDED: _ClassVar[ReasonCode]
    REASON_CODE_NO_CREDIT_LIMIT: _ClassVar[ReasonCode]
    REASON_CODE_LIMIT_EXPIRED: _ClassVar[ReasonCode]
    REASON_CODE_MAX_ORDER_AMOUNT_EXCEEDED: _ClassVar[ReasonCode]
    REASON_CODE_INSUFFICIENT_CREDIT: _ClassVar[ReasonCode]
    REASON_CODE_BATCH_NOT_APPROVED: _ClassVar[ReasonCode]
    REASON_CODE_SHARED_LIMIT_EXCEEDED: _ClassVar[ReasonCode]
    REASON_CODE_SEGMENT_CAP_EXCEEDED: _ClassVar[ReasonCode]
    REASON_CODE_ACCOUNT_ON_HOLD: _ClassVar[ReasonCode]
    REASON_CODE_TERMS_UPGRADED: _ClassVar[ReasonCode]
    REASON_CODE_BUREAU_SUSPENSION: _ClassVar[ReasonCode]
    REASON_CODE_FRAUD_SUSPENSION: _ClassVar[ReasonCode]
    REASON_CODE_ROLLING_AVERAGE_EXCEEDED: _ClassVar[ReasonCode]
    REASON_CODE_ORDER_AMOUNT_EXCEEDED: _ClassVar[ReasonCode]
    REASON_CODE_UTILISATION_REACHED: _ClassVar[ReasonCode]
    REASON_CODE_SCORE_TOO_LOW: _ClassVar[ReasonCode]
    REASON_CODE_SCORE_MISSING: _ClassVar[ReasonCode]
    REASON_CODE_FIRST_ORDER: _ClassVar[ReasonCode]
    REASON_CODE_LEDGER_STALE: _ClassVar[ReasonCode]
    REASON_CODE_OVERDUE_DAYS: _ClassVar[ReasonCode]
    REASON_CODE_OVERDUE_AMOUNT: _ClassVar[ReasonCode]
    REASON_CODE_OVERDUE_SHARE: _ClassVar[ReasonCode]
    REASON_CODE_OLDEST_ITEM: _ClassVar[ReasonCode]
    REASON_CODE_VELOCITY_COUNT: _ClassVar[ReasonCode]
    REASON_CODE_VELOCITY_AMOUNT: _ClassVar[ReasonCode]
    REASON_CODE_LIMIT_TOLERATED: _ClassVar[ReasonCode]
    REASON_CODE_LIMIT_IN_GRACE: _ClassVar[ReasonCode]
    REASON_CODE_FX_RATE_UNAVAILABLE: _ClassVar[ReasonCode]
    REASON_CODE_FX_RATE_STALE: _ClassVar[ReasonCode]
    REASON_CODE_APPROVAL_EXPIRED: _ClassVar[ReasonCode]

class Effect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EFFECT_UNSPECIFIED: _ClassVar[Effect]
    EFFECT_NOTIFY: _ClassVar[Effect]
    EFFECT_ALERT: _ClassVar[Effect]
    EFFECT_REFER: _ClassVar[Effect]
    EFFECT_DECLINE: _ClassVar[Effect]
    EFFECT_HOLD: _ClassVar[Effect]

class ReasonUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_UNIT_UNSPECIFIED: _ClassVar[ReasonUnit]
    REASON_UNIT_MINOR: _ClassVar[ReasonUnit]
    REASON_UNIT_DATE: _ClassVar[ReasonUnit]
    REASON_UNIT_INDEX: _ClassVar[ReasonUnit]
    REASON_UNIT_PERCENT: _ClassVar[ReasonUnit]
    REASON_UNIT_HOURS: _ClassVar[ReasonUnit]
    REASON_UNIT_POINTS: _ClassVar[ReasonUnit]
    REASON_UNIT_DAYS: _ClassVar[ReasonUnit]
    REASON_UNIT_ORDERS: _ClassVar[ReasonUnit]

class LimitKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIMIT_KIND_UNSPECIFIED: _ClassVar[LimitKind]
    LIMIT_KIND_AMOUNT: _ClassVar[LimitKind]
    LIMIT_KIND_UNLIMITED: _ClassVar[LimitKind]
    LIMIT_KIND_NO_CREDIT: _ClassVar[LimitKind]
    LIMIT_KIND_INHERIT: _ClassVar[LimitKind]
DECISION_UNSPECIFIED: Decision
DECISION_APPROVED: Decision
DECISION_PARTIALLY_APPROVED: Decision
DECISION_REFERRED: Decision
DECISION_DECLINED: Decision
REASON_CODE_UNSPECIFIED: ReasonCode
REASON_CODE_ACCOUNT_CLOSED: ReasonCode
REASON_CODE_ACCOUNT_SUSPENDED: ReasonCode
REASON_CODE_NO_CREDIT_LIMIT: ReasonCode
REASON_CODE_LIMIT_EXPIRED: ReasonCode
REASON_CODE_MAX_ORDER_AMOUNT_EXCEEDED: ReasonCode
REASON_CODE_INSUFFICIENT_CREDIT: ReasonCode
REASON_CODE_BATCH_NOT_APPROVED: ReasonCode
REASON_CODE_SHARED_LIMIT_EXCEEDED: ReasonCode
REASON_CODE_SEGMENT_CAP_EXCEEDED: ReasonCode
REASON_CODE_ACCOUNT_ON_HOLD: ReasonCode
REASON_CODE_TERMS_UPGRADED: ReasonCode
REASON_CODE_BUREAU_SUSPENSION: ReasonCode
REASON_CODE_FRAUD_SUSPENSION: ReasonCode
REASON_CODE_ROLLING_AVERAGE_EXCEEDED: ReasonCode
REASON_CODE_ORDER_AMOUNT_EXCEEDED: ReasonCode
REASON_CODE_UTILISATION_REACHED: ReasonCode
REASON_CODE_SCORE_TOO_LOW: ReasonCode
REASON_CODE_SCORE_MISSING: ReasonCode
REASON_CODE_FIRST_ORDER: ReasonCode
REASON_CODE_LEDGER_STALE: ReasonCode
REASON_CODE_OVERDUE_DAYS: ReasonCode
REASON_CODE_OVERDUE_AMOUNT: ReasonCode
REASON_CODE_OVERDUE_SHARE: ReasonCode
REASON_CODE_OLDEST_ITEM: ReasonCode
REASON_CODE_VELOCITY_COUNT: ReasonCode
REASON_CODE_VELOCITY_AMOUNT: ReasonCode
REASON_CODE_LIMIT_TOLERATED: ReasonCode
REASON_CODE_LIMIT_IN_GRACE: ReasonCode
REASON_CODE_FX_RATE_UNAVAILABLE: ReasonCode
REASON_CODE_FX_RATE_STALE: ReasonCode
REASON_CODE_APPROVAL_EXPIRED: ReasonCode
EFFECT_UNSPECIFIED: Effect
EFFECT_NOTIFY: Effect
EFFECT_ALERT: Effect
EFFECT_REFER: Effect
EFFECT_DECLINE: Effect
EFFECT_HOLD: Effect
REASON_UNIT_UNSPECIFIED: ReasonUnit
REASON_UNIT_MINOR: ReasonUnit
REASON_UNIT_DATE: ReasonUnit
REASON_UNIT_INDEX: ReasonUnit
REASON_UNIT_PERCENT: ReasonUnit
REASON_UNIT_HOURS: ReasonUnit
REASON_UNIT_POINTS: ReasonUnit
REASON_UNIT_DAYS: ReasonUnit
REASON_UNIT_ORDERS: ReasonUnit
LIMIT_KIND_UNSPECIFIED: LimitKind
LIMIT_KIND_AMOUNT: LimitKind
LIMIT_KIND_UNLIMITED: LimitKind
LIMIT_KIND_NO_CREDIT: LimitKind
LIMIT_KIND_INHERIT: LimitKind

class Reason(_message.Message):
    __slots__ = ("code", "unit", "observed", "threshold", "level", "hold_id", "sold_to_account_id", "effect")
    CODE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    SOLD_TO_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    code: ReasonCode
    unit: ReasonUnit
    observed: int
    threshold: int
    level: LimitLevel
    hold_id: str
    sold_to_account_id: str
    effect: Effect
    def __init__(self, code: _Optional[_Union[ReasonCode, str]] = ..., unit: _Optional[_Union[ReasonUnit, str]] = ..., observed: _Optional[int] = ..., threshold: _Optional[int] = ..., level: _Optional[_Union[LimitLevel, _Mapping]] = ..., hold_id: _Optional[str] = ..., sold_to_account_id: _Optional[str] = ..., effect: _Optional[_Union[Effect, str]] = ...) -> None: ...

class LimitLevel(_message.Message):
    __slots__ = ("account_id", "segment_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    segment_id: str
    def __init__(self, account_id: _Optional[str] = ..., segment_id: _Optional[str] = ...) -> None: ...

class CreditLimit(_message.Message):
    __slots__ = ("kind", "amount_minor", "valid_until")
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    kind: LimitKind
    amount_minor: int
    valid_until: str
    def __init__(self, kind: _Optional[_Union[LimitKind, str]] = ..., amount_minor: _Optional[int] = ..., valid_until: _Optional[str] = ...) -> None: ...

class ItemError(_message.Message):
    __slots__ = ("code", "reason", "field", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    field: str
    message: str
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., field: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
