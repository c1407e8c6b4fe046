//! Makes the clients of one account: credentials, assumed role, Regions, time-outs and retries.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::TimeSource;

use super::attempts::CountAttempts;
use super::error::{Error, Kind};
use super::regions::enabled;
use super::trim::DropEvents;
use super::{CLUSTER_READS, Client, METRIC_READS, POINT_READS, SERVICE_READS, STATISTICS_READS};
use crate::model::calls::Calls;
use crate::model::region::Regions;
use crate::pace::bucket::Bucket;
use crate::transport::Transport;

/// The longest that one attempt may take, and the longest with its retries: below the shortest
/// interval, so that a call that hangs never reaches into the next poll.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(25);

/// Tells the SDK the time of day, to sign requests by and to know when credentials expire.
#[derive(Clone)]
pub struct Clock(pub Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        (self.0)()
    }
}

/// How an account is reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// The HTTP stack.
    pub transport: Transport,
    /// Where the calls are counted.
    pub calls: Calls,
    /// An endpoint for all services with its keys, in place of what the environment says.
    pub local: Option<Keys>,
    /// The share of the documented rates that is used; none for no limit.
    pub rate_share: Option<f64>,
    /// Another time than the machine's.
    pub clock: Option<Clock>,
}

/// A stand-in for AWS.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Its base URL.
    pub endpoint: String,
    /// The Region, where the target names none.
    pub region: String,
    /// The access key id; such a server checks no signature.
    pub access_key_id: String,
}

/// The role to assume, as plain values.
#[derive(Debug, Clone, Copy)]
pub struct Role<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// The external id that its trust policy asks for.
    pub external_id: Option<&'a str>,
    /// The session's name.
    pub session_name: &'a str,
}

/// Makes a client for each Region. Nothing is asked of AWS yet but what the credential chain asks to
/// find the Region, and which Regions are enabled where all of them are wanted.
pub async fn connect(
    access: &Access,
    role: Option<Role<'_>>,
    regions: &Regions,
) -> Result<Vec<Client>, Error> {
    let named = regions.named();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(access.transport.sdk_client())
        .retry_config(RetryConfig::standard())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        );
    if let Some(clock) = &access.clock {
        loader = loader.time_source(clock.clone());
    }
    if let Some(local) = &access.local {
        loader = loader
            .endpoint_url(&local.endpoint)
            .region(Region::new(local.region.clone()))
            .credentials_provider(Credentials::new(
                &local.access_key_id,
                "local",
                None,
                None,
                "local",
            ));
    } else if let Some(first) = named.first() {
        // Else the chain would ask the instance metadata service for a Region that is not needed.
        loader = loader.region(Region::new(first.clone()));
    }
    let base = loader.load().await;
    let home = match named.first() {
        Some(first) => Some(Region::new(first.clone())),
        None => base.region().cloned(),
    };
    let Some(home) = home else {
        return Err(Error::new(
            Kind::Setup,
            "sts:AssumeRole",
            "no Region: set AWS_REGION, or give the target its `regions`",
        ));
    };
    let config = match role {
        None => base,
        Some(role) => assume(&base, &home, role).await,
    };
    let regions = match regions {
        Regions::Home => vec![home],
        Regions::Named(names) => names.iter().cloned().map(Region::new).collect(),
        Regions::All => {
            let enabled = enabled(&config, home.as_ref(), access).await?;
            enabled.into_iter().map(Region::new).collect()
        }
    };
    let clients = regions.into_iter();
    Ok(clients
        .map(|region| client(&config, region, access))
        .collect())
}

async fn assume(base: &SdkConfig, region: &Region, role: Role<'_>) -> SdkConfig {
    let mut provider = AssumeRoleProvider::builder(role.arn)
        .session_name(role.session_name)
        .region(region.clone())
        .configure(base);
    if let Some(external_id) = role.external_id {
        provider = provider.external_id(external_id);
    }
    base.to_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider.build().await))
        .build()
}

fn client(config: &SdkConfig, region: Region, access: &Access) -> Client {
    let name = region.as_ref().to_owned();
    let config = config.to_builder().region(region).build();
    let count = |service| CountAttempts {
        service,
        calls: access.calls.clone(),
    };
    let ecs = aws_sdk_ecs::config::Builder::from(&config)
        .interceptor(count("ecs"))
        .interceptor(DropEvents);
    let cloudwatch =
        aws_sdk_cloudwatch::config::Builder::from(&config).interceptor(count("cloudwatch"));
    Client {
        region: name,
        config,
        ecs: aws_sdk_ecs::Client::from_conf(ecs.build()),
        cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
        calls: access.calls.clone(),
        cluster_reads: Bucket::new(CLUSTER_READS, access.rate_share),
        service_reads: Bucket::new(SERVICE_READS, access.rate_share),
        metric_reads: Bucket::new(METRIC_READS, access.rate_share),
        point_reads: Bucket::new(POINT_READS, access.rate_share),
        statistics_reads: Bucket::new(STATISTICS_READS, access.rate_share),
    }
}
