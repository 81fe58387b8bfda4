//! `FeedStatus`: how the revocation feed fares, as Python sees it.

use pyo3::prelude::*;
use pyo3::types::PyDateTime;

use crate::actors::moment;

/// How the revocation feed fares, as one process sees it at one moment.
#[pyclass(frozen, module = "sealgate")]
pub(crate) struct FeedStatus(pub(crate) sealgate_gate::FeedStatus);

#[pymethods]
impl FeedStatus {
    /// Whether everything committed before the staleness bound is known.
    #[getter]
    const fn fresh(&self) -> bool {
        self.0.fresh
    }

    /// Seconds: how old the view is at most; none before the first snapshot.
    #[getter]
    fn age(&self) -> Option<f64> {
        self.0.age.map(|age| age.as_secs_f64())
    }

    /// The staleness bound, in seconds.
    #[getter]
    fn bound(&self) -> f64 {
        self.0.bound.as_secs_f64()
    }

    /// Seconds from the moment the newest message speaks of to its receipt, by two clocks.
    #[getter]
    const fn lag(&self) -> Option<f64> {
        self.0.lag
    }

    /// How many revocations are known.
    #[getter]
    const fn entries(&self) -> usize {
        self.0.entries
    }

    /// Whether other processes of this machine share the view.
    #[getter]
    const fn shared(&self) -> bool {
        self.0.shared
    }

    /// Whether this process follows the feed.
    #[getter]
    const fn leading(&self) -> bool {
        self.0.leading
    }

    /// Whether word of the feed keeps coming.
    #[getter]
    const fn connected(&self) -> bool {
        self.0.connected
    }

    /// How often this process connected again.
    #[getter]
    const fn reconnects(&self) -> u64 {
        self.0.reconnects
    }

    /// How often it read everything anew.
    #[getter]
    const fn resyncs(&self) -> u64 {
        self.0.resyncs
    }

    /// How many snapshots it read.
    #[getter]
    const fn snapshots(&self) -> u64 {
        self.0.snapshots
    }

    /// How many receipts it gave.
    #[getter]
    const fn receipts(&self) -> u64 {
        self.0.receipts
    }

    /// Seconds that the control plane's clock is ahead of this machine's.
    #[getter]
    const fn skew(&self) -> Option<f64> {
        self.0.skew
    }

    /// Since when the view has been stale.
    #[getter]
    fn stale_since<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.0.stale_since.map(|at| moment(py, at)).transpose()
    }

    /// How often it went stale.
    #[getter]
    const fn times_stale(&self) -> u64 {
        self.0.times_stale
    }

    fn __repr__(&self) -> String {
        let word = |is_so| if is_so { "True" } else { "False" };
        format!(
            "FeedStatus(fresh={}, connected={}, leading={}, shared={}, entries={})",
            word(self.0.fresh),
            word(self.0.connected),
            word(self.0.leading),
            word(self.0.shared),
            self.0.entries
        )
    }
}
