use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::access::jwt::tests as signed;

/// A line of the file of tokens.
fn line(name: &str, role: &str, token: &str, more: &str) -> String {
    let sha256: String = digest_of(token).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(r#"{{"name": "{name}", "role": "{role}", "sha256": "{sha256}"{more}}}"#)
}

fn access(folder: &Path, lines: &[String], limits: Limits) -> Access {
    let path = folder.join("tokens");
    fs::write(&path, lines.join("\n")).expect("the folder is ours");
    let options = AccessOptions { tokens: Some(path), limits, ..AccessOptions::default() };
    Access::open(options).expect("the file is valid")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn reason(access: &Access, credential: &str) -> &'static str {
    access.check(credential, None).map_or_else(|fault| fault.reason, |()| "")
}

#[test]
fn a_credential_is_missing_invalid_expired_or_holds() {
    let folder = folder();
    let lines = [
        line("ada", "auditor", "cg_ada", ""),
        line("bob", "auditor", "cg_bob", r#", "expires": "2020-02-29""#),
        line("eve", "auditor", "cg_eve", r#", "expires": "9999-12-31""#),
    ];
    let access = access(folder.path(), &lines, Limits::default());
    for (credential, expected) in [
        ("", "CREDENTIAL_MISSING"),
        ("Bearer cg_ada", ""),
        ("bearer cg_eve", ""),
        ("Bearer cg_bob", "CREDENTIAL_EXPIRED"),
        ("Bearer cg_Ada", "CREDENTIAL_INVALID"),
        ("Bearer ", "CREDENTIAL_INVALID"),
        ("Bearer a.b.c", "CREDENTIAL_INVALID"),
        ("cg_ada", "CREDENTIAL_INVALID"),
        ("Basic cg_ada", "CREDENTIAL_INVALID"),
    ] {
        assert_eq!(reason(&access, credential), expected, "{credential}");
    }
    assert_eq!(access.who("Bearer cg_ada").as_deref(), Some("ada"));
    assert_eq!(access.who("Bearer cg_Ada"), None);
}

#[test]
fn a_call_is_by_the_identity_and_as_its_role_allows() {
    let folder = folder();
    let till = line("till", "pos", "t", r#", "channel": "store-1""#);
    let access = access(folder.path(), &[till], Limits::default());
    let admitted = access.admit(1, "Bearer t", Method::Check, 0).map_err(|fault| fault.reason);
    let admitted = admitted.expect("a till may check");
    assert_eq!((&*admitted.actor, admitted.channel.as_deref()), ("till", Some("store-1")));
    let fault = access.check("Bearer t", Some(Method::ListAccounts)).expect_err("it may not list");
    assert_eq!((fault.code, fault.reason), (Code::PermissionDenied, "ROLE_NOT_ALLOWED"));
    let method = "/creditgate.v1.CreditAccountService/ListAccounts";
    assert_eq!(fault.metadata, [("role", "pos"), ("method", method)]);
}

#[test]
fn a_changed_file_is_in_force_once_it_is_valid() {
    let folder = folder();
    let (ada, bob) = (line("ada", "admin", "a", ""), line("bob", "admin", "b", ""));
    let access = access(folder.path(), std::slice::from_ref(&ada), Limits::default());
    let path = folder.path().join("tokens");
    assert_eq!(access.refresh(), Ok(false));
    fs::write(&path, format!("{ada}\n{bob}\n")).expect("the folder is ours");
    assert_eq!((reason(&access, "Bearer b"), access.refresh()), ("CREDENTIAL_INVALID", Ok(true)));
    assert_eq!(reason(&access, "Bearer b"), "");

    fs::write(&path, "{}").expect("the folder is ours");
    let error = access.refresh().expect_err("a line without a name is wrong").to_string();
    assert!(error.starts_with(&format!("{}: line 1: missing field", path.display())), "{error}");
    assert_eq!(access.refresh(), Ok(false), "it is told once");
    fs::remove_file(&path).expect("the folder is ours");
    assert!(access.refresh().is_err());
    assert_eq!((access.refresh(), reason(&access, "Bearer a")), (Ok(false), ""));

    fs::write(&path, bob).expect("the folder is ours");
    assert_eq!(access.refresh(), Ok(true));
    assert_eq!(reason(&access, "Bearer a"), "CREDENTIAL_INVALID");
}

#[test]
fn a_jwt_is_verified_once_and_remembered_as_long_as_the_keys_stay() {
    let folder = folder();
    let path = folder.path().join("keys");
    let (mine, other) = (signed::key(1), signed::key(2));
    fs::write(&path, signed::set(&[signed::jwk(&mine, "one")])).expect("the folder is ours");
    let options = AccessOptions { keys: Some(path.clone()), ..AccessOptions::default() };
    let access = Access::open(options).expect("it is a key set");
    let remembered = || access.lock().remembered.len();
    let claims = json!({ "sub": "ada", "role": "auditor", "exp": 4_102_444_800_u64 });
    let credential = format!("Bearer {}", signed::sign(&mine, "one", &claims));
    assert_eq!((access.who(&credential), remembered()), (None, 0));
    for _ in 0..2 {
        assert_eq!((reason(&access, &credential), remembered()), ("", 1));
    }
    assert_eq!(access.who(&credential).as_deref(), Some("ada"));
    let forged = format!("Bearer {}", signed::sign(&other, "one", &claims));
    assert_eq!((reason(&access, &forged), remembered()), ("CREDENTIAL_INVALID", 1));

    // What is remembered holds no longer than it says.
    let mut state = access.lock();
    let (digest, identity) = state.remembered.iter().next().expect("there is one");
    let (digest, limiter) = (*digest, Arc::clone(&identity.limiter));
    let grant = Grant { end_s: Some(now_s()), ..identity.grant.clone() };
    state.remembered.insert(digest, Arc::new(Identity { grant, limiter }));
    drop(state);
    assert_eq!(reason(&access, &credential), "CREDENTIAL_EXPIRED");

    fs::write(&path, signed::set(&[signed::jwk(&other, "two")])).expect("the folder is ours");
    assert_eq!((access.refresh(), remembered()), (Ok(true), 0));
    assert_eq!(reason(&access, &credential), "CREDENTIAL_INVALID");
}

#[test]
fn calls_in_flight_count_for_the_identity_until_they_are_answered() {
    let folder = folder();
    let lines = [
        line("ada", "admin", "a", ""),
        line("ada", "admin", "A", ""),
        line("bob", "admin", "b", ""),
    ];
    let limits = Limits { in_flight_max: 2, ..Limits::default() };
    let access = access(folder.path(), &lines, limits);
    let ask = |ticket, credential, method| {
        access.admit(ticket, credential, method, 0).map_or_else(|fault| fault.reason, |_| "")
    };
    assert_eq!(ask(1, "Bearer a", Method::Check), "");
    assert_eq!(ask(2, "Bearer A", Method::WatchPositions), "");
    assert_eq!(ask(3, "Bearer a", Method::Check), "CONCURRENCY_LIMITED");
    assert_eq!(ask(4, "Bearer b", Method::Check), "", "another is not held up");
    assert!(access.pause("Bearer a", 0) > Duration::ZERO);
    assert_eq!(access.pause("Bearer b", 0), Duration::ZERO);
    access.answered(2, false);
    access.answered(3, true);
    assert_eq!(ask(5, "Bearer a", Method::Check), "CONCURRENCY_LIMITED", "the watch goes on");
    access.answered(2, true);
    access.answered(2, true);
    assert_eq!(ask(6, "Bearer A", Method::Check), "");
    access.answered(1, false);
    assert_eq!(ask(7, "Bearer A", Method::Check), "");
    assert_eq!(ask(8, "Bearer A", Method::Check), "CONCURRENCY_LIMITED");
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let folder = folder();
    let limits = Limits { rate_per_s: 1, burst: 2, in_flight_max: 0 };
    let access = access(folder.path(), &[line("ada", "admin", "a", "")], limits);
    let ask = |ticket| access.admit(ticket, "Bearer a", Method::Check, 0).map(|_| ());
    assert_eq!((ask(1), ask(2)), (Ok(()), Ok(())));
    let fault = ask(3).expect_err("a second is not over");
    assert_eq!((fault.code, fault.reason), (Code::ResourceExhausted, "RATE_LIMITED"));
    assert!(fault.retry_ms.is_some_and(|ms| (1..=1_000).contains(&ms)), "{fault:?}");
    assert!(access.figures().contains(&("access_rate_limited", 1)), "{:?}", access.figures());
}

#[test]
fn without_a_file_there_is_nothing_to_check_by() {
    assert!(Access::open(AccessOptions::default()).is_err());
    let folder = folder();
    let tokens = Some(folder.path().join("nowhere"));
    let error = Access::open(AccessOptions { tokens, ..AccessOptions::default() }).map(|_| ());
    assert!(error.expect_err("there is no file").to_string().contains("nowhere: No such file"));
}
