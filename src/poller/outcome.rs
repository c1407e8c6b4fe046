//! What a poll did for one cluster, for the report.

use super::Shared;
use super::cluster::Work;
use crate::model::trouble::{Severity, Trouble};
use crate::report::{ClusterReport, Value};

/// The report of one cluster, whose troubles are among these.
pub(super) fn cluster_report(work: &Work, shared: &Shared, troubles: &[Trouble]) -> ClusterReport {
    let cluster = &work.observed.cluster;
    let services = &work.observed.services;
    let own: Vec<&Trouble> = troubles
        .iter()
        .filter(|trouble| trouble.cluster.as_ref() == Some(&cluster.arn))
        .collect();
    let enrolled = work.state.enrolled.as_ref();
    let values: Vec<Value> = match shared.mackerel {
        Some(_) => Vec::new(),
        None => work
            .state
            .pending
            .iter()
            .chain(&work.samples)
            .map(|sample| Value {
                name: sample.series.name(),
                time: sample.minute.start(),
                value: sample.value,
            })
            .collect(),
    };
    ClusterReport {
        target: String::new(),
        region: cluster.arn.region().to_owned(),
        cluster: cluster.name.clone(),
        arn: cluster.arn.to_string(),
        host_id: enrolled.map(|enrolled| enrolled.id.to_string()),
        size: enrolled
            .map(|enrolled| enrolled.size.clone())
            .filter(|size| !size.is_empty()),
        services: services.len(),
        running: services.iter().map(|service| service.running).sum(),
        desired: services.iter().map(|service| service.desired).sum(),
        points: work.accepted + values.len(),
        refused: work.refused,
        failed: own
            .iter()
            .any(|trouble| trouble.severity == Severity::Failure),
        troubles: own.iter().map(|trouble| trouble.message.clone()).collect(),
        values,
    }
}
