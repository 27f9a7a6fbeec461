//! What invoices took of one reservation, small where they took nothing.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize, Serializer};

use crate::model::Capture;

/// The captures of one reservation, in order. Most have none, and then it is one empty word.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<Capture>")]
#[expect(clippy::box_collection, reason = "an empty vector takes three words of every reservation")]
pub struct Captures(Option<Box<Vec<Capture>>>);

impl Serialize for Captures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl Captures {
    /// Adds the latest.
    pub fn push(&mut self, capture: Capture) {
        // Most orders are shipped at once: room for one, and more where more come.
        self.0.get_or_insert_with(|| Box::new(Vec::with_capacity(1))).push(capture);
    }

    /// Takes the latest away again.
    pub(crate) fn pop(&mut self) {
        let left = self.0.as_mut().map_or(0, |captures| {
            captures.pop();
            captures.len()
        });
        if left == 0 {
            self.0 = None;
        }
    }

    /// Notes that a `Capture` call has named this invoice. Calls `changed` with the place of each
    /// capture that this altered.
    pub fn acknowledge(&mut self, invoice_id: &str, mut changed: impl FnMut(usize)) {
        for (place, capture) in
            self.0.iter_mut().flat_map(|captures| captures.iter_mut()).enumerate()
        {
            if capture.by_ledger && capture.invoice_id == invoice_id {
                capture.by_ledger = false;
                changed(place);
            }
        }
    }

    /// Takes an acknowledgement back.
    pub(crate) fn unacknowledge(&mut self, place: usize) {
        if let Some(captures) = &mut self.0 {
            captures[place].by_ledger = true;
        }
    }
}

impl From<Vec<Capture>> for Captures {
    fn from(captures: Vec<Capture>) -> Captures {
        Captures((!captures.is_empty()).then(|| Box::new(captures)))
    }
}

impl Deref for Captures {
    type Target = [Capture];

    fn deref(&self) -> &[Capture] {
        self.0.as_deref().map_or(&[], |captures| captures)
    }
}

impl fmt::Debug for Captures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(invoice_id: &str, by_ledger: bool) -> Capture {
        Capture { invoice_id: invoice_id.into(), amount: 5, by_ledger }
    }

    #[test]
    fn they_are_written_and_read_as_an_array() {
        assert_eq!(size_of::<Captures>(), 8);
        let mut captures = Captures::default();
        for count in 0..3 {
            let bytes = rmp_serde::to_vec(&captures).unwrap();
            assert_eq!(bytes, rmp_serde::to_vec(&captures.to_vec()).unwrap());
            assert_eq!(rmp_serde::from_slice::<Captures>(&bytes).unwrap(), captures);
            assert_eq!(captures.len(), count);
            captures.push(capture("i", false));
        }
    }

    #[test]
    fn what_was_added_or_acknowledged_is_taken_back() {
        let mut captures = Captures::default();
        captures.push(capture("i", true));
        captures.push(capture("j", true));
        let before = captures.clone();
        let mut places = Vec::new();
        captures.acknowledge("j", |place| places.push(place));
        assert_eq!(places, [1]);
        assert_eq!(captures.last(), Some(&capture("j", false)));
        captures.acknowledge("j", |_| panic!("it is acknowledged already"));
        captures.unacknowledge(1);
        assert_eq!(captures, before);
        captures.pop();
        captures.pop();
        assert_eq!(captures, Captures::default());
    }
}
