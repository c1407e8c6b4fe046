//! Faults of the task metadata endpoint that a test injects while it runs.

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// 429: the tasks of the machine ask too often.
    Throttle,
    /// Another status, as 404 and 500 of newer agents.
    Status(u16),
    /// It is never answered.
    Hang,
    /// `null` stands in the place of each value.
    Null,
    /// `{}` stands in the place of each value.
    Empty,
    /// The document ends in the middle.
    Cut,
}

/// A fault and the requests it befalls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The end of the document's name: `ID/stats`, or `stats` for all tasks.
    pub document: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many requests it still befalls; none means all until the faults are cleared.
    pub times: Option<u32>,
}

impl Fault {
    /// A fault of every request for a document, until the faults are cleared.
    pub fn of(document: &str, kind: FaultKind) -> Self {
        Fault {
            document: document.to_owned(),
            kind,
            times: None,
        }
    }

    /// Only so many times.
    pub fn times(self, times: u32) -> Self {
        Fault {
            times: Some(times),
            ..self
        }
    }
}

/// Takes the first fault that befalls a request, and counts it.
pub fn take(faults: &mut [Fault], document: &str) -> Option<FaultKind> {
    let mut fitting = faults
        .iter_mut()
        .filter(|fault| fault.times != Some(0) && document.ends_with(&fault.document));
    let fault = fitting.next()?;
    if let Some(times) = &mut fault.times {
        *times -= 1;
    }
    Some(fault.kind)
}
