//! What is done to a whole store beside the server: backup, check, upgrade.

use std::path::PathBuf;

use creditgate_engine::outcome::Decision;
use creditgate_engine::policy::trial::{Paid, Turned};
use creditgate_store::{Options, Progress, check_store, copy_store, try_policy, upgrade_store};
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

/// How many orders were tried, those that would have ended otherwise, and mistakes in the text.
type Tried<'py> = (u64, Vec<Bound<'py, PyDict>>, Vec<(usize, String)>);

/// Decides the orders of a store that is not in use again, as if a policy had been in force since a
/// moment, in microseconds since 1970: how many orders there were, those that would have ended
/// otherwise, and the mistakes in the policy's text as pairs of line and words, where it has any.
#[pyfunction]
#[pyo3(signature = (path, text, since, progress = None))]
pub(crate) fn store_try_policy<'py>(
    py: Python<'py>,
    path: PathBuf,
    text: &str,
    since: i64,
    progress: Option<Py<PyAny>>,
) -> PyResult<Tried<'py>> {
    let tell = teller(progress);
    let tried = py.detach(|| try_policy(&path, &Options::default(), text, since, &tell));
    match tried.map_err(store_error)? {
        Ok(tried) => {
            let turned = tried.turned.iter().map(|turned| turned_order(py, turned));
            Ok((tried.orders, turned.collect::<PyResult<_>>()?, Vec::new()))
        }
        Err(problems) => {
            let problems = problems.into_iter().map(|problem| (problem.line, problem.what));
            Ok((0, Vec::new(), problems.collect()))
        }
    }
}

fn turned_order<'py>(py: Python<'py>, turned: &Turned) -> PyResult<Bound<'py, PyDict>> {
    let decision = |decision| match decision {
        Decision::Approved => "APPROVED",
        Decision::PartiallyApproved => "PARTIALLY_APPROVED",
        Decision::Referred => "REFERRED",
        Decision::Declined => "DECLINED",
    };
    let paid = match turned.paid {
        Paid::OnTime => "ON_TIME",
        Paid::Late => "LATE",
        Paid::Unknown => "UNKNOWN",
    };
    let order = PyDict::new(py);
    order.set_item("journal_seq", turned.seq)?;
    order.set_item("time", turned.time)?;
    order.set_item("account_id", turned.account_id.as_str())?;
    order.set_item("segment_id", turned.segment_id.as_deref().unwrap_or_default())?;
    order.set_item("channel", turned.channel.as_str())?;
    order.set_item("order_id", turned.order_id.as_str())?;
    order.set_item("currency", turned.currency.as_str())?;
    order.set_item("amount_minor", turned.amount)?;
    order.set_item("was", decision(turned.was))?;
    order.set_item("now", decision(turned.now))?;
    order.set_item("rule", turned.rule.map_or(0, |code| code as i32))?;
    order.set_item("paid", paid)?;
    Ok(order)
}
