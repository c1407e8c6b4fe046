//! How many calls a walk takes, by what there is: the same arithmetic for an estate that was walked
//! and for one that is made up.

use std::ops::AddAssign;

use crate::model::calls::{DESCRIBE_CLUSTERS, DESCRIBE_SERVICES, LIST_PAGE};

/// The calls of a walk of a Region, retries left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// ListClusters and DescribeClusters, which share a rate.
    pub cluster_reads: usize,
    /// ListServices and DescribeServices, likewise.
    pub service_reads: usize,
}

impl Pass {
    /// To list all clusters of a Region, and to describe those that are chosen by name.
    pub fn of_clusters(listed: usize, described: usize) -> Pass {
        Pass {
            cluster_reads: pages(listed) + described.div_ceil(DESCRIBE_CLUSTERS),
            service_reads: 0,
        }
    }

    /// To list all services of a cluster, and to describe those that are chosen by name.
    pub fn of_services(listed: usize, described: usize) -> Pass {
        Pass {
            cluster_reads: 0,
            service_reads: pages(listed) + described.div_ceil(DESCRIBE_SERVICES),
        }
    }
}

impl AddAssign for Pass {
    fn add_assign(&mut self, other: Pass) {
        self.cluster_reads += other.cluster_reads;
        self.service_reads += other.service_reads;
    }
}

/// An empty list is a page as well.
fn pages(listed: usize) -> usize {
    listed.div_ceil(LIST_PAGE).max(1)
}
