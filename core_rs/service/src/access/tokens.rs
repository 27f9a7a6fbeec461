//! The file of tokens: a JSON object to a line, with the SHA-256 of each token and never the token.

use std::collections::HashMap;

use creditgate_engine::bounds::ID_BYTES_MAX;
use creditgate_engine::values::Day;
use serde::Deserialize;

use crate::access::roles::Role;

/// SHA-256 of a credential.
pub(crate) type Digest = [u8; 32];

const S_A_DAY: i64 = 86_400;

/// Who expiries and forgotten records are journalled by.
const OWN_ACTOR: &str = "clock";

/// Who a credential stands for, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The only sales channel it may name.
    pub(crate) channel: Option<String>,
    /// Seconds since 1970 from which it holds no more.
    pub(crate) end_s: Option<i64>,
}

/// A line as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    role: String,
    sha256: String,
    channel: Option<String>,
    expires: Option<String>,
}

/// Reads a file of tokens. The error names every line that is wrong; one makes the file invalid,
/// for the line may be the one that revokes.
pub(crate) fn read(text: &str) -> Result<HashMap<Digest, Grant>, String> {
    let mut grants: HashMap<Digest, Grant> = HashMap::new();
    let (mut first, mut wrong) = (HashMap::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let read = entry(line).and_then(|(digest, grant)| {
            agree(first.entry(grant.name.clone()).or_insert_with(|| grant.clone()), &grant)?;
            match grants.insert(digest, grant) {
                None => Ok(()),
                Some(earlier) => Err(format!("sha256: the same as {:?} has", earlier.name)),
            }
        });
        if let Err(why) = read {
            wrong.push(format!("line {}: {why}", index + 1));
        }
    }
    if wrong.is_empty() { Ok(grants) } else { Err(wrong.join("; ")) }
}

fn entry(line: &str) -> Result<(Digest, Grant), String> {
    let line: Line = serde_json::from_str(line).map_err(|error| {
        let why = error.to_string();
        // Of its place only the column is true: each line is read by itself.
        why.split_once(" at line ").map_or(why.clone(), |(why, _)| why.to_owned())
    })?;
    let digest =
        digest(&line.sha256).ok_or_else(|| "sha256: must be 64 hexadecimal digits".to_owned())?;
    let end_s = line.expires.as_deref().map(end_s).transpose()?;
    let grant = grant(line.name, &line.role, line.channel, end_s)?;
    Ok((digest, grant))
}

/// What token files and the claims of a JWT must agree with.
pub(crate) fn grant(
    name: String,
    role: &str,
    channel: Option<String>,
    end_s: Option<i64>,
) -> Result<Grant, String> {
    check("name", &name)?;
    if name == OWN_ACTOR {
        return Err(format!(
            "name is {name:?}: must be another, for the journal knows it as its own"
        ));
    }
    let known = || Role::ALL.map(Role::name).join(", ");
    let role = Role::of(role).ok_or_else(|| format!("role is {role:?}: must be {}", known()))?;
    match &channel {
        Some(channel) if role == Role::Pos => check("channel", channel)?,
        Some(_) => return Err(format!("channel: must be absent for the role {}", role.name())),
        None if role == Role::Pos => return Err("channel: must be given for the role pos".into()),
        None => {}
    }
    Ok(Grant { name, role, channel, end_s })
}

/// An identity's tokens differ in nothing but their time, or it would have two roles.
fn agree(first: &Grant, grant: &Grant) -> Result<(), String> {
    if (first.role, &first.channel) != (grant.role, &grant.channel) {
        let name = &grant.name;
        return Err(format!("name is {name:?}: an earlier line gives it another role or channel"));
    }
    Ok(())
}

fn check(field: &str, value: &str) -> Result<(), String> {
    if value.is_empty() || value.len() > ID_BYTES_MAX || value.chars().any(char::is_control) {
        let rule = "must be 1 to 64 bytes of UTF-8 without control characters";
        return Err(format!("{field} is {value:?}: {rule}"));
    }
    Ok(())
}

fn digest(hex: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    let digits = hex.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok()?;
    }
    Some(digest)
}

/// The end of the last day on which a token holds, in UTC.
fn end_s(day: &str) -> Result<i64, String> {
    let rule = || format!("expires is {day:?}: must be the last day, as YYYY-MM-DD");
    let day = Day::parse(day).ok_or_else(rule)?;
    Ok((i64::from(day.0) + 1) * S_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";

    fn line(name: &str, more: &str) -> String {
        let mut hex = HEX.to_owned();
        hex.replace_range(..2, &format!("{:02x}", name.len() + more.len()));
        format!(r#"{{"name": "{name}", "sha256": "{hex}", {more}}}"#)
    }

    #[test]
    fn a_line_is_a_grant() {
        let till = line("till", r#""role": "pos", "channel": "store-1", "expires": "1970-01-02""#);
        let file = format!("{}\n\n{till}\n", line("oms", r#""role": "order_entry""#));
        let mut grants: Vec<Grant> = read(&file).expect("it is valid").into_values().collect();
        grants.sort_by(|a, b| a.name.cmp(&b.name));
        let oms =
            Grant { name: "oms".to_owned(), role: Role::OrderEntry, channel: None, end_s: None };
        let till = Grant {
            name: "till".to_owned(),
            role: Role::Pos,
            channel: Some("store-1".to_owned()),
            end_s: Some(2 * S_A_DAY),
        };
        assert_eq!(grants, [oms, till]);
        assert_eq!(digest(HEX).map(|digest| digest[..3].to_vec()), Some(vec![0, 255, 0]));
    }

    #[test]
    fn every_line_that_is_wrong_is_named_and_why() {
        for (wrong, why) in [
            (line("a", r#""role": "root""#), "line 1: role is \"root\": must be order_entry, pos"),
            (line("a", r#""role": "pos""#), "line 1: channel: must be given for the role pos"),
            (
                line("a", r#""role": "admin", "channel": "x""#),
                "line 1: channel: must be absent for the role admin",
            ),
            (line("clock", r#""role": "admin""#), "line 1: name is \"clock\": must be another"),
            (line("", r#""role": "admin""#), "line 1: name is \"\": must be 1 to 64 bytes"),
            (line("a", r#""role": "admin", "token": "x""#), "line 1: unknown field `token`"),
            (
                line("a", r#""role": "admin", "expires": "soon""#),
                "line 1: expires is \"soon\": must be the last day, as YYYY-MM-DD",
            ),
            (
                format!("{}\n{}", line("a", r#""role": "admin""#), line("b", r#""role": "admin""#)),
                "line 2: sha256: the same as \"a\" has",
            ),
            (
                format!(
                    "{}\n{}",
                    line("a", r#""role": "admin""#),
                    line("a", r#""role": "loader""#)
                ),
                "line 2: name is \"a\": an earlier line gives it another role or channel",
            ),
            (format!("{}\nx", line("a", r#""role": "root""#)), "line 2: expected value"),
            (
                r#"{"name": "a", "role": "admin", "sha256": "00"}"#.to_owned(),
                "line 1: sha256: must be 64 hexadecimal digits",
            ),
        ] {
            let error = read(&wrong).expect_err(why);
            assert!(error.contains(why), "{error:?} does not say {why:?}");
        }
    }

    #[test]
    fn one_identity_may_have_two_tokens_while_they_change() {
        let (old, new) = (line("a", r#""role": "admin""#), line("a", r#""role":  "admin""#));
        assert_eq!(read(&format!("{old}\n{new}")).map(|grants| grants.len()), Ok(2));
    }
}
