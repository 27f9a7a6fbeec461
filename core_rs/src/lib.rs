//! The Python extension `creditgate.core._core`: registers, converts, delegates.

mod access;
mod core;
mod store;

use creditgate_service::access::roles::{self, Role};
use creditgate_service::methods::{METHODS, is_slow};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyTuple};

pyo3::create_exception!(
    _core,
    StoreError,
    pyo3::exceptions::PyException,
    "The store cannot be opened or used; the message names the file, what was found, what to do."
);

pyo3::create_exception!(
    _core,
    AccessError,
    pyo3::exceptions::PyException,
    "A file of tokens or keys cannot be used; the message names the file and all that is wrong."
);

/// The compiled half of creditgate.core.
#[pymodule]
mod _core {
    use super::*;

    #[pymodule_export]
    use super::AccessError;
    #[pymodule_export]
    use super::StoreError;
    #[pymodule_export]
    use super::access::Access;
    #[pymodule_export]
    use super::core::Core;
    #[pymodule_export]
    use super::store::{store_check, store_copy, store_try_policy, store_upgrade};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let methods = PyDict::new(module.py());
        for (path, number) in METHODS {
            methods.set_item(path, number)?;
        }
        module.add("METHODS", methods)?;
        let numbers = METHODS.iter().map(|(_, number)| *number);
        let slow = PyFrozenSet::new(module.py(), numbers.filter(|number| is_slow(*number)))?;
        module.add("SLOW_METHODS", slow)?;
        let allowed = PyDict::new(module.py());
        for (path, names) in roles::table() {
            allowed.set_item(path, PyFrozenSet::new(module.py(), names)?)?;
        }
        module.add("METHOD_ROLES", allowed)?;
        module.add("ROLES", PyTuple::new(module.py(), Role::ALL.map(Role::name))?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
