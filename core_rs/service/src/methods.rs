//! The calls of the contract.

/// In which lane a call waits. Interactive calls overtake bulk loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Interactive,
    Bulk,
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

methods! {
    CheckAndReserve = 1, "CreditDecisionService", Interactive;
    Check = 2, "CreditDecisionService", Interactive;
    Adjust = 3, "CreditDecisionService", Interactive;
    Capture = 4, "CreditDecisionService", Interactive;
    Release = 5, "CreditDecisionService", Interactive;
    BatchCheckAndReserve = 6, "CreditDecisionService", Interactive;
    GetReservation = 7, "CreditDecisionService", Interactive;
    ListReservations = 8, "CreditDecisionService", Interactive;
    UpsertAccounts = 20, "CreditAccountService", Bulk;
    UpsertSegments = 21, "CreditAccountService", Bulk;
    GetAccount = 22, "CreditAccountService", Interactive;
    ListAccounts = 23, "CreditAccountService", Interactive;
    GetPosition = 24, "CreditAccountService", Interactive;
    WatchPositions = 25, "CreditAccountService", Interactive;
    SuspendAccount = 26, "CreditAccountService", Interactive;
    ReinstateAccount = 27, "CreditAccountService", Interactive;
    CloseAccount = 28, "CreditAccountService", Interactive;
    PostEntries = 40, "LedgerService", Bulk;
    GetTime = 60, "ClockService", Interactive;
    SetTime = 61, "ClockService", Interactive;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_names_its_method() {
        for (path, number) in METHODS {
            let method = Method::of(*number).expect("it is in the table");
            assert!(path.ends_with(&format!("/{method:?}")), "{path} is {method:?}");
        }
        assert_eq!(Method::of(0), None);
    }
}
