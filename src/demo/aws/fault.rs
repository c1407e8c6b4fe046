//! Faults that a test or the demo injects while the server runs.

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It is throttled, with the service's own code.
    Throttle,
    /// It fails with this HTTP status and an error of the service.
    Status(u16),
    /// It is refused as one whose temporary credentials have expired.
    ExpiredToken,
    /// It is never answered.
    Hang,
    /// The connection ends in the middle of the answer's body.
    Cut,
    /// It is answered with status 502 and a web page, as a proxy would.
    Html,
    /// GetMetricData: the matching results have the status code `InternalError` and no values.
    InternalErrorResult,
    /// GetMetricData: the page ends in the middle of a series, which has the status code
    /// `PartialData`.
    PartialData,
    /// It is answered with status 200 and nothing.
    EmptyBody,
}

/// A fault and the requests it befalls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The IAM action, such as `ecs:DescribeServices`, or all of a service, such as `ecs:*`; none
    /// means all of all services.
    pub action: Option<String>,
    /// Only requests that name this cluster (in CloudWatch, as a dimension).
    pub cluster: Option<String>,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many requests it still befalls; none means all until the faults are cleared.
    pub times: Option<u32>,
}

impl Fault {
    /// A fault of every request for an action, or for a service when that is `ecs:*` or the like,
    /// until the faults are cleared.
    pub fn of(action: &str, kind: FaultKind) -> Fault {
        Fault {
            action: Some(action.into()),
            cluster: None,
            kind,
            times: None,
        }
    }

    /// A fault of every request, until the faults are cleared.
    pub fn everywhere(kind: FaultKind) -> Fault {
        Fault {
            action: None,
            cluster: None,
            kind,
            times: None,
        }
    }

    /// Only for requests that name a cluster.
    pub fn cluster(mut self, name: &str) -> Fault {
        self.cluster = Some(name.into());
        self
    }

    /// Only so many times.
    pub fn times(mut self, times: u32) -> Fault {
        self.times = Some(times);
        self
    }

    fn befalls(&self, action: &str, clusters: &[&str]) -> bool {
        let of_results = matches!(
            self.kind,
            FaultKind::InternalErrorResult | FaultKind::PartialData
        );
        self.times != Some(0)
            && (!of_results || action == "cloudwatch:GetMetricData")
            && self.action.as_deref().is_none_or(|own| covers(own, action))
            && self
                .cluster
                .as_deref()
                .is_none_or(|own| clusters.contains(&own))
    }
}

/// Whether an action is this one, or one of a service that is named with a star.
fn covers(own: &str, action: &str) -> bool {
    match own.strip_suffix('*') {
        Some(service) => action.starts_with(service),
        None => own == action,
    }
}

/// Takes the first fault that befalls a request, and counts it.
pub fn take(faults: &mut Vec<Fault>, action: &str, clusters: &[&str]) -> Option<Fault> {
    let at = faults
        .iter()
        .position(|fault| fault.befalls(action, clusters))?;
    let fault = faults.get_mut(at)?;
    let taken = fault.clone();
    if let Some(times) = &mut fault.times {
        *times -= 1;
        if *times == 0 {
            faults.remove(at);
        }
    }
    Some(taken)
}
