//! How far the ledger's sources have come, and how they were reconciled.

use creditgate_engine::decide;
use creditgate_engine::model::Source;
use prost::Message;

use super::{Calls, Failed};
use crate::methods::Method;
use crate::wire::admit::{self, decode};
use crate::wire::{ledger, reply, v1};

impl Calls<'_> {
    pub(super) fn sources(
        &mut self,
        method: Method,
        bytes: &[u8],
        actor: &str,
    ) -> Result<Vec<u8>, Failed> {
        match method {
            Method::ListSources => Ok(self.list_sources(&decode(bytes)?)?.encode_to_vec()),
            Method::MoveSource => Ok(self.move_source(&decode(bytes)?, actor)?.encode_to_vec()),
            _ => {
                let message = decode(bytes)?;
                let (_, made) = self.execute(&ledger::record_reconciliation(&message, actor)?)?;
                let (journal_seq, replayed) = (made.seq, made.replayed);
                Ok(v1::RecordReconciliationResponse { journal_seq, replayed }.encode_to_vec())
            }
        }
    }

    /// From memory: there are at most a thousand.
    fn list_sources(&self, m: &v1::ListSourcesRequest) -> Result<v1::ListSourcesResponse, Failed> {
        let size = admit::page_size(m.page_size)?;
        // A page ends with a source, of which the token is the name.
        let after = admit::optional_id("page_token", &m.page_token)?;
        let mut found = self.store.state().sources_after(after);
        let sources: Vec<_> = found.by_ref().take(size).map(|row| self.source(row)).collect();
        let last = sources.last().filter(|_| found.next().is_some());
        let next_page_token = last.map(|last| last.source.clone()).unwrap_or_default();
        Ok(v1::ListSourcesResponse { sources, next_page_token })
    }

    /// Journalled where it is news alone, so that a source may say often that it is there.
    fn move_source(
        &mut self,
        m: &v1::MoveSourceRequest,
        actor: &str,
    ) -> Result<v1::MoveSourceResponse, Failed> {
        let request = ledger::move_source(m, actor)?;
        let name = &*m.source;
        if decide::is_news(self.store.state(), self.now, name, m.position) {
            self.execute(&request)?;
        }
        let state = self.store.state();
        let heard_at = state.source_heard_at(name).expect("a source without a row is news");
        let row = Source { position: state.source_position(name), heard_at };
        Ok(v1::MoveSourceResponse { source: Some(self.source((name, &row))) })
    }

    fn source(&self, (name, row): (&str, &Source)) -> v1::LedgerSource {
        let Source { position, heard_at } = *row;
        let latest = self.store.state().reconciliations().get(name);
        v1::LedgerSource {
            source: name.to_owned(),
            position,
            heard_at: Some(reply::timestamp(heard_at)),
            reconciliation: latest.map(ledger::reconciliation),
        }
    }
}
