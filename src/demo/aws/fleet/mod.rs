//! What exists in the simulated AWS, as a function of time: accounts, roles, regions, clusters and
//! services.
//!
//! A fleet never changes once the server has it. What comes, goes, scales or crashes does so at
//! the times that are written in it, so that a test can compute the truth of any minute.

pub mod arn;
pub mod behaviour;
pub mod cluster;
pub mod insight;
pub mod noise;
pub mod revised;
pub mod scenario;
pub mod service;
pub mod statistics;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::demo::aws::fleet::cluster::Cluster;

/// All accounts of the simulated AWS. There is always at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    first: Account,
    others: Vec<Account>,
}

/// One AWS account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its number, 12 digits.
    pub id: String,
    roles: Vec<Role>,
    regions: BTreeMap<String, Region>,
    /// Enabled without clusters in them.
    empty: Vec<String>,
}

/// A role that may be assumed with STS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, the last part of its ARN.
    pub name: String,
    /// The external id that its trust policy requires.
    pub external_id: Option<String>,
    /// The longest session that it allows, in seconds.
    pub max_session: u32,
}

/// The clusters of one account and region.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Region {
    /// By name, then by creation.
    clusters: Vec<Cluster>,
}

impl Fleet {
    /// A fleet of one account, still empty.
    pub fn new(account: &str) -> Fleet {
        Fleet {
            first: Account::new(account),
            others: Vec::new(),
        }
    }

    /// Adds a cluster to the first account.
    pub fn cluster(mut self, region: &str, cluster: Cluster) -> Fleet {
        self.first = self.first.cluster(region, cluster);
        self
    }

    /// Adds a role to the first account.
    pub fn role(mut self, role: Role) -> Fleet {
        self.first = self.first.role(role);
        self
    }

    /// Enables a Region of the first account that has no cluster.
    pub fn enable(mut self, region: &str) -> Fleet {
        self.first = self.first.enable(region);
        self
    }

    /// Adds another account.
    pub fn account(mut self, account: Account) -> Fleet {
        self.others.push(account);
        self
    }

    /// The account to which access keys belong unless something else is said of them.
    pub fn first_account(&self) -> &Account {
        &self.first
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The account of this number.
    pub fn find(&self, account: &str) -> Option<&Account> {
        self.accounts().find(|one| one.id == account)
    }

    /// The cluster of this name in any account and region, for tests that know there is one.
    pub fn any_cluster(&self, name: &str) -> Option<&Cluster> {
        self.accounts()
            .flat_map(|account| account.regions.values())
            .flat_map(|region| &region.clusters)
            .find(|cluster| *cluster.name == *name)
    }
}

impl Account {
    /// An account, still empty.
    pub fn new(id: &str) -> Account {
        Account {
            id: id.into(),
            roles: Vec::new(),
            regions: BTreeMap::new(),
            empty: Vec::new(),
        }
    }

    /// Enables a Region that has no cluster.
    pub fn enable(mut self, region: &str) -> Account {
        self.empty.push(region.into());
        self
    }

    /// The Regions that are enabled: those that have clusters, and others.
    pub fn enabled(&self) -> BTreeSet<&str> {
        let all = self.regions.keys().chain(&self.empty);
        all.map(String::as_str).collect()
    }

    /// Adds a cluster. Two clusters may have one name when the first is deleted before the second
    /// is created; both then have the same ARN.
    pub fn cluster(mut self, region: &str, cluster: Cluster) -> Account {
        let clusters = &mut self.regions.entry(region.into()).or_default().clusters;
        let at = clusters.partition_point(|other| {
            (&other.name, other.created_at) <= (&cluster.name, cluster.created_at)
        });
        clusters.insert(at, cluster);
        self
    }

    /// Adds a role.
    pub fn role(mut self, role: Role) -> Account {
        self.roles.push(role);
        self
    }

    /// Its roles.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// What it has in each region.
    pub fn regions(&self) -> &BTreeMap<String, Region> {
        &self.regions
    }
}

impl Role {
    /// A role that anyone may assume for up to an hour.
    pub fn new(name: &str) -> Role {
        Role {
            name: name.into(),
            external_id: None,
            max_session: 3600,
        }
    }

    /// Requires an external id.
    pub fn external_id(mut self, id: &str) -> Role {
        self.external_id = Some(id.into());
        self
    }

    /// Its ARN (of the partition `aws`).
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role/{}", self.name)
    }
}

impl Region {
    /// Every cluster that ever exists, by name.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// Every cluster of this name, by creation.
    pub fn clusters_named(&self, name: &str) -> &[Cluster] {
        let from = self.clusters.partition_point(|other| *other.name < *name);
        let rest = self.clusters.get(from..).unwrap_or_default();
        let count = rest.partition_point(|other| *other.name == *name);
        rest.get(..count).unwrap_or_default()
    }

    /// The cluster of this name at a moment: the one that was last created, even if it is deleted.
    pub fn cluster_at(&self, name: &str, time: DateTime<Utc>) -> Option<&Cluster> {
        let named = self.clusters_named(name);
        named
            .iter()
            .rev()
            .find(|cluster| cluster.created_at <= time)
    }
}
