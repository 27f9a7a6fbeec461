//! Which role may call which method: the one table, for every transport.

use crate::methods::{METHODS, Method};

/// What somebody is here for. Each identity has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A system that takes orders, through any channel.
    OrderEntry,
    /// A point of sale, through its own channel only.
    Pos,
    /// Brings accounts, segments and the ledger's entries.
    Loader,
    /// Looks into everything and may stop an account.
    CreditAnalyst,
    /// Sets limits and says which accounts may buy.
    Finance,
    /// Orders, and stops and reinstates accounts, in person.
    Supervisor,
    /// Reads everything and changes nothing.
    Auditor,
    /// May call every method.
    Admin,
}

use Role::{Admin, Auditor, CreditAnalyst, Finance, Loader, OrderEntry, Pos, Supervisor};

/// Who moves orders.
const SELLERS: &[Role] = &[OrderEntry, Pos, Supervisor];
/// Who looks at one order.
const ORDER_READERS: &[Role] = &[OrderEntry, Pos, CreditAnalyst, Finance, Supervisor, Auditor];
/// Who looks at one account after the other. A loader looks up which ones exist.
const ACCOUNT_READERS: &[Role] = &[OrderEntry, Loader, CreditAnalyst, Finance, Supervisor, Auditor];
/// Who looks at where accounts stand.
const READERS: &[Role] = &[OrderEntry, CreditAnalyst, Finance, Supervisor, Auditor];
/// Who looks at all of the book.
const OVERSEERS: &[Role] = &[CreditAnalyst, Finance, Supervisor, Auditor];

/// Who holds the ledger and the book against each other. A loader goes on where it had come to.
const LEDGER_READERS: &[Role] = &[Loader, CreditAnalyst, Finance, Supervisor, Auditor];

/// Who signs orders that were referred.
const SIGNERS: &[Role] = &[CreditAnalyst, Finance, Supervisor];

/// Who may call the method, beside [`Admin`], who may call all. There is no rest to this match: a
/// new method needs its line here before it compiles.
const fn callers(method: Method) -> &'static [Role] {
    match method {
        Method::CheckAndReserve => SELLERS,
        Method::Check => &[OrderEntry, Pos, CreditAnalyst, Finance, Supervisor],
        Method::Adjust => SELLERS,
        Method::Capture => SELLERS,
        Method::Release => SELLERS,
        Method::BatchCheckAndReserve => SELLERS,
        Method::GetReservation => ORDER_READERS,
        Method::ListReservations => READERS,
        Method::Confirm => ORDER_READERS,
        // It names who asked: a point of sale sees its own answers alone.
        Method::GetDecision => READERS,
        Method::WatchReservation => ORDER_READERS,
        Method::ListCases | Method::GetCase | Method::ListDelegations => OVERSEERS,
        // Which of them may sign what, the policy in force says.
        Method::ClaimCase | Method::ApproveCase | Method::RejectCase => SIGNERS,
        Method::EscalateCase | Method::CommentOnCase | Method::Delegate => SIGNERS,
        Method::UpsertAccounts => &[Loader, Finance],
        Method::UpsertSegments => &[Loader, Finance],
        Method::GetAccount => ACCOUNT_READERS,
        Method::ListAccounts => ACCOUNT_READERS,
        Method::GetPosition => READERS,
        Method::WatchPositions => READERS,
        Method::SuspendAccount => &[CreditAnalyst, Finance, Supervisor],
        Method::ReinstateAccount => &[Finance, Supervisor],
        Method::CloseAccount => &[Finance],
        // A bureau's or a fraud desk's system may stop an account, and take that back.
        Method::PlaceHold => &[Loader, CreditAnalyst, Finance, Supervisor],
        Method::LiftHold => &[Loader, Finance, Supervisor],
        Method::SetTemporaryLimit | Method::RemoveTemporaryLimit => &[Finance],
        Method::SetRollingLimit | Method::RemoveRollingLimit => &[Finance],
        Method::ListSegments => OVERSEERS,
        Method::PostEntries | Method::MoveSource => &[Loader],
        Method::ListSources | Method::ListOpenItems => LEDGER_READERS,
        // What was found when the two were held against each other is known to whoever did it.
        Method::RecordReconciliation => &[Loader, Finance],
        // A reconciliation proposes, people approve.
        Method::ProposeAdjustments => &[Loader, Finance, Supervisor],
        Method::ApproveAdjustments | Method::RejectAdjustments => &[Finance, Supervisor],
        Method::ListAdjustments => LEDGER_READERS,
        Method::UpsertTerms | Method::UpsertCalendars | Method::AssignTerms => &[Loader, Finance],
        // A bureau's system may say what it found out; what follows from it is for people.
        Method::RecordVerifications => &[Loader, CreditAnalyst, Finance],
        Method::ProposeLimit => &[Loader, CreditAnalyst, Finance, Supervisor],
        Method::ApproveProposal | Method::RejectProposal => &[Finance],
        Method::ListProposals => OVERSEERS,
        Method::ListTerms | Method::ListCalendars => ACCOUNT_READERS,
        Method::GetTermsOf | Method::QuoteTerms => ACCOUNT_READERS,
        Method::ListTermsAssignments => ACCOUNT_READERS,
        Method::UpsertRates | Method::RevalueReservations => &[Loader, Finance],
        Method::ListRates => ACCOUNT_READERS,
        Method::ListChanges => OVERSEERS,
        Method::GetCheckpoint => &[Finance, Auditor],
        Method::EraseTexts => &[Finance],
        Method::PutPolicy | Method::ActivatePolicy | Method::ShadowPolicy => &[Finance],
        Method::CheckPolicy | Method::GetPolicy | Method::ListPolicies => OVERSEERS,
        Method::GetShadow => OVERSEERS,
        Method::GetTime => &Role::ALL,
        Method::SetTime => &[],
    }
}

