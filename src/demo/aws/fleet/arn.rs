//! Amazon Resource Names: how the simulation writes them and reads them back.
//!
//! Services made before April 2021 keep the old format, without the cluster's name in the middle.

/// The partition of a region (`aws`, `aws-cn`, `aws-us-gov`).
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// The ARN of anything that belongs to ECS: `resource` is all that follows the account.
pub fn ecs(account: &str, region: &str, resource: &str) -> String {
    format!(
        "arn:{}:ecs:{region}:{account}:{resource}",
        partition(region)
    )
}

/// The ARN of a cluster.
pub fn cluster(account: &str, region: &str, name: &str) -> String {
    ecs(account, region, &format!("cluster/{name}"))
}

/// A revision of a service as its ARN names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision<'a> {
    /// The region and account.
    pub place: (&'a str, &'a str),
    /// The cluster's name.
    pub cluster: &'a str,
    /// The service's name.
    pub service: &'a str,
    /// What follows the service.
    pub id: &'a str,
}

impl<'a> Revision<'a> {
    /// Reads an ARN; one of another kind gives none.
    pub fn parse(arn: &'a str) -> Option<Revision<'a>> {
        let Reference {
            name,
            cluster,
            place,
        } = Reference::parse(arn, "service-revision")?;
        let (service, id) = name.split_once('/')?;
        Some(Revision {
            place: place?,
            cluster: cluster?,
            service,
            id,
        })
    }
}

/// An ECS cluster or service as a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The last part of the ARN, or the name as it was given.
    pub name: &'a str,
    /// The cluster that the ARN of a service names (new format only).
    pub cluster: Option<&'a str>,
    /// The region and account of a full ARN.
    pub place: Option<(&'a str, &'a str)>,
}

impl<'a> Reference<'a> {
    /// Reads a short name or a full ARN; `kind` is `cluster`, `service` or what else follows the
    /// account. An ARN of another kind gives none.
    pub fn parse(text: &'a str, kind: &str) -> Option<Reference<'a>> {
        if !text.starts_with("arn:") {
            return Some(Reference {
                name: text,
                cluster: None,
                place: None,
            });
        }
        let mut parts = text.splitn(6, ':').skip(2);
        let (service, region, account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let path = resource.strip_prefix(kind)?.strip_prefix('/')?;
        let (cluster, name) = match path.split_once('/') {
            Some((cluster, name)) => (Some(cluster), name),
            None => (None, path),
        };
        (service == "ecs").then_some(Reference {
            name,
            cluster,
            place: Some((region, account)),
        })
    }

    /// Whether the reference can mean something in this account and region: a short name always
    /// can, an ARN only in its own.
    pub fn is_in(&self, account: &str, region: &str) -> bool {
        self.place.is_none_or(|place| place == (region, account))
    }
}
