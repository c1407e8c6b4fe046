use std::time::Duration;

use super::*;
use crate::config::key::complete;
use crate::config::{AssumedRole, yaml};
use crate::model::catalog::Profile;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[track_caller]
fn config(text: &str) -> Config {
    let mut root = yaml::parse("ecs.yaml", text).unwrap();
    complete(&mut root);
    read(&root, false).unwrap()
}

/// Numbers, booleans and quotes: a text is what was written.
#[test]
fn scalars_are_taken_as_written() {
    let config = config(
        "mackerel: {apikey: 0012345e6}\n\
         targets: [{role_arn: 'arn:aws:iam::111122223333:role/a', external_id: 007, name: true}]",
    );
    let key = config.mackerel.api_key.unwrap();
    assert_eq!(key.reveal(), "0012345e6");
    assert_eq!(config.targets[0].name, "true");
    let role = config.targets[0].role.clone().unwrap();
    assert_eq!(role.external_id.as_deref(), Some("007"));
}

#[test]
fn an_alias_repeats_its_value() {
    let config = config(
        "targets:\n  - {name: a, regions: &here [eu-west-1]}\n  \
         - {role_arn: 'arn:aws:iam::111122223333:role/a', regions: *here}",
    );
    assert_eq!(config.targets[1].regions.named(), ["eu-west-1"]);
}

#[test]
fn a_null_counts_as_absent() {
    for text in [
        "",
        "# nothing\n",
        "---\n",
        "~",
        "poll:\nhost:\n  roles: ~\ntargets: null",
    ] {
        assert_eq!(format!("{:?}", config(text)), format!("{:?}", config("{}")));
    }
}

#[test]
fn an_empty_file_is_the_defaults() {
    let Config {
        mackerel,
        targets,
        host,
        poll,
        aws,
        cloudwatch,
        shard,
        heartbeat,
        listen,
        reload,
    } = config("");
    assert!(mackerel.api_key.is_none());
    assert_eq!(mackerel.api_base, "https://api.mackerelio.com");
    let [own] = <[Target; 1]>::try_from(targets).unwrap();
    let Target {
        name,
        role,
        regions,
        clusters,
        services,
        metrics,
        roles,
    } = own;
    assert_eq!(
        (name.as_str(), role, regions),
        ("default", None, Regions::Home)
    );
    assert_eq!(roles, []);
    for filter in [clusters, services] {
        assert!(filter.names.include.is_empty() && filter.names.exclude.is_empty());
        assert!(!filter.asks_for_tags());
    }
    assert_eq!(metrics.profile, Profile::Standard);
    assert!(metrics.include.is_empty() && metrics.exclude.is_empty());
    assert_eq!(host.custom_identifier, Template::parse("{arn}").unwrap());
    assert_eq!((host.display_name, host.memo), (None, None));
    assert_eq!(host.status, "working");
    let expected = Poll {
        interval: MINUTE,
        settle: MINUTE,
        overlap: 10 * MINUTE,
        lookback: HOUR,
        grace: Duration::from_secs(25),
    };
    assert_eq!(poll, expected);
    assert_eq!(
        aws,
        Aws {
            rate_share: Some(0.5)
        }
    );
    let expected = CloudWatch {
        reader: None,
        interval: None,
        monthly_budget_usd: 0.0,
    };
    assert_eq!(cloudwatch, expected);
    assert_eq!(shard, None);
    assert_eq!((host.retire_after, heartbeat, listen), (None, None, None));
    assert_eq!(reload, None);
}

