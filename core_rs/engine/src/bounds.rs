//! Every bound of the domain, in one place, their relations asserted at compile time.

/// Largest amount that a single command may carry, in minor units.
pub const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000_000_000;

/// Largest exposure, and largest part of it, that an account may reach in either direction, in
/// minor units. `limit - exposure` then always fits an `i64`.
pub const EXPOSURE_MINOR_MAX: i64 = 4 * AMOUNT_MINOR_MAX;

/// Longest id of any kind, in bytes of UTF-8.
pub const ID_BYTES_MAX: usize = 64;

/// Longest display name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 200;

/// Longest free-text reason, in bytes of UTF-8.
pub const REASON_BYTES_MAX: usize = 500;

/// Most items in one bulk call, and most orders in one batch.
pub const BATCH_ITEMS_MAX: usize = 1_000;

/// Most allocations of one payment.
pub const ALLOCATIONS_MAX: usize = 100;

/// Most invoices that take a part of one reservation, but for what is captured by force.
pub const CAPTURES_MAX: usize = 1_000;

/// Longest time a reservation may hold, in seconds: 366 days.
pub const TTL_S_MAX: u32 = 366 * 86_400;

/// Most parents above an account.
pub const PARENT_DEPTH_MAX: usize = 8;

/// Most holds of one account that have not ended.
pub const HOLDS_MAX: usize = 16;

/// Most temporary limits of one account that have not ended.
pub const TEMPORARY_LIMITS_MAX: usize = 32;

/// Longest text of a policy, in bytes of UTF-8.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;

/// Most versions of the policy.
pub const POLICIES_MAX: usize = 4_096;

/// Most verifications that are kept of one account, beside those that something stands on.
pub const VERIFICATIONS_MAX: usize = 8;

/// Highest score of a verification; the lowest is 0.
pub const SCORE_MAX: i64 = 1_000_000;

/// Most proposals of one account that wait.
pub const PROPOSALS_MAX: usize = 8;

/// Most proposals that wait in all.
pub const PROPOSALS_TOTAL_MAX: usize = 100_000;

/// Most instalments of one invoice.
pub const INSTALMENTS_MAX: usize = 60;

/// Most discounts of one invoice.
pub const DISCOUNTS_MAX: usize = 10;

/// Most rows of a table of due dates.
pub const DUE_ROWS_MAX: usize = 400;

/// Longest time from an invoice to its due date in days, and longest grace: ten years.
pub const DUE_DAYS_MAX: u16 = 3_660;

/// The same in months.
pub const DUE_MONTHS_MAX: u8 = 120;

/// Most invoices of an account that are tried for one that would cure a violation, and for the day
/// on which enough is paid.
pub const CURE_ITEMS_MAX: usize = 1_000;

/// Farthest from today that the day of an invoice may lie which a capture names, in days.
pub const INVOICE_DAYS_MAX: u16 = 366;

/// Over how many days, from the day of an order, the terms that it asks for are held against its
/// own: all days of a month, for terms that turn on them.
pub const TERMS_COMPARED_DAYS: u16 = 31;

/// Most holidays of one calendar.
pub const HOLIDAYS_MAX: usize = 5_000;

/// Most whole days that the average of a rolling limit looks back.
pub const ROLLING_DAYS_MAX: u16 = 366;

/// Most sources of ledger entries.
pub const SOURCES_MAX: usize = 1_000;

/// Largest number of accounts, or of items, that a reconciliation tells of.
pub const COMPARED_MAX: u64 = 1_000_000_000_000;

/// Most proposals of adjustments that wait for a second person.
pub const ADJUSTMENTS_WAITING_MAX: usize = 1_000;

/// How long a source is heard before that is noted again, where its position does not move: in
/// microseconds.
pub const HEARD_AGAIN_US: i64 = 60_000_000;

/// Most reservations and items that one housekeeping entry expires or forgets.
pub const HOUSEKEEP_EVENTS_MAX: usize = 1_000;

/// Largest exchange rate, and most digits of one without its point.
pub const RATE_MANTISSA_MAX: i64 = 1_000_000_000_000_000;

/// Most digits of a rate behind its point.
pub const RATE_SCALE_MAX: u8 = 12;

/// Most open orders in other currencies that one call looks at to value them anew.
pub const REVALUED_MAX: usize = 1_000;

/// Most cases that wait for a person; what is referred beyond them opens none.
pub const CASES_PENDING_MAX: usize = 100_000;

/// Most of them of one account, so that no account takes the place of all others.
pub const ACCOUNT_CASES_PENDING_MAX: usize = 1_000;

/// Most people who ask for the order of one case.
pub const CASE_ASKERS_MAX: usize = 16;

/// Most comments that a case keeps; the journal has all.
pub const CASE_COMMENTS_MAX: usize = 20;

/// The most urgent priority of a case.
pub const CASE_PRIORITY_MAX: u8 = 9;

/// Most waiting cases that one step of the clock looks at again.
pub const CASES_RETRIED_MAX: usize = 64;

/// How often that begins again with the first of them, when more comes back meanwhile, before it
/// goes on to the last.
pub const CASES_BEGUN_AGAIN_MAX: u8 = 8;

/// How often cases that are approved are looked at without that anything came back, for time alone
/// may do: in microseconds.
pub const APPROVED_RETRIED_US: i64 = 60_000_000;

/// Most delegations that have not ended.
pub const DELEGATIONS_MAX: usize = 1_000;

/// Longest time limit of cases and approvals, in hours: 366 days.
pub const APPROVAL_HOURS_MAX: i64 = 366 * 24;

/// Most entries whose texts one call erases that names an account.
pub const ERASED_ENTRIES_MAX: usize = 100_000;

const _: () = assert!(EXPOSURE_MINOR_MAX as i128 + AMOUNT_MINOR_MAX as i128 <= i64::MAX as i128);
// No product of an amount, a rate and the digits of two currencies is beyond an i128.
const _: () = assert!(EXPOSURE_MINOR_MAX as i128 <= i128::MAX / RATE_MANTISSA_MAX as i128 / 10_000);
const _: () = assert!(ACCOUNT_CASES_PENDING_MAX < CASES_PENDING_MAX);
const _: () = assert!(ALLOCATIONS_MAX < u16::MAX as usize);
