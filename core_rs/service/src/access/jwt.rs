//! Signed tokens (JWT, RFC 7519) by the keys of a local set (JWKS, RFC 7517).

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::access::tokens::{self, Grant};

/// How far the clock of whoever signs may be from ours, in seconds.
const LEEWAY_S: u32 = 30;

/// Why a token does not hold. No variant repeats any of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unverified {
    Expired,
    Invalid(String),
}

/// Verifies tokens by public keys. There is no shared secret among them, so that a token that names
/// a public key as one (`HS256`), or none at all, finds no key.
pub(crate) struct Verifier {
    keys: Vec<Key>,
}

struct Key {
    id: Option<String>,
    key: DecodingKey,
    /// For the one algorithm of the key: a token does not choose it.
    rules: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    role: String,
    channel: Option<String>,
    exp: i64,
}

impl Verifier {
    /// Reads a key set. `issuer` and `audience`: what tokens must name, where given.
    pub(crate) fn read(
        text: &str,
        issuer: Option<&str>,
        audience: Option<&str>,
    ) -> Result<Verifier, String> {
        let set: JwkSet = serde_json::from_str(text).map_err(|why| format!("no key set: {why}"))?;
        let mut keys = Vec::new();
        for (index, jwk) in set.keys.iter().enumerate() {
            // A set may hold keys for other purposes.
            let Some(algorithm) = algorithm(jwk) else { continue };
            let key = DecodingKey::from_jwk(jwk).map_err(|why| format!("keys[{index}]: {why}"))?;
            let rules = rules(algorithm, issuer, audience);
            keys.push(Key { id: jwk.common.key_id.clone(), key, rules });
        }
        if keys.is_empty() {
            return Err("no key in it is for RS256, ES256 or EdDSA (Ed25519)".to_owned());
        }
        Ok(Verifier { keys })
    }

    /// Who the token stands for, by its claims `sub`, `role`, `channel` and `exp`.
    pub(crate) fn verify(&self, token: &str) -> Result<Grant, Unverified> {
        let header = decode_header(token).map_err(|error| because(&error))?;
        if header.crit.is_some() {
            return Err(Unverified::Invalid(
                "it needs extensions (crit) that are not known".into(),
            ));
        }
        let fits = |key: &&Key| {
            let named = header.kid.is_none() || key.id.is_none() || header.kid == key.id;
            named && key.rules.algorithms.contains(&header.alg)
        };
        let mut why = Unverified::Invalid("no key here is the one that it names".to_owned());
        for Key { key, rules, .. } in self.keys.iter().filter(fits) {
            why = match decode::<Claims>(token, key, rules) {
                Ok(verified) => return claimed(verified.claims).map_err(Unverified::Invalid),
                Err(error) => because(&error),
            };
            if why == Unverified::Expired {
                break; // this was its key
            }
        }
        Err(why)
    }
}

/// The algorithm that a key is for; `None` where it is not one of ours.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let stated = jwk.common.key_algorithm.map(|stated| stated.to_string());
    stated.is_none_or(|stated| stated == format!("{algorithm:?}")).then_some(algorithm)
}

fn rules(algorithm: Algorithm, issuer: Option<&str>, audience: Option<&str>) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.leeway = u64::from(LEEWAY_S);
    rules.validate_nbf = true;
    let mut required = vec!["exp", "sub"];
    if let Some(issuer) = issuer {
        rules.set_issuer(&[issuer]);
        required.push("iss");
    }
    rules.validate_aud = audience.is_some();
    if let Some(audience) = audience {
        rules.set_audience(&[audience]);
        required.push("aud");
    }
    rules.set_required_spec_claims(&required);
    rules
}

fn claimed(claims: Claims) -> Result<Grant, String> {
    let Claims { sub, role, channel, exp } = claims;
    tokens::grant(sub, &role, channel, Some(exp.saturating_add(i64::from(LEEWAY_S))))
}

fn because(error: &jsonwebtoken::errors::Error) -> Unverified {
    match error.kind() {
        ErrorKind::ExpiredSignature => Unverified::Expired,
        _ => Unverified::Invalid(error.to_string()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
