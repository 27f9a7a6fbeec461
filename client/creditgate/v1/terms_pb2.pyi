from creditgate.v1 import account_pb2 as _account_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NonWorkingDay(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NON_WORKING_DAY_UNSPECIFIED: _ClassVar[NonWorkingDay]
    NON_WORKING_DAY_KEEP: _ClassVar[NonWorkingDay]
    NON_WORKING_DAY_NEXT: _ClassVar[NonWorkingDay]
    NON_WORKING_DAY_PREVIOUS: _ClassVar[NonWorkingDay]

class TermsSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TERMS_SOURCE_UNSPECIFIED: _ClassVar[TermsSource]
    TERMS_SOURCE_ORDER: _ClassVar[TermsSource]
    TERMS_SOURCE_CONTRACT: _ClassVar[TermsSource]
    TERMS_SOURCE_ACCOUNT: _ClassVar[TermsSource]
    TERMS_SOURCE_SEGMENT: _ClassVar[TermsSource]
NON_WORKING_DAY_UNSPECIFIED: NonWorkingDay
NON_WORKING_DAY_KEEP: NonWorkingDay
NON_WORKING_DAY_NEXT: NonWorkingDay
NON_WORKING_DAY_PREVIOUS: NonWorkingDay
TERMS_SOURCE_UNSPECIFIED: TermsSource
TERMS_SOURCE_ORDER: TermsSource
TERMS_SOURCE_CONTRACT: TermsSource
TERMS_SOURCE_ACCOUNT: TermsSource
TERMS_SOURCE_SEGMENT: TermsSource

class NetDays(_message.Message):
    __slots__ = ("days",)
    DAYS_FIELD_NUMBER: _ClassVar[int]
    days: int
    def __init__(self, days: _Optional[int] = ...) -> None: ...

class EndOfMonth(_message.Message):
    __slots__ = ("months", "days")
    MONTHS_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    months: int
    days: int
    def __init__(self, months: _Optional[int] = ..., days: _Optional[int] = ...) -> None: ...

class DayOfMonth(_message.Message):
    __slots__ = ("months", "day")
    MONTHS_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    months: int
    day: int
    def __init__(self, months: _Optional[int] = ..., day: _Optional[int] = ...) -> None: ...

class DayTableRow(_message.Message):
    __slots__ = ("until_day", "months", "day")
    UNTIL_DAY_FIELD_NUMBER: _ClassVar[int]
    MONTHS_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    until_day: int
    months: int
    day: int
    def __init__(self, until_day: _Optional[int] = ..., months: _Optional[int] = ..., day: _Optional[int] = ...) -> None: ...

class DayTable(_message.Message):
    __slots__ = ("rows",)
    ROWS_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[DayTableRow]
    def __init__(self, rows: _Optional[_Iterable[_Union[DayTableRow, _Mapping]]] = ...) -> None: ...

class DateTableRow(_message.Message):
    __slots__ = ("from_date", "until_date", "due_date")
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_DATE_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    from_date: str
    until_date: str
    due_date: str
    def __init__(self, from_date: _Optional[str] = ..., until_date: _Optional[str] = ..., due_date: _Optional[str] = ...) -> None: ...

class DateTable(_message.Message):
    __slots__ = ("rows", "days")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[DateTableRow]
    days: int
    def __init__(self, rows: _Optional[_Iterable[_Union[DateTableRow, _Mapping]]] = ..., days: _Optional[int] = ...) -> None: ...

class DueRule(_message.Message):
    __slots__ = ("net", "end_of_month", "day_of_month", "day_table", "date_table")
    NET_FIELD_NUMBER: _ClassVar[int]
    END_OF_MONTH_FIELD_NUMBER: _ClassVar[int]
    DAY_OF_MONTH_FIELD_NUMBER: _ClassVar[int]
    DAY_TABLE_FIELD_NUMBER: _ClassVar[int]
    DATE_TABLE_FIELD_NUMBER: _ClassVar[int]
    net: NetDays
    end_of_month: EndOfMonth
    day_of_month: DayOfMonth
    day_table: DayTable
    date_table: DateTable
    def __init__(self, net: _Optional[_Union[NetDays, _Mapping]] = ..., end_of_month: _Optional[_Union[EndOfMonth, _Mapping]] = ..., day_of_month: _Optional[_Union[DayOfMonth, _Mapping]] = ..., day_table: _Optional[_Union[DayTable, _Mapping]] = ..., date_table: _Optional[_Union[DateTable, _Mapping]] = ...) -> None: ...

class TermsInstalment(_message.Message):
    __slots__ = ("share_bp", "due")
    SHARE_BP_FIELD_NUMBER: _ClassVar[int]
    DUE_FIELD_NUMBER: _ClassVar[int]
    share_bp: int
    due: DueRule
    def __init__(self, share_bp: _Optional[int] = ..., due: _Optional[_Union[DueRule, _Mapping]] = ...) -> None: ...

class TermsDiscount(_message.Message):
    __slots__ = ("rate_bp", "until")
    RATE_BP_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    rate_bp: int
    until: DueRule
    def __init__(self, rate_bp: _Optional[int] = ..., until: _Optional[_Union[DueRule, _Mapping]] = ...) -> None: ...

class Terms(_message.Message):
    __slots__ = ("terms_id", "instalments", "discounts", "discount_grace_days", "grace_days", "calendar_id", "non_working_day")
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    INSTALMENTS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNTS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_GRACE_DAYS_FIELD_NUMBER: _ClassVar[int]
    GRACE_DAYS_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_ID_FIELD_NUMBER: _ClassVar[int]
    NON_WORKING_DAY_FIELD_NUMBER: _ClassVar[int]
    terms_id: str
    instalments: _containers.RepeatedCompositeFieldContainer[TermsInstalment]
    discounts: _containers.RepeatedCompositeFieldContainer[TermsDiscount]
    discount_grace_days: int
    grace_days: int
    calendar_id: str
    non_working_day: NonWorkingDay
    def __init__(self, terms_id: _Optional[str] = ..., instalments: _Optional[_Iterable[_Union[TermsInstalment, _Mapping]]] = ..., discounts: _Optional[_Iterable[_Union[TermsDiscount, _Mapping]]] = ..., discount_grace_days: _Optional[int] = ..., grace_days: _Optional[int] = ..., calendar_id: _Optional[str] = ..., non_working_day: _Optional[_Union[NonWorkingDay, str]] = ...) -> None: ...

class UpsertTermsRequest(_message.Message):
    __slots__ = ("request_id", "terms", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    terms: _containers.RepeatedCompositeFieldContainer[Terms]
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., terms: _Optional[_Iterable[_Union[Terms, _Mapping]]] = ..., channel: _Optional[str] = ...) -> None: ...

class UpsertTermsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_account_pb2.UpsertResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_account_pb2.UpsertResult, _Mapping]]] = ...) -> None: ...

