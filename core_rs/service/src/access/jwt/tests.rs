use jsonwebtoken::{EncodingKey, Header, encode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::access::roles::Role;

/// An Ed25519 key of this seed, as PKCS #8.
pub(crate) fn key(seed: u8) -> EncodingKey {
    let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    der.extend([seed; 32]);
    EncodingKey::from_ed_der(&der)
}

pub(crate) fn jwk(key: &EncodingKey, id: &str) -> Value {
    let jwk = Jwk::from_encoding_key(key, Algorithm::EdDSA).expect("it has a public key");
    let mut jwk = serde_json::to_value(jwk).expect("it is JSON");
    jwk["kid"] = id.into();
    jwk
}

pub(crate) fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

pub(crate) fn sign(key: &EncodingKey, id: &str, claims: &Value) -> String {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::EdDSA) };
    encode(&header, claims, key).expect("it can be signed")
}

/// As [`sign`] does, for another header than it would write.
fn with_header(header: &Value, token: &str) -> String {
    use base64::Engine;
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header.to_string());
    let (_, rest) = token.split_once('.').expect("it has three parts");
    format!("{header}.{rest}")
}

/// 2100-01-01 and 2001-09-09.
const LATE_S: i64 = 4_102_444_800;
const PAST_S: i64 = 1_000_000_000;

fn claims() -> Value {
    json!({ "sub": "ada", "role": "finance", "exp": LATE_S, "iss": "us", "aud": "credit" })
}

fn changed(field: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().expect("an object").remove(field)),
        value => claims[field] = value,
    }
    claims
}

fn verifier() -> Verifier {
    let keys = set(&[jwk(&key(1), "one"), jwk(&key(2), "two")]);
    Verifier::read(&keys, Some("us"), Some("credit")).expect("it is a key set")
}

#[test]
fn a_token_that_a_key_of_the_set_signed_is_a_grant() {
    let expected = Grant {
        name: "ada".to_owned(),
        role: Role::Finance,
        channel: None,
        end_s: Some(LATE_S + 30),
    };
    assert_eq!(verifier().verify(&sign(&key(2), "two", &claims())), Ok(expected.clone()));
    // Without an id the keys are tried one after the other.
    let token = encode(&Header::new(Algorithm::EdDSA), &claims(), &key(2)).expect("it is signed");
    assert_eq!(verifier().verify(&token), Ok(expected));
    let till = json!({
        "sub": "till", "role": "pos", "channel": "store-1", "exp": LATE_S, "iss": "us",
        "aud": ["shop", "credit"],
    });
    let grant = verifier().verify(&sign(&key(1), "one", &till)).expect("it holds");
    assert_eq!((grant.role, grant.channel.as_deref()), (Role::Pos, Some("store-1")));
}

#[test]
fn what_is_forged_has_no_claims() {
    let good = sign(&key(1), "one", &claims());
    let (body, _) = good.rsplit_once('.').expect("it has three parts");
    let public = key(1);
    let public = jwk(&public, "one")["x"].as_str().expect("its public key").to_owned();
    let secret = EncodingKey::from_base64_secret(&public.replace('-', "+").replace('_', "/"));
    let by_public_key = secret.map(|secret| {
        let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(), &secret).expect("it can be signed")
    });
    let other_claims = sign(&key(1), "one", &changed("role", "admin".into()));
    let (_, other_body) = other_claims.split_once('.').expect("it has three parts");
    let (other_body, _) = other_body.rsplit_once('.').expect("it has three parts");
    let (head, signature) = (good.split('.').next(), good.rsplit('.').next());
    let forged = [
        sign(&key(3), "one", &claims()),
        sign(&key(1), "two", &claims()),
        sign(&key(1), "three", &claims()),
        format!("{}.{other_body}.{}", head.expect("a part"), signature.expect("a part")),
        format!("{body}."),
        with_header(&json!({ "alg": "none" }), &format!("{body}.")),
        with_header(&json!({ "alg": "HS256", "kid": "one" }), &good),
        with_header(&json!({ "alg": "EdDSA", "kid": "one", "crit": ["b64"] }), &good),
        by_public_key.unwrap_or_else(|_| "a.b.c".to_owned()),
        "a.b.c".to_owned(),
        "..".to_owned(),
    ];
    for token in forged {
        let refused = verifier().verify(&token);
        assert!(matches!(refused, Err(Unverified::Invalid(_))), "{token} is {refused:?}");
    }
}

proptest! {
    /// Whatever is sent is looked at, and nothing of it holds.
    #[test]
    fn what_is_made_up_is_refused(parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 1..5)) {
        prop_assert!(verifier().verify(&parts.join(".")).is_err());
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_refused(place in any::<prop::sample::Index>()) {
        let mut token = sign(&key(1), "one", &claims()).into_bytes();
        // The last character of a signature has bits that say nothing, which a reader may refuse.
        let place = place.index(token.len() - 1);
        token[place] = if token[place] == b'A' { b'B' } else { b'A' };
        let token = String::from_utf8(token).expect("it is ASCII");
        prop_assert!(verifier().verify(&token).is_err(), "{token}");
    }
}

#[test]
fn claims_must_be_there_and_hold_now() {
    let verify = |claims: &Value| verifier().verify(&sign(&key(1), "one", claims));
    assert_eq!(verify(&changed("exp", PAST_S.into())), Err(Unverified::Expired));
    for wrong in [
        changed("exp", Value::Null),
        changed("exp", "tomorrow".into()),
        changed("nbf", LATE_S.into()),
        changed("sub", Value::Null),
        changed("sub", "".into()),
        changed("sub", "x".repeat(65).into()),
        changed("iss", Value::Null),
        changed("iss", "them".into()),
        changed("aud", Value::Null),
        changed("aud", "another".into()),
        changed("role", Value::Null),
        changed("role", "root".into()),
        changed("role", "pos".into()),
        changed("channel", "web".into()),
    ] {
        let refused = verify(&wrong);
        assert!(matches!(refused, Err(Unverified::Invalid(_))), "{wrong} is {refused:?}");
    }
}

#[test]
fn a_set_without_a_key_of_ours_is_refused_and_others_in_it_are_left_out() {
    let secret = json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" });
    let mut sealing = jwk(&key(1), "one");
    sealing["use"] = "enc".into();
    for useless in [set(&[]), set(std::slice::from_ref(&secret)), set(&[sealing])] {
        let refused = Verifier::read(&useless, None, None).map(|_| ());
        assert_eq!(refused, Err("no key in it is for RS256, ES256 or EdDSA (Ed25519)".to_owned()));
    }
    assert!(Verifier::read("keys", None, None).is_err());
    let verifier = Verifier::read(&set(&[secret, jwk(&key(1), "one")]), None, None);
    let verifier = verifier.expect("one of them is ours");
    // Where no issuer and no audience is asked for, tokens may name any.
    assert!(verifier.verify(&sign(&key(1), "one", &claims())).is_ok());
    assert!(verifier.verify(&sign(&key(1), "one", &changed("iss", Value::Null))).is_ok());
}
