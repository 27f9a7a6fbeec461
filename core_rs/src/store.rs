//! What is done to a whole store beside the server: backup, check, upgrade.

use std::path::PathBuf;

use creditgate_store::{Options, Progress, check_store, copy_store, upgrade_store};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::core::store_error;

/// Calls a Python `(step, done, total)`; what it raises is shown and changes nothing.
fn teller(progress: Option<Py<PyAny>>) -> impl Fn(Progress) + Send {
    move |Progress { step, done, total }| {
        let Some(progress) = &progress else { return };
        Python::attach(|py| {
            if let Err(error) = progress.call1(py, (step, done, total)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// Copies a store, which a server may be using, to an absent or empty folder.
#[pyfunction]
#[pyo3(signature = (path, to, progress = None))]
pub(crate) fn store_copy<'py>(
    py: Python<'py>,
    path: PathBuf,
    to: PathBuf,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let tell = teller(progress);
    let copied = py.detach(|| copy_store(&path, &to, &tell)).map_err(store_error)?;
    let figures = PyDict::new(py);
    figures.set_item("files", copied.files)?;
    figures.set_item("journal_seq", copied.journal_seq)?;
    figures.set_item("bytes", copied.bytes)?;
    Ok(figures)
}

/// Verifies a store that is not in use, as a whole.
#[pyfunction]
#[pyo3(signature = (path, progress = None))]
pub(crate) fn store_check<'py>(
    py: Python<'py>,
    path: PathBuf,
    progress: Option<Py<PyAny>>,
) -> PyResult<(Bound<'py, PyDict>, Vec<String>)> {
    let tell = teller(progress);
    let checked = py.detach(|| check_store(&path, &Options::default(), &tell));
    let checked = checked.map_err(store_error)?;
    let figures = PyDict::new(py);
    figures.set_item("files", checked.files)?;
    figures.set_item("commits", checked.commits)?;
    figures.set_item("journal_seq", checked.journal_seq)?;
    figures.set_item("tables_seq", checked.tables_seq)?;
    figures.set_item("accounts", checked.accounts)?;
    figures.set_item("reservations_open", checked.reservations_open)?;
    Ok((figures, checked.findings))
}

/// Makes a store of an older format, not in use, one of this version's.
#[pyfunction]
#[pyo3(signature = (path, progress = None))]
pub(crate) fn store_upgrade<'py>(
    py: Python<'py>,
    path: PathBuf,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let tell = teller(progress);
    let upgraded = py.detach(|| upgrade_store(&path, &Options::default(), &tell));
    let upgraded = upgraded.map_err(store_error)?;
    let figures = PyDict::new(py);
    figures.set_item("from", upgraded.from)?;
    figures.set_item("to", upgraded.to)?;
    figures.set_item("commits", upgraded.commits)?;
    Ok(figures)
}
