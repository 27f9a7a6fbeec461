//! What becomes of the process when one of its threads panics.

/// Held by a thread: when it panics, the process ends. Calls that nobody answers and state that
/// nobody trusts are worse than a restart, which recovers.
pub(crate) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}
