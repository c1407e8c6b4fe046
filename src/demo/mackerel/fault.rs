//! Faults that a test or the demo asks for while the server runs: a status instead of an answer,
//! no answer at all, or an answer that breaks off.

use std::time::Duration;

/// One fault and the requests it strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The method, such as `POST`; every method where absent.
    pub method: Option<String>,
    /// The start of the path, such as `/api/v0/tsdb`.
    pub path_prefix: String,
    /// What happens.
    pub kind: FaultKind,
    /// How many requests it strikes before it is gone; without end, until the faults are cleared, where absent.
    pub times: Option<u32>,
}

/// What happens to a request that a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The request is not carried out and this status is the answer.
    Status {
        /// The HTTP status code.
        code: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
        /// The body as it is sent, JSON or not.
        body: String,
    },
    /// The request is not carried out and no answer ever comes.
    Hang,
    /// The request is carried out, and the connection is closed in the middle of the answer's body.
    Cut,
    /// The request is carried out, and the answer comes after this long, by the runtime's own clock.
    Delay(Duration),
}

/// The faults that are waiting to strike; the earliest that fits wins.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault behind those that are there.
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Forgets every fault.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that strikes this request, which uses up one of its times.
    pub fn strike(&mut self, method: &str, path: &str) -> Option<FaultKind> {
        let position = self.0.iter().position(|fault| {
            fault.times != Some(0)
                && fault
                    .method
                    .as_deref()
                    .is_none_or(|expected| expected.eq_ignore_ascii_case(method))
                && path.starts_with(&fault.path_prefix)
        })?;
        let fault = self.0.get_mut(position)?;
        let kind = fault.kind.clone();
        if let Some(times) = &mut fault.times {
            *times -= 1;
            if *times == 0 {
                self.0.remove(position);
            }
        }
        Some(kind)
    }
}