impl Role {
    /// All of them, in the order of the documentation.
    pub const ALL: [Role; 8] =
        [OrderEntry, Pos, Loader, CreditAnalyst, Finance, Supervisor, Auditor, Admin];

    /// As in token files, claims and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            OrderEntry => "order_entry",
            Pos => "pos",
            Loader => "loader",
            CreditAnalyst => "credit_analyst",
            Finance => "finance",
            Supervisor => "supervisor",
            Auditor => "auditor",
            Admin => "admin",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    pub(crate) fn may_call(self, method: Method) -> bool {
        self == Admin || callers(method).contains(&self)
    }
}

/// Every method's path with the names of the roles that may call it.
pub fn table() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    METHODS.iter().map(|(path, number)| {
        let method = Method::of(*number).expect("it is in the table of methods");
        let allowed = Role::ALL.into_iter().filter(|role| role.may_call(method));
        (*path, allowed.map(Role::name).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_known_by_its_name_and_may_do_something() {
        for role in Role::ALL {
            assert_eq!(Role::of(role.name()), Some(role));
            assert!(table().any(|(_, roles)| roles.contains(&role.name())), "{role:?}");
        }
        assert_eq!(Role::of("root"), None);
        assert_eq!(Role::of(""), None);
    }

    /// What each may not do is what a role is for.
    #[test]
    fn those_who_look_change_nothing_and_those_who_sell_set_no_limits() {
        let changing = [
            Method::CheckAndReserve,
            Method::Adjust,
            Method::Capture,
            Method::Release,
            Method::BatchCheckAndReserve,
            Method::UpsertAccounts,
            Method::UpsertSegments,
            Method::SuspendAccount,
            Method::ReinstateAccount,
            Method::CloseAccount,
            Method::PlaceHold,
            Method::LiftHold,
            Method::SetTemporaryLimit,
            Method::RemoveTemporaryLimit,
            Method::SetRollingLimit,
            Method::RemoveRollingLimit,
            Method::RecordVerifications,
            Method::ProposeLimit,
            Method::ApproveProposal,
            Method::RejectProposal,
            Method::UpsertTerms,
            Method::UpsertCalendars,
            Method::AssignTerms,
            Method::UpsertRates,
            Method::RevalueReservations,
            Method::PostEntries,
            Method::MoveSource,
            Method::RecordReconciliation,
            Method::ClaimCase,
            Method::ApproveCase,
            Method::RejectCase,
            Method::EscalateCase,
            Method::CommentOnCase,
            Method::Delegate,
            Method::EraseTexts,
            Method::PutPolicy,
            Method::ActivatePolicy,
            Method::ShadowPolicy,
            Method::SetTime,
        ];
        assert!(changing.iter().all(|method| !Auditor.may_call(*method)));
        let sets_limits = [
            Method::UpsertAccounts,
            Method::UpsertSegments,
            Method::PostEntries,
            Method::ApproveProposal,
        ];
        for limits in sets_limits {
            assert!(!SELLERS.iter().any(|role| role.may_call(limits)), "{limits:?}");
        }
        assert!(!Loader.may_call(Method::ApproveProposal));
        assert!(!Loader.may_call(Method::CheckAndReserve));
        // It has no list, no account and no bulk call: those know no channel.
        let pos: Vec<_> = table().filter(|(_, roles)| roles.contains(&"pos")).collect();
        let names = pos.iter().filter_map(|(path, _)| path.rsplit('/').next());
        assert_eq!(
            names.collect::<Vec<_>>(),
            [
                "CheckAndReserve",
                "Check",
                "Adjust",
                "Capture",
                "Release",
                "BatchCheckAndReserve",
                "GetReservation",
                "Confirm",
                "GetTime",
                "WatchReservation",
            ]
        );
    }
}
