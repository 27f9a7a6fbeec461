//! What is written to the journal comes back as it was, and is written as it always was.

mod golden;
mod strategies;

use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::values::Text;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use strategies::{command, entry, event, outcome, text};

fn config() -> ProptestConfig {
    let regressions = Box::new(FileFailurePersistence::WithSource("regressions"));
    ProptestConfig { cases: 500, failure_persistence: Some(regressions), ..Default::default() }
}

macro_rules! round_trip {
    ($value:expr, $type:ty) => {{
        let value = $value;
        let bytes = rmp_serde::to_vec(&value).expect("every record can be written");
        let found: $type = rmp_serde::from_slice(&bytes).expect("and read again");
        prop_assert_eq!(&found, &value);
        prop_assert_eq!(rmp_serde::to_vec(&found).expect("and written again"), bytes);
    }};
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn commands_come_back(value in command()) {
        round_trip!(value, creditgate_engine::command::Command<'_>);
    }

    #[test]
    fn events_come_back(value in event()) {
        round_trip!(value, creditgate_engine::event::Event<'_>);
    }

    #[test]
    fn outcomes_come_back(value in outcome()) {
        round_trip!(value, creditgate_engine::outcome::Outcome);
    }

    #[test]
    fn entries_come_back_and_not_in_part(value in entry(), cut in any::<prop::sample::Index>()) {
        let bytes = rmp_serde::to_vec(&value).expect("every record can be written");
        let part = &bytes[..cut.index(bytes.len())];
        prop_assert!(rmp_serde::from_slice::<Entry<'_>>(part).is_err());
        round_trip!(value, Entry<'_>);
    }

    #[test]
    fn texts_come_back_without_what_can_be_erased(value in text()) {
        let bytes = rmp_serde::to_vec(&value).expect("every record can be written");
        let found: Text<'_> = rmp_serde::from_slice(&bytes).expect("and read again");
        prop_assert_eq!((found.digest, found.body), (value.digest, None));
    }

    #[test]
    fn bytes_that_are_no_entry_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(rmp_serde::from_slice::<Entry<'_>>(&bytes).is_err());
    }
}

#[test]
fn ids_are_borrowed_from_the_bytes_that_are_read() {
    let (_, entry, _) = golden::table().remove(0);
    let bytes = rmp_serde::to_vec(&entry).unwrap();
    let found: Entry<'_> = rmp_serde::from_slice(&bytes).unwrap();
    let Request { command, actor, channel, .. } = found.request;
    let creditgate_engine::command::Command::Reserve(reserve) = command else {
        panic!("the first is an order")
    };
    for text in [actor, channel, reserve.request.id, reserve.order.account_id] {
        assert!(bytes.as_ptr_range().contains(&text.as_ptr()), "{text} was copied");
    }
}
