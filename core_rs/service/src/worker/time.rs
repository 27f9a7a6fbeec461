//! The clock's own calls, each served when no commit is on its way.

use prost::Message;

use crate::finished::Finished;
use crate::wire::admit;
use crate::wire::reply::timestamp;
use crate::wire::status::Fault;
use crate::wire::v1;
use crate::worker::{Worker, by_the_clock};

impl Worker {
    pub(super) fn clock(&mut self, ticket: u64, request: Option<v1::SetTimeRequest>) -> Finished {
        let answer = match request {
            None => Ok(v1::GetTimeResponse { time: Some(timestamp(self.parts.clock.now())) }
                .encode_to_vec()),
            Some(request) => self.set_time(&request).map(|()| {
                v1::SetTimeResponse { time: Some(timestamp(self.parts.clock.now())) }
                    .encode_to_vec()
            }),
        };
        match answer {
            Ok(bytes) => Finished::ok(ticket, bytes),
            Err(fault) => Finished::fault(ticket, &fault),
        }
    }

    /// Moves the manual clock and does all that is due by then. The time is journalled: a server
    /// that starts again goes on from it.
    fn set_time(&mut self, request: &v1::SetTimeRequest) -> Result<(), Fault> {
        if !self.parts.clock.is_manual() {
            return Err(Fault::clock_not_manual());
        }
        let moment = admit::moment("time", request.time.as_ref())?;
        if moment < self.parts.clock.now() {
            return Err(Fault::clock_backwards(self.parts.clock.now()));
        }
        self.more_due = true;
        while self.more_due {
            self.parts.store.begin(moment);
            by_the_clock(self.parts.store.tick());
            self.housekeep();
            self.flush();
            if self.full_since.is_some() {
                return Err(Fault::store_full());
            }
            self.parts.clock.set(moment);
        }
        Ok(())
    }
}
