//! The Python extension `creditgate.core._core`: registers, converts, delegates.

mod core;
mod store;

use creditgate_service::methods::{METHODS, is_slow};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet};

pyo3::create_exception!(
    _core,
    StoreError,
    pyo3::exceptions::PyException,
    "The store cannot be opened or used; the message names the file, what was found, what to do."
);

/// The compiled half of creditgate.core.
#[pymodule]
mod _core {
    use super::*;

    #[pymodule_export]
    use super::StoreError;
    #[pymodule_export]
    use super::core::Core;
    #[pymodule_export]
    use super::store::{store_check, store_copy, store_upgrade};

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
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
