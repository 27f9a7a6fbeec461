//! Who calls, whether they may, and how much: the same for every transport.
//!
//! A credential is a bearer token: one whose SHA-256 stands in the file of tokens, or a JWT that a
//! key of the local set has signed. Both are looked up by their SHA-256; a JWT is verified once and
//! remembered until it expires or the keys change.

mod jwt;
mod limits;
pub mod roles;
mod source;
mod tokens;

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

pub use limits::Limits;

use crate::access::roles::Role;
use crate::finished::Finished;
use crate::methods::Method;
use crate::wire::status::{Code, Fault};
use jwt::{Unverified, Verifier};
use limits::{Limited, Limiter};
use source::Source;
use tokens::{Digest, Grant};

/// Most JWTs that are remembered; the next one begins anew.
const REMEMBERED_MAX: usize = 65_536;

/// Where credentials are known from, and what each identity is held to.
#[derive(Clone, Debug, Default)]
pub struct AccessOptions {
    /// The file of hashed tokens.
    pub tokens: Option<PathBuf>,
    /// The file of public keys (JWKS).
    pub keys: Option<PathBuf>,
    /// What a JWT must name as its `iss`.
    pub issuer: Option<String>,
    /// What a JWT must name in its `aud`.
    pub audience: Option<String>,
    /// For each identity.
    pub limits: Limits,
}

/// A file of tokens or keys cannot be used; names the file and all that is wrong in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessError(String);

impl Display for AccessError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AccessError {}

/// Who calls, once that is known.
struct Identity {
    grant: Grant,
    limiter: Arc<Limiter>,
}

/// Who a call that was taken on is by.
pub(crate) struct Admitted {
    /// For the journal.
    pub(crate) actor: String,
    /// What it is here for.
    pub(crate) role: Role,
    /// The only sales channel that it may name.
    pub(crate) channel: Option<String>,
}

/// Checks credentials against the files it was given, which may change meanwhile.
pub struct Access {
    options: AccessOptions,
    /// Apart from what was read, so that no call waits while a file is.
    files: Mutex<Files>,
    state: Mutex<State>,
    /// Calls without an answer, by ticket; whether a call is a watch, which has many.
    in_flight: Mutex<HashMap<u64, (Arc<Limiter>, bool)>>,
    refusals: Refusals,
}

/// Calls that were refused for who their caller is.
#[derive(Default)]
struct Refusals {
    unauthenticated: AtomicU64,
    denied: AtomicU64,
    rate_limited: AtomicU64,
    concurrency_limited: AtomicU64,
}

impl Refusals {
    /// Counts one.
    fn note(&self, fault: Fault) -> Fault {
        let figure = match (fault.code, fault.reason) {
            (Code::Unauthenticated, _) => &self.unauthenticated,
            (Code::PermissionDenied, _) => &self.denied,
            (_, "RATE_LIMITED") => &self.rate_limited,
            _ => &self.concurrency_limited,
        };
        figure.fetch_add(1, Ordering::Relaxed);
        fault
    }
}

struct Files {
    tokens: Source,
    keys: Source,
}

#[derive(Default)]
struct State {
    verifier: Option<Arc<Verifier>>,
    /// By the SHA-256 of their token.
    known: HashMap<Digest, Arc<Identity>>,
    /// JWTs that were verified, likewise.
    remembered: HashMap<Digest, Arc<Identity>>,
    /// By name: an identity's tokens count together.
    limiters: HashMap<String, Arc<Limiter>>,
}

impl State {
    fn identity(&mut self, grant: Grant, limits: Limits) -> Arc<Identity> {
        let limiter = self.limiters.entry(grant.name.clone());
        let limiter = Arc::clone(limiter.or_insert_with(|| Arc::new(Limiter::new(limits))));
        Arc::new(Identity { grant, limiter })
    }

    fn find(&self, digest: &Digest) -> Option<&Arc<Identity>> {
        self.known.get(digest).or_else(|| self.remembered.get(digest))
    }

    /// Makes room: what has expired goes first.
    fn forget(&mut self, now_s: i64) {
        self.remembered.retain(|_, identity| !identity.grant.is_over(now_s));
        if self.remembered.len() >= REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.drop_idle_limiters();
    }