class Calendar(_message.Message):
    __slots__ = ("calendar_id", "weekend", "from_date", "until_date", "holidays", "workdays")
    CALENDAR_ID_FIELD_NUMBER: _ClassVar[int]
    WEEKEND_FIELD_NUMBER: _ClassVar[int]
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_DATE_FIELD_NUMBER: _ClassVar[int]
    HOLIDAYS_FIELD_NUMBER: _ClassVar[int]
    WORKDAYS_FIELD_NUMBER: _ClassVar[int]
    calendar_id: str
    weekend: _containers.RepeatedScalarFieldContainer[int]
    from_date: str
    until_date: str
    holidays: _containers.RepeatedScalarFieldContainer[str]
    workdays: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, calendar_id: _Optional[str] = ..., weekend: _Optional[_Iterable[int]] = ..., from_date: _Optional[str] = ..., until_date: _Optional[str] = ..., holidays: _Optional[_Iterable[str]] = ..., workdays: _Optional[_Iterable[str]] = ...) -> None: ...

class UpsertCalendarsRequest(_message.Message):
    __slots__ = ("request_id", "calendars", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALENDARS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    calendars: _containers.RepeatedCompositeFieldContainer[Calendar]
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., calendars: _Optional[_Iterable[_Union[Calendar, _Mapping]]] = ..., channel: _Optional[str] = ...) -> None: ...

class UpsertCalendarsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_account_pb2.UpsertResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_account_pb2.UpsertResult, _Mapping]]] = ...) -> None: ...

class TermsAssignment(_message.Message):
    __slots__ = ("terms_id", "segment_id", "account_id", "contract_id")
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    terms_id: str
    segment_id: str
    account_id: str
    contract_id: str
    def __init__(self, terms_id: _Optional[str] = ..., segment_id: _Optional[str] = ..., account_id: _Optional[str] = ..., contract_id: _Optional[str] = ...) -> None: ...

class AssignTermsRequest(_message.Message):
    __slots__ = ("request_id", "assignments", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    assignments: _containers.RepeatedCompositeFieldContainer[TermsAssignment]
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., assignments: _Optional[_Iterable[_Union[TermsAssignment, _Mapping]]] = ..., channel: _Optional[str] = ...) -> None: ...

class AssignTermsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_account_pb2.UpsertResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_account_pb2.UpsertResult, _Mapping]]] = ...) -> None: ...

class ListTermsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTermsResponse(_message.Message):
    __slots__ = ("terms", "next_page_token")
    TERMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    terms: _containers.RepeatedCompositeFieldContainer[Terms]
    next_page_token: str
    def __init__(self, terms: _Optional[_Iterable[_Union[Terms, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListCalendarsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCalendarsResponse(_message.Message):
    __slots__ = ("calendars", "next_page_token")
    CALENDARS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    calendars: _containers.RepeatedCompositeFieldContainer[Calendar]
    next_page_token: str
    def __init__(self, calendars: _Optional[_Iterable[_Union[Calendar, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListTermsAssignmentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTermsAssignmentsResponse(_message.Message):
    __slots__ = ("assignments", "next_page_token")
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    assignments: _containers.RepeatedCompositeFieldContainer[TermsAssignment]
    next_page_token: str
    def __init__(self, assignments: _Optional[_Iterable[_Union[TermsAssignment, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetTermsOfRequest(_message.Message):
    __slots__ = ("account_id", "contract_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    contract_id: str
    def __init__(self, account_id: _Optional[str] = ..., contract_id: _Optional[str] = ...) -> None: ...

class GetTermsOfResponse(_message.Message):
    __slots__ = ("terms", "source")
    TERMS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    terms: Terms
    source: TermsSource
    def __init__(self, terms: _Optional[_Union[Terms, _Mapping]] = ..., source: _Optional[_Union[TermsSource, str]] = ...) -> None: ...

class Instalment(_message.Message):
    __slots__ = ("due_date", "amount_minor")
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    due_date: str
    amount_minor: int
    def __init__(self, due_date: _Optional[str] = ..., amount_minor: _Optional[int] = ...) -> None: ...

class Discount(_message.Message):
    __slots__ = ("rate_bp", "discount_date", "granted_until", "amount_minor")
    RATE_BP_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_DATE_FIELD_NUMBER: _ClassVar[int]
    GRANTED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    rate_bp: int
    discount_date: str
    granted_until: str
    amount_minor: int
    def __init__(self, rate_bp: _Optional[int] = ..., discount_date: _Optional[str] = ..., granted_until: _Optional[str] = ..., amount_minor: _Optional[int] = ...) -> None: ...

class InvoiceTerms(_message.Message):
    __slots__ = ("terms_id", "source", "invoice_date", "due_date", "overdue_date", "instalments", "discounts", "beyond_calendar")
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INVOICE_DATE_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    OVERDUE_DATE_FIELD_NUMBER: _ClassVar[int]
    INSTALMENTS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNTS_FIELD_NUMBER: _ClassVar[int]
    BEYOND_CALENDAR_FIELD_NUMBER: _ClassVar[int]
    terms_id: str
    source: TermsSource
    invoice_date: str
    due_date: str
    overdue_date: str
    instalments: _containers.RepeatedCompositeFieldContainer[Instalment]
    discounts: _containers.RepeatedCompositeFieldContainer[Discount]
    beyond_calendar: bool
    def __init__(self, terms_id: _Optional[str] = ..., source: _Optional[_Union[TermsSource, str]] = ..., invoice_date: _Optional[str] = ..., due_date: _Optional[str] = ..., overdue_date: _Optional[str] = ..., instalments: _Optional[_Iterable[_Union[Instalment, _Mapping]]] = ..., discounts: _Optional[_Iterable[_Union[Discount, _Mapping]]] = ..., beyond_calendar: _Optional[bool] = ...) -> None: ...

class QuoteTermsRequest(_message.Message):
    __slots__ = ("terms_id", "account_id", "contract_id", "amount_minor", "invoice_date")
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    INVOICE_DATE_FIELD_NUMBER: _ClassVar[int]
    terms_id: str
    account_id: str
    contract_id: str
    amount_minor: int
    invoice_date: str
    def __init__(self, terms_id: _Optional[str] = ..., account_id: _Optional[str] = ..., contract_id: _Optional[str] = ..., amount_minor: _Optional[int] = ..., invoice_date: _Optional[str] = ...) -> None: ...

class QuoteTermsResponse(_message.Message):
    __slots__ = ("quote",)
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    quote: InvoiceTerms
    def __init__(self, quote: _Optional[_Union[InvoiceTerms, _Mapping]] = ...) -> None: ...