#[test]
fn every_key_is_read() {
    let config = config(
        "
mackerel: {apikey: k, apibase: 'http://localhost:8080/'}
targets:
  - name: shop
    role_arn: arn:aws:iam::111122223333:role/path/poller
    external_id: abc
    session_name: watch
    regions: [eu-west-1, us-east-1]
  - role_arn: arn:aws-cn:iam::444455556666:role/poller
    regions: all
    clusters: {include: 'db'}
    services: {exclude: d}
    metrics: {profile: full}
    roles: 'shop: db'
clusters: {include: 'web-*', exclude: web-x, tags: {env: prod}, exclude_tags: {skip: '*'}}
services: {exclude: [a, b]}
metrics: {profile: compact, include: 'ecs.deployment.*', exclude: '*.maximum'}
host:
  custom_identifier: '{cluster}.{region}'
  display_name: '{cluster}'
  memo: ''
  roles: 'shop: web'
  status: standby
  retire_after: 1day
poll: {interval: 5m, settle: 0s, overlap: 1h, lookback: 1m, grace: 1s}
aws: {rate_share: off}
cloudwatch: {reader: get_metric_data, interval: 5m, monthly_budget_usd: 2.5}
shard: 2/4
heartbeat: {service: monitoring}
http: {listen: '[::1]:9808'}
",
    );
    assert_eq!(config.mackerel.api_base, "http://localhost:8080");
    let expected = CloudWatch {
        reader: Some(Reader::Data),
        interval: Some(5),
        monthly_budget_usd: 2.5,
    };
    assert_eq!(config.cloudwatch, expected);
    assert_eq!(config.shard, Some(Shard { index: 2, count: 4 }));
    assert_eq!(config.rate_share(), None);
    assert_eq!(config.heartbeat.as_deref(), Some("monitoring"));
    assert_eq!(config.listen, "[::1]:9808".parse().ok());
    assert_eq!(config.host.retire_after, Some(24 * HOUR));
    let role = |arn: &str, external_id: Option<&str>, session: &str| AssumedRole {
        arn: arn.into(),
        external_id: external_id.map(str::to_owned),
        session_name: session.into(),
    };
    let [shop, other] = <[Target; 2]>::try_from(config.targets).unwrap();
    assert_eq!(shop.name, "shop");
    assert_eq!(
        shop.role,
        Some(role(
            "arn:aws:iam::111122223333:role/path/poller",
            Some("abc"),
            "watch",
        ))
    );
    assert_eq!(shop.regions.named(), ["eu-west-1", "us-east-1"]);
    assert_eq!(other.name, "444455556666");
    assert_eq!(
        other.role,
        Some(role(
            "arn:aws-cn:iam::444455556666:role/poller",
            None,
            "mackerel-ecs",
        ))
    );
    assert_eq!(other.regions, Regions::All);
    // What it says for itself counts for it, key by key.
    assert!(other.clusters.names.accepts("db") && !other.clusters.names.accepts("web-x"));
    assert!(other.services.names.accepts("b") && !other.services.names.accepts("d"));
    assert_eq!(other.metrics.profile, Profile::Full);
    assert!(other.metrics.exclude.matches("a.maximum"));
    assert_eq!(other.roles, [RoleFullname::parse("shop:db").unwrap()]);
    assert_eq!(shop.roles, [RoleFullname::parse("shop:web").unwrap()]);
    assert!(shop.clusters.names.accepts("web-1") && !shop.clusters.names.accepts("web-x"));
    let tags = |text: &str| {
        let pairs = text
            .split_whitespace()
            .map(|pair| pair.split_once('=').unwrap());
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    assert!(shop.clusters.accepts_tags(&tags("env=prod")));
    assert!(!shop.clusters.accepts_tags(&tags("env=prod skip=1")));
    assert!(!shop.clusters.accepts_tags(&tags("env=dev")));
    assert!(!shop.services.names.accepts("b") && shop.services.names.accepts("c"));
    assert_eq!(shop.metrics.profile, Profile::Compact);
    assert!(shop.metrics.include.matches("ecs.deployment.api.count"));
    assert!(shop.metrics.exclude.matches("a.maximum"));
    let host = config.host;
    assert_eq!(
        host.custom_identifier,
        Template::parse("{cluster}.{region}").unwrap()
    );
    assert_eq!(
        host.display_name,
        Some(Template::parse("{cluster}").unwrap())
    );
    assert_eq!(host.memo, Some(Template::parse("").unwrap()));
    assert_eq!(host.status, "standby");
    let expected = Poll {
        interval: 5 * MINUTE,
        settle: Duration::ZERO,
        overlap: HOUR,
        lookback: MINUTE,
        grace: Duration::from_secs(1),
    };
    assert_eq!(config.poll, expected);
    assert_eq!(config.aws, Aws { rate_share: None });
}
