//! Several commands of which all are in one commit, or none.

use creditgate_engine::entry::Request;

use super::{Answer, Store};
use crate::error::ExecuteError;

impl Store {
    /// Decides an approval of adjustments and then the entries that it is of: all of them are in
    /// one commit, or nothing is.
    ///
    /// # Errors
    ///
    /// Which of them was refused, and its error; none of them has then changed anything.
    pub fn execute_together(
        &mut self,
        requests: &[Request<'_>],
    ) -> Result<Answer, (usize, ExecuteError)> {
        let (state, names) = (self.state.mark(), self.windows.mark());
        let seq = self.pending.next_seq();
        let mut first = None;
        for (index, request) in requests.iter().enumerate() {
            match self.execute(request) {
                Ok(answer) => drop(first.get_or_insert(answer)),
                Err(error) => {
                    self.state.undo(state);
                    self.windows.undo_to(names);
                    self.pending.truncate(seq);
                    self.known_call = None;
                    return Err((index, error));
                }
            }
        }
        Ok(first.expect("an approval is asked for"))
    }
}
