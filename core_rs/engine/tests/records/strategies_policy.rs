//! Versions of the policy; what they say does not matter to a record.

use super::*;

pub fn command() -> BoxedStrategy<Command<'static>> {
    prop_oneof![
        (request(), string())
            .prop_map(|(request, text)| Command::PutPolicy(PutPolicy { request, text })),
        (request(), any::<u64>()).prop_map(|(request, version)| {
            Command::ActivatePolicy(ActivatePolicy { request, version })
        }),
        (request(), option::of(any::<u64>())).prop_map(|(request, version)| {
            Command::ShadowPolicy(ShadowPolicy { request, version })
        }),
    ]
    .boxed()
}

pub fn event() -> BoxedStrategy<Event<'static>> {
    prop_oneof![
        (any::<u64>(), string(), string()).prop_map(|(version, text, by)| Event::PolicyPut {
            version,
            text,
            by: by.into(),
        }),
        (any::<u64>(), option::of(any::<u64>()), string()).prop_map(|(version, retired, by)| {
            Event::PolicyActivated { version, retired, by: by.into() }
        }),
        (option::of(any::<u64>()), option::of(any::<u64>()))
            .prop_map(|(was, version)| Event::PolicyShadowed { was, version }),
        any::<u32>().prop_map(|slot| Event::FirstBilled { slot }),
        any::<u32>().prop_map(|slot| Event::OrdersForgotten { slot }),
        (any::<u32>(), any::<u32>(), any::<i64>(), any::<i64>()).prop_map(
            |(slot, orders, part, amount)| Event::OrdersCounted { slot, part, orders, amount }
        ),
        any::<(u32, u16, u16, u64)>().prop_map(|(slot, percent, level, version)| {
            Event::UtilisationCrossed { slot, percent, level, version }
        }),
        any::<(u32, u16, u64)>().prop_map(|(slot, level, version)| Event::UtilisationTaken {
            slot,
            level,
            version
        }),
    ]
    .boxed()
}
