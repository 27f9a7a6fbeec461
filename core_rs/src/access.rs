//! The class `Access`: who may call, checked by the core and asked by a transport beforehand.

use std::path::PathBuf;
use std::sync::Arc;

use creditgate_service::access::{self, AccessOptions, Limits};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::AccessError;

/// Credentials, roles and limits. Safe to call from any thread.
#[pyclass(frozen, module = "creditgate.core")]
pub(crate) struct Access {
    access: Arc<access::Access>,
}

impl Access {
    pub(crate) fn shared(&self) -> Arc<access::Access> {
        Arc::clone(&self.access)
    }
}

#[pymethods]
impl Access {
    #[new]
    #[pyo3(signature = (
        *,
        tokens = None,
        keys = None,
        issuer = None,
        audience = None,
        rate_per_s = 0,
        burst = 0,
        in_flight_max = 0,
    ))]
    fn new(
        tokens: Option<PathBuf>,
        keys: Option<PathBuf>,
        issuer: Option<String>,
        audience: Option<String>,
        rate_per_s: u32,
        burst: u32,
        in_flight_max: u32,
    ) -> PyResult<Access> {
        let limits = Limits { rate_per_s, burst, in_flight_max };
        let options = AccessOptions { tokens, keys, issuer, audience, limits };
        let access = access::Access::open(options).map_err(access_error)?;
        Ok(Access { access: Arc::new(access) })
    }

    /// Reads again what has changed; whether anything has.
    fn refresh(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.access.refresh()).map_err(access_error)
    }

    /// Why a caller may not call a method, before its request is read: (gRPC status code, bytes).
    #[pyo3(signature = (caller, method))]
    fn turned_away<'py>(
        &self,
        py: Python<'py>,
        caller: &str,
        method: Option<u16>,
    ) -> Option<(u32, Bound<'py, PyBytes>)> {
        let refused = self.access.turned_away(caller, method)?;
        Some((refused.code, PyBytes::new(py, &refused.bytes)))
    }

    /// The name of whoever was verified by this credential.
    fn who(&self, caller: &str) -> Option<String> {
        self.access.who(caller)
    }

    /// How long a request of a stream had better wait, in seconds.
    fn pause_s(&self, caller: &str, size_bytes: usize) -> f64 {
        self.access.pause(caller, size_bytes).as_secs_f64()
    }
}

fn access_error(error: access::AccessError) -> PyErr {
    AccessError::new_err(error.to_string())
}
