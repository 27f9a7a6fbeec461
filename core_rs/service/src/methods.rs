//! The calls of the contract.

/// In which lane a call waits. Interactive calls overtake bulk loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Interactive,
    Bulk,
}

/// Whether the method of this number takes its time: a load waits in the bulk lane, a list for the
/// tables.
#[must_use]
pub fn is_slow(number: u16) -> bool {
    Method::of(number).is_some_and(|method| {
        let is_list = matches!(
            method,
            Method::ListAccounts
                | Method::ListReservations
                | Method::ListOpenItems
                | Method::ListChanges
                | Method::GetDecision
                | Method::EraseTexts
        );
        is_list || method.lane() == Lane::Bulk
    })
}

macro_rules! methods {
    ($($name:ident = $number:literal, $service:literal, $lane:ident;)*) => {
        /// One call of the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Method { $($name = $number),* }

        /// Full gRPC path and number of every call.
        pub const METHODS: &[(&str, u16)] = &[
            $((concat!("/creditgate.v1.", $service, "/", stringify!($name)), $number)),*
        ];

        impl Method {
            pub(crate) fn of(number: u16) -> Option<Method> {
                match number {
                    $($number => Some(Method::$name),)*
                    _ => None,
                }
            }

            pub(crate) fn lane(self) -> Lane {
                match self {
                    $(Method::$name => Lane::$lane),*
                }
            }
        }
    };
}

impl Method {
    /// As gRPC names it.
    pub(crate) fn path(self) -> &'static str {
        let own = METHODS.iter().find(|(_, number)| *number == self as u16);
        own.expect("it is in the table").0
    }

    /// Whether a call of it has many answers, until it is ended.
    pub(crate) fn is_watch(self) -> bool {
        matches!(self, Method::WatchPositions | Method::WatchReservation)
    }

    /// Name and number of the field that holds the rows of a call that is decoded as a whole.
    pub(crate) fn rows(self) -> Option<(&'static str, u32)> {
        match self {
            Method::UpsertAccounts => Some(("accounts", 2)),
            Method::UpsertSegments => Some(("segments", 2)),
            Method::PostEntries => Some(("entries", 2)),
            Method::ProposeAdjustments | Method::ApproveAdjustments => Some(("entries", 3)),
            Method::UpsertTerms => Some(("terms", 2)),
            Method::UpsertCalendars => Some(("calendars", 2)),
            Method::AssignTerms => Some(("assignments", 2)),
            Method::RecordVerifications => Some(("verifications", 2)),
            Method::UpsertRates => Some(("rates", 2)),
            Method::WatchPositions => Some(("account_ids", 1)),
            _ => None,
        }
    }
}

