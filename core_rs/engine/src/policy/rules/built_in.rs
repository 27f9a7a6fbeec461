//! What the rules that every order is held to lead to, where a policy says something else.

use crate::outcome::{Effect, ReasonCode};
use crate::policy::reader::Section;
use crate::policy::rules::{Rule, Violations};

/// They bound what may be owed, and hold in every policy: none can be made a mere notice.
pub(super) fn read(section: &mut Section<'_, '_>, code: ReasonCode) -> Option<Rule> {
    section.require("outcome");
    let words = [("refer", Effect::Refer), ("decline", Effect::Decline), ("hold", Effect::Hold)];
    section.one_of("outcome", &words).map(|effect| Rule::BuiltIn(code, effect))
}

pub(super) fn judge(code: ReasonCode, effect: Effect, violations: &mut Violations<'_>) {
    for reason in violations.reasons.iter_mut().filter(|reason| reason.code == code) {
        reason.set_effect(effect);
    }
}