    /// Those of nobody who is known or has a call in flight.
    fn drop_idle_limiters(&mut self) {
        self.limiters.retain(|_, limiter| Arc::strong_count(limiter) > 1);
    }
}

impl Access {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// An [`AccessError`] when there is none, or one of them cannot be used.
    pub fn open(options: AccessOptions) -> Result<Access, AccessError> {
        if options.tokens.is_none() && options.keys.is_none() {
            let message = "access needs a file of tokens or of keys, and neither is given";
            return Err(AccessError(message.to_owned()));
        }
        let files = Files {
            tokens: Source::new(options.tokens.clone()),
            keys: Source::new(options.keys.clone()),
        };
        let access = Access {
            options,
            files: Mutex::new(files),
            state: Mutex::default(),
            in_flight: Mutex::default(),
            refusals: Refusals::default(),
        };
        access.refresh()?;
        Ok(access)
    }

    /// Reads again what has changed; returns whether anything has. To be called every second or so.
    ///
    /// # Errors
    ///
    /// An [`AccessError`], once for each change, when a file cannot be used: what was read before
    /// stays in force.
    pub fn refresh(&self) -> Result<bool, AccessError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let AccessOptions { issuer, audience, limits, .. } = &self.options;
        let (mut changed, mut wrong) = (false, Vec::new());
        match files.tokens.changed(tokens::read) {
            Some(Ok(grants)) => {
                let mut state = self.lock();
                let known = grants
                    .into_iter()
                    .map(|(digest, grant)| (digest, state.identity(grant, *limits)))
                    .collect();
                state.known = known;
                state.drop_idle_limiters();
                changed = true;
            }
            Some(Err(why)) => wrong.push(why),
            None => {}
        }
        let read = |text: &str| Verifier::read(text, issuer.as_deref(), audience.as_deref());
        match files.keys.changed(read) {
            Some(Ok(verifier)) => {
                let mut state = self.lock();
                state.verifier = Some(Arc::new(verifier));
                state.remembered.clear();
                state.drop_idle_limiters();
                changed = true;
            }
            Some(Err(why)) => wrong.push(why),
            None => {}
        }
        if wrong.is_empty() { Ok(changed) } else { Err(AccessError(wrong.join("; "))) }
    }

    /// Refuses who may not call the method of this number (any at all, where none is given) before
    /// a request is read; with a ticket of zero. `None`: it may, though `submit` will look again.
    #[must_use]
    pub fn turned_away(&self, credential: &str, method: Option<u16>) -> Option<Finished> {
        let fault = self.check(credential, method.and_then(Method::of)).err()?;
        Some(Finished::fault(0, &self.refusals.note(fault)))
    }

    fn check(&self, credential: &str, method: Option<Method>) -> Result<(), Fault> {
        let identity = self.identify(credential)?;
        method.map_or(Ok(()), |method| may_call(&identity, method))
    }

    /// Takes on a call of so many bytes, which is in flight until it is [`Access::answered`].
    pub(crate) fn admit(
        &self,
        ticket: u64,
        credential: &str,
        method: Method,
        bytes: usize,
    ) -> Result<Admitted, Fault> {
        let admitted = self.take_on(ticket, credential, method, bytes);
        admitted.map_err(|fault| self.refusals.note(fault))
    }

    fn take_on(
        &self,
        ticket: u64,
        credential: &str,
        method: Method,
        bytes: usize,
    ) -> Result<Admitted, Fault> {
        let identity = self.identify(credential)?;
        may_call(&identity, method)?;
        identity.limiter.enter(bytes).map_err(|limited| {
            let delay_ms = u32::try_from(limited.delay().as_micros().div_ceil(1_000));
            let delay_ms = delay_ms.unwrap_or(u32::MAX);
            match limited {
                Limited::Rate(_) => Fault::rate_limited(delay_ms),
                Limited::InFlight(_) => Fault::concurrency_limited(delay_ms),
            }
        })?;
        let is_watch = method.is_watch();
        self.in_flight().insert(ticket, (Arc::clone(&identity.limiter), is_watch));
        let Grant { name, role, channel, .. } = &identity.grant;
        Ok(Admitted { actor: name.clone(), role: *role, channel: channel.clone() })
    }

    /// A call has its answer; a watch, where it is `over`.
    pub(crate) fn answered(&self, ticket: u64, over: bool) {
        let mut in_flight = self.in_flight();
        if in_flight.get(&ticket).is_some_and(|(_, is_watch)| over || !is_watch)
            && let Some((limiter, _)) = in_flight.remove(&ticket)
        {
            limiter.leave();
        }
    }

    /// How long a request of so many bytes had better wait, so as not to be refused as more than
    /// its caller may ask for: for those that have begun a stream. Zero where the credential itself
    /// does not hold.
    #[must_use]
    pub fn pause(&self, credential: &str, bytes: usize) -> Duration {
        self.identify(credential).map_or(Duration::ZERO, |found| found.limiter.pause(bytes))
    }

    /// The name of whoever presents this credential; `None` where it was not verified before.
    #[must_use]
    pub fn who(&self, credential: &str) -> Option<String> {
        let digest = digest_of(bearer(credential)?);
        self.lock().find(&digest).map(|identity| identity.grant.name.clone())
    }

    /// Figures for the metrics page.
    pub(crate) fn figures(&self) -> [(&'static str, u64); 6] {
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let state = self.lock();
        [
            ("access_unauthenticated", read(&self.refusals.unauthenticated)),
            ("access_denied", read(&self.refusals.denied)),
            ("access_rate_limited", read(&self.refusals.rate_limited)),
            ("access_concurrency_limited", read(&self.refusals.concurrency_limited)),
            ("access_tokens_now", state.known.len() as u64),
            ("access_remembered_now", state.remembered.len() as u64),
        ]
    }

    fn identify(&self, credential: &str) -> Result<Arc<Identity>, Fault> {
        if credential.is_empty() {
            return Err(Fault::credential_missing());
        }
        let token = bearer(credential)
            .ok_or_else(|| Fault::credential_invalid("authorization must be Bearer TOKEN"))?;
        let (digest, now_s) = (digest_of(token), now_s());
        let found = self.lock().find(&digest).cloned();
        let identity = found.map_or_else(|| self.verify(token, digest, now_s), Ok)?;
        if identity.grant.is_over(now_s) {
            return Err(Fault::credential_expired());
        }
        Ok(identity)
    }

    /// Verifies what may be a JWT, and remembers it.
    fn verify(&self, token: &str, digest: Digest, now_s: i64) -> Result<Arc<Identity>, Fault> {
        let verifier = self.lock().verifier.clone();
        let verifier = verifier
            .filter(|_| token.contains('.'))
            .ok_or_else(|| Fault::credential_invalid("it is not known here"))?;
        // Without the lock: this takes as long as hundreds of calls whose token is known.
        let grant = verifier.verify(token).map_err(|why| match why {
            Unverified::Expired => Fault::credential_expired(),
            Unverified::Invalid(why) => Fault::credential_invalid(&why),
        })?;
        let mut state = self.lock();
        if state.remembered.len() >= REMEMBERED_MAX {
            state.forget(now_s);
        }
        let identity = state.identity(grant, self.options.limits);
        // By keys that were changed meanwhile it holds for this call alone.
        if state.verifier.as_ref().is_some_and(|current| Arc::ptr_eq(current, &verifier)) {
            state.remembered.insert(digest, Arc::clone(&identity));
        }
        Ok(identity)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds this lock can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_flight(&self) -> MutexGuard<'_, HashMap<u64, (Arc<Limiter>, bool)>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grant {
    fn is_over(&self, now_s: i64) -> bool {
        self.end_s.is_some_and(|end_s| end_s <= now_s)
    }
}

fn may_call(identity: &Identity, method: Method) -> Result<(), Fault> {
    let role = identity.grant.role;
    if role.may_call(method) { Ok(()) } else { Err(Fault::role_not_allowed(role, method)) }
}

/// The token of an `authorization` as RFC 6750 has it.
fn bearer(credential: &str) -> Option<&str> {
    let (scheme, token) = credential.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn digest_of(token: &str) -> Digest {
    Sha256::digest(token).into()
}

/// By the system's clock, also where decisions go by another.
fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