methods! {
    CheckAndReserve = 1, "CreditDecisionService", Interactive;
    Check = 2, "CreditDecisionService", Interactive;
    Adjust = 3, "CreditDecisionService", Interactive;
    Capture = 4, "CreditDecisionService", Interactive;
    Release = 5, "CreditDecisionService", Interactive;
    BatchCheckAndReserve = 6, "CreditDecisionService", Interactive;
    GetReservation = 7, "CreditDecisionService", Interactive;
    ListReservations = 8, "CreditDecisionService", Interactive;
    Confirm = 9, "CreditDecisionService", Interactive;
    GetDecision = 140, "CreditDecisionService", Interactive;
    UpsertAccounts = 20, "CreditAccountService", Bulk;
    UpsertSegments = 21, "CreditAccountService", Bulk;
    GetAccount = 22, "CreditAccountService", Interactive;
    ListAccounts = 23, "CreditAccountService", Interactive;
    GetPosition = 24, "CreditAccountService", Interactive;
    WatchPositions = 25, "CreditAccountService", Interactive;
    SuspendAccount = 26, "CreditAccountService", Interactive;
    ReinstateAccount = 27, "CreditAccountService", Interactive;
    CloseAccount = 28, "CreditAccountService", Interactive;
    ListSegments = 29, "CreditAccountService", Interactive;
    PlaceHold = 30, "CreditAccountService", Interactive;
    LiftHold = 31, "CreditAccountService", Interactive;
    SetTemporaryLimit = 32, "CreditAccountService", Interactive;
    RemoveTemporaryLimit = 33, "CreditAccountService", Interactive;
    SetRollingLimit = 34, "CreditAccountService", Interactive;
    RemoveRollingLimit = 35, "CreditAccountService", Interactive;
    PostEntries = 40, "LedgerService", Bulk;
    ListSources = 41, "LedgerService", Interactive;
    MoveSource = 42, "LedgerService", Bulk;
    ListOpenItems = 43, "LedgerService", Interactive;
    ProposeAdjustments = 44, "LedgerService", Bulk;
    ApproveAdjustments = 45, "LedgerService", Bulk;
    RejectAdjustments = 46, "LedgerService", Interactive;
    ListAdjustments = 47, "LedgerService", Interactive;
    RecordReconciliation = 48, "LedgerService", Bulk;
    UpsertTerms = 70, "TermsService", Bulk;
    UpsertCalendars = 71, "TermsService", Bulk;
    AssignTerms = 72, "TermsService", Bulk;
    ListTerms = 73, "TermsService", Interactive;
    ListCalendars = 74, "TermsService", Interactive;
    GetTermsOf = 75, "TermsService", Interactive;
    QuoteTerms = 76, "TermsService", Interactive;
    ListTermsAssignments = 150, "TermsService", Interactive;
    RecordVerifications = 120, "LimitService", Bulk;
    ProposeLimit = 121, "LimitService", Bulk;
    ApproveProposal = 122, "LimitService", Interactive;
    RejectProposal = 123, "LimitService", Interactive;
    ListProposals = 124, "LimitService", Interactive;
    UpsertRates = 130, "RateService", Bulk;
    ListRates = 131, "RateService", Interactive;
    RevalueReservations = 132, "RateService", Interactive;
    GetTime = 60, "ClockService", Interactive;
    SetTime = 61, "ClockService", Interactive;
    WatchReservation = 100, "CreditDecisionService", Interactive;
    ListCases = 101, "ApprovalService", Interactive;
    GetCase = 102, "ApprovalService", Interactive;
    ClaimCase = 103, "ApprovalService", Interactive;
    ApproveCase = 104, "ApprovalService", Interactive;
    RejectCase = 105, "ApprovalService", Interactive;
    EscalateCase = 106, "ApprovalService", Interactive;
    CommentOnCase = 107, "ApprovalService", Interactive;
    Delegate = 108, "ApprovalService", Interactive;
    ListDelegations = 109, "ApprovalService", Interactive;
    ListChanges = 80, "AuditService", Interactive;
    GetCheckpoint = 81, "AuditService", Interactive;
    EraseTexts = 82, "AuditService", Interactive;
    CheckPolicy = 90, "PolicyService", Interactive;
    PutPolicy = 91, "PolicyService", Interactive;
    ActivatePolicy = 92, "PolicyService", Interactive;
    GetPolicy = 93, "PolicyService", Interactive;
    ListPolicies = 94, "PolicyService", Interactive;
    ShadowPolicy = 95, "PolicyService", Interactive;
    GetShadow = 96, "PolicyService", Interactive;
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::wire::admit::bound_rows;
    use crate::wire::v1;

    #[test]
    fn every_number_names_its_method() {
        for (path, number) in METHODS {
            let method = Method::of(*number).expect("it is in the table");
            assert!(path.ends_with(&format!("/{method:?}")), "{path} is {method:?}");
        }
        assert_eq!(Method::of(0), None);
    }

    /// Neither what lets orders go on nor the hold of a bureau is to wait behind a load.
    #[test]
    fn what_jobs_send_by_the_thousand_waits_in_the_bulk_lane() {
        for method in [Method::PostEntries, Method::MoveSource, Method::ProposeLimit] {
            assert_eq!(method.lane(), Lane::Bulk, "{method:?}");
        }
        for method in [Method::PlaceHold, Method::LiftHold, Method::ApproveProposal] {
            assert_eq!(method.lane(), Lane::Interactive, "{method:?}");
        }
    }

    #[test]
    fn too_many_rows_are_refused_before_they_are_decoded() {
        fn request(method: Method, rows: usize) -> Vec<u8> {
            match method {
                Method::UpsertAccounts => v1::UpsertAccountsRequest {
                    accounts: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::UpsertSegments => v1::UpsertSegmentsRequest {
                    segments: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::PostEntries => v1::PostEntriesRequest {
                    entries: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::ProposeAdjustments => v1::ProposeAdjustmentsRequest {
                    entries: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::ApproveAdjustments => v1::ApproveAdjustmentsRequest {
                    entries: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::UpsertTerms => v1::UpsertTermsRequest {
                    terms: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::UpsertCalendars => v1::UpsertCalendarsRequest {
                    calendars: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::AssignTerms => v1::AssignTermsRequest {
                    assignments: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::RecordVerifications => v1::RecordVerificationsRequest {
                    verifications: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::UpsertRates => v1::UpsertRatesRequest {
                    rates: vec![Default::default(); rows],
                    ..Default::default()
                }
                .encode_to_vec(),
                Method::WatchPositions => {
                    v1::WatchPositionsRequest { account_ids: vec![String::new(); rows] }
                        .encode_to_vec()
                }
                other => panic!("{other:?} has no rows"),
            }
        }
        let methods = METHODS.iter().filter_map(|(_, number)| Method::of(*number));
        for (method, (field, number)) in methods.filter_map(|m| Some((m, m.rows()?))) {
            assert_eq!(bound_rows(field, number, &request(method, 1_000)), Ok(()));
            let fault = bound_rows(field, number, &request(method, 1_001)).expect_err(field);
            assert_eq!((fault.reason, &*fault.field), ("FIELD_INVALID", field));
        }
    }
}
