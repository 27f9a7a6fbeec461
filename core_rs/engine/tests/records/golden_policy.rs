//! Policies in the journal.

use super::*;

pub fn rows() -> Vec<Row> {
    let text = "[all]\n";
    vec![
        row(
            "put_policy",
            Command::PutPolicy(PutPolicy { request: REQUEST, text }),
            Outcome::Policy(2),
            vec![Event::PolicyPut { version: 2, text, by: "oms".into() }],
            "",
        ),
        row(
            "activate_policy",
            Command::ActivatePolicy(ActivatePolicy { request: REQUEST, version: 300 }),
            Outcome::Policy(300),
            vec![
                Event::PolicyActivated { version: 300, retired: Some(2), by: "oms".into() },
                Event::PolicyActivated { version: 2, retired: None, by: "oms".into() },
            ],
            "",
        ),
    ]
}
