//! Wrong configurations, each with its only mistake, place included. The schema's test tries them as
//! well.

use super::load_text;

fn mistakes(text: &str) -> Vec<String> {
    load_text("ecs.yaml", text, &[]).err().unwrap_or_default()
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(mistakes(text), [*expected], "of:\n{text}");
    }
}

#[test]
fn each_mistake_is_told_with_its_place_and_mend() {
    for table in [
        UNKNOWN_KEYS,
        WRONG_TYPES,
        WRONG_VALUES,
        WRONG_TARGETS,
        SECRETS,
    ] {
        check(table);
    }
}

/// An unknown key is told with the nearest one.
pub const UNKNOWN_KEYS: &[(&str, &str)] = &[
    (
        "metric: {}",
        "ecs.yaml:1:1: unknown key `metric`; did you mean `metrics`?",
    ),
    (
        "poll: {interval: 1m}\nzzz: 1",
        "ecs.yaml:2:1: unknown key `zzz`; known are mackerel, targets, clusters, services, \
             metrics, host, poll, aws, cloudwatch, shard, heartbeat, http, reload",
    ),
    (
        "mackerel:\n  api_base: x",
        "ecs.yaml:2:3: unknown key `api_base` in mackerel; did you mean `apibase`?",
    ),
    (
        "targets:\n  - name: a\n    rolearn: x",
        "ecs.yaml:3:5: unknown key `rolearn` in targets[0]; did you mean `role_arn`?",
    ),
    (
        "poll:\n  <<: {interval: 1m}",
        "ecs.yaml:2:3: unknown key `<<` in poll; known are interval, settle, overlap, lookback, \
             grace",
    ),
];

/// A wrong type.
pub const WRONG_TYPES: &[(&str, &str)] = &[
    (
        "- a\n- b",
        "ecs.yaml:1:1: the configuration takes a mapping of keys, not a list",
    ),
    (
        "hello",
        "ecs.yaml:1:1: the configuration takes a mapping of keys, not a single value",
    ),
    (
        "poll:\n  interval: [1m]",
        "ecs.yaml:2:3: poll.interval takes a single value, not a list",
    ),
    (
        "poll: 1m",
        "ecs.yaml:1:1: poll takes a mapping of keys, not a single value",
    ),
    (
        "poll:\n  - 1m",
        "ecs.yaml:1:1: poll takes a mapping of keys, not a list",
    ),
    (
        "clusters:\n  include: {web: true}",
        "ecs.yaml:2:3: clusters.include takes a single value or a list, not a mapping",
    ),
    (
        "clusters:\n  include: [web, [db]]",
        "ecs.yaml:2:18: clusters.include[1] takes a single value, not a list",
    ),
    (
        "clusters:\n  include: [web, ~]",
        "ecs.yaml:2:18: clusters.include[1] takes a single value, not nothing",
    ),
    (
        "targets: {name: a}",
        "ecs.yaml:1:1: targets takes a list of mappings, not a mapping",
    ),
    (
        "targets: [a]",
        "ecs.yaml:1:11: targets[0] takes a mapping of keys, not a single value",
    ),
    (
        "services:\n  tags: [a]",
        "ecs.yaml:2:3: services.tags takes a mapping of keys, not a list",
    ),
    (
        "mackerel:\n  apikey: [canary]",
        "ecs.yaml:2:3: mackerel.apikey takes a single value, not a list",
    ),
];

/// A wrong value is told with what would be right.
pub const WRONG_VALUES: &[(&str, &str)] = &[
    (
        "poll: {settle: soon}",
        "ecs.yaml:1:8: poll.settle is `soon`, which is no duration; write it as `90s`, `5m` \
             or `1h`",
    ),
    (
        "poll: {interval: 60}",
        "ecs.yaml:1:8: poll.interval is `60`, which is no duration; write it as `90s`, `5m` \
             or `1h`",
    ),
    (
        "poll: {lookback: 25h}",
        "ecs.yaml:1:8: poll.lookback is `25h`, but must be from 1m to 1day",
    ),
    (
        "poll: {grace: 0s}",
        "ecs.yaml:1:8: poll.grace is `0s`, but must be from 1s to 10m",
    ),
    (
        "poll: {interval: 90s}",
        "ecs.yaml:1:8: poll.interval is `90s`, but must be whole minutes such as 5m",
    ),
    (
        "clusters: {exclude: '[a'}",
        "ecs.yaml:1:12: clusters.exclude is `[a`, which is no pattern: unclosed character \
             class; missing ']'",
    ),
    (
        "services: {tags: {team: ['']}}",
        "ecs.yaml:1:26: services.tags.team[0] is an empty pattern, which matches nothing; `*` \
             matches all",
    ),
    (
        "clusters: {include: []}",
        "ecs.yaml:1:12: clusters.include is an empty list; give it an entry or leave the key \
             out",
    ),
    (
        "targets: []",
        "ecs.yaml:1:1: targets is an empty list; give it an entry or leave the key out",
    ),
    (
        "metrics: {profile: fast}",
        "ecs.yaml:1:11: metrics.profile is `fast`, but must be compact, standard or full",
    ),
    (
        "host: {status: retired}",
        "ecs.yaml:1:8: host.status is `retired`, but must be working, standby, maintenance \
             or poweroff",
    ),
    (
        "host: {roles: ['shop:web', shop]}",
        "ecs.yaml:1:28: host.roles[1] is wrong: `shop` is no role; write `service:role`, each \
             2 to 63 letters, digits, `-` or `_`",
    ),
    (
        "host: {custom_identifier: '{region}'}",
        "ecs.yaml:1:8: host.custom_identifier must hold {arn} or {cluster}, or all clusters \
             would share one host",
    ),
    (
        "host: {memo: '{zone}'}",
        "ecs.yaml:1:8: host.memo has the unknown place {zone}; known are {arn}, {cluster}, \
             {region}, {account}",
    ),
    (
        "host: {display_name: '{cluster'}",
        "ecs.yaml:1:8: host.display_name has a brace without its partner; write {{ or }} for \
             a brace",
    ),
    (
        "mackerel: {apibase: api.mackerelio.com}",
        "ecs.yaml:1:12: mackerel.apibase is `api.mackerelio.com`, but must be a URL such as \
             https://api.mackerelio.com",
    ),
    (
        "aws: {rate_share: 1.5}",
        "ecs.yaml:1:7: aws.rate_share is `1.5`, but must be above 0 and up to 1, or off",
    ),
    (
        "aws: {rate_share: .nan}",
        "ecs.yaml:1:7: aws.rate_share is `.nan`, but must be above 0 and up to 1, or off",
    ),
    (
        "targets: [{regions: tokyo}]",
        "ecs.yaml:1:12: targets[0].regions is `tokyo`, which is no Region; write it as \
             ap-northeast-1",
    ),
    (
        "targets: [{regions: [eu-west-1, eu-west-1]}]",
        "ecs.yaml:1:33: targets[0].regions[1] is `eu-west-1` a second time; name it once",
    ),
];

/// A wrong target.
pub const WRONG_TARGETS: &[(&str, &str)] = &[
    (
        "targets: [{role_arn: 'arn:aws:iam::1111:role/poller'}]",
        "ecs.yaml:1:12: targets[0].role_arn is `arn:aws:iam::1111:role/poller`, which is no \
             role; write arn:aws:iam::ACCOUNT:role/NAME",
    ),
    (
        "targets: [{role_arn: poller, external_id: abc}, {}]",
        "ecs.yaml:1:12: targets[0].role_arn is `poller`, which is no role; write \
             arn:aws:iam::ACCOUNT:role/NAME",
    ),
    (
        "targets: [{role_arn: 'arn:aws:iam::111122223333:role/poller', external_id: 'a b'}]",
        "ecs.yaml:1:63: targets[0].external_id must be 2 to 1224 letters, digits and \
             +=,.@:/-_",
    ),
    (
        "targets: [{role_arn: 'arn:aws:iam::111122223333:role/poller', session_name: a}]",
        "ecs.yaml:1:63: targets[0].session_name must be 2 to 64 letters, digits and +=,.@-_",
    ),
    (
        "targets:\n  - regions: eu-west-1\n  - external_id: abc\n    name: b",
        "ecs.yaml:3:5: targets[1] has external_id or session_name but no role_arn to assume",
    ),
    (
        "targets:\n  - name: a\n  - {name: b, regions: eu-west-1}\n  - name: a",
        "ecs.yaml:4:5: targets[2] is called `a` like targets[0]; give each its own `name`",
    ),
    (
        "targets:\n  - role_arn: 'arn:aws:iam::111122223333:role/poller'\n  - role_arn: 'arn:aws:iam::111122223333:role/poller'",
        "ecs.yaml:3:5: targets[1] is called `111122223333` like targets[0]; give each its own \
             `name`",
    ),
    (
        "targets: [{name: ' '}]",
        "ecs.yaml:1:12: targets[0].name is empty",
    ),
    (
        "targets: [{clusters: {exclud: a}}]",
        "ecs.yaml:1:23: unknown key `exclud` in targets[0].clusters; did you mean `exclude`?",
    ),
];

/// Two targets that would poll the same clusters. No schema can say it.
const SHARED_REGIONS: &[(&str, &str)] = &[
    (
        "targets:\n  \
         - {name: a, role_arn: 'arn:aws:iam::111122223333:role/a', regions: [eu-west-1, us-east-1]}\n  \
         - {name: b, role_arn: 'arn:aws:iam::111122223333:role/b', regions: us-east-1}",
        "ecs.yaml:3:5: targets[1] has us-east-1 of account 111122223333 like targets[0]; name it \
         in one of them",
    ),
    (
        "targets:\n  \
         - {name: a, role_arn: 'arn:aws:iam::111122223333:role/a', regions: all}\n  \
         - {name: b, role_arn: 'arn:aws:iam::111122223333:role/b', regions: us-east-1}",
        "ecs.yaml:3:5: targets[1] may have the same Regions of account 111122223333 as \
         targets[0]; name the `regions` of each",
    ),
    (
        "targets:\n  - {name: a}\n  - {name: b}",
        "ecs.yaml:3:5: targets[1] may have the same Regions of the poller's own account as \
         targets[0]; name the `regions` of each",
    ),
    (
        "targets: [{regions: [us-east-1, all]}]",
        "ecs.yaml:1:33: targets[0].regions[1] is `all` beside others; all of them are \
         `regions: all`",
    ),
];

#[test]
fn a_region_of_an_account_belongs_to_one_target() {
    check(SHARED_REGIONS);
    let apart = "targets:\n  \
        - {name: a, role_arn: 'arn:aws:iam::111122223333:role/a', regions: [eu-west-1, us-east-1]}\n  \
        - {name: b, role_arn: 'arn:aws:iam::111122223333:role/b', regions: us-west-1}\n  \
        - {regions: us-east-1}";
    assert_eq!(mistakes(apart), Vec::<String>::new());
}

/// What is wrong with a secret is told without the secret.
pub const SECRETS: &[(&str, &str)] = &[
    (
        "mackerel: {apikey: ''}",
        "ecs.yaml:1:12: mackerel.apikey is empty; give it the key of your Mackerel \
             organization",
    ),
    (
        "mackerel: {apikey: 'canary canary'}",
        "ecs.yaml:1:12: mackerel.apikey holds a blank or another character that no API key \
             has",
    ),
    (
        "mackerel: {apibase: 'https://me:canary@localhost'}",
        "ecs.yaml:1:12: mackerel.apibase must not hold a user or password; the API key is all \
             that is needed",
    ),
    (
        "mackerel: canary",
        "ecs.yaml:1:1: mackerel takes a mapping of keys, not a single value",
    ),
];

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "
mackerel: {apikey: ''}
targets:
  - {regions: tokyo, nmae: a}
metrics: {profile: fast}
poll:
  interval: 90s
  grace: never
colour: red
";
    assert_eq!(
        mistakes(text),
        [
            "ecs.yaml:2:12: mackerel.apikey is empty; give it the key of your Mackerel \
             organization",
            "ecs.yaml:4:6: targets[0].regions is `tokyo`, which is no Region; write it as \
             ap-northeast-1",
            "ecs.yaml:4:22: unknown key `nmae` in targets[0]; did you mean `name`?",
            "ecs.yaml:5:11: metrics.profile is `fast`, but must be compact, standard or full",
            "ecs.yaml:7:3: poll.interval is `90s`, but must be whole minutes such as 5m",
            "ecs.yaml:8:3: poll.grace is `never`, which is no duration; write it as `90s`, `5m` \
             or `1h`",
            "ecs.yaml:9:1: unknown key `colour`; known are mackerel, targets, clusters, services, \
             metrics, host, poll, aws, cloudwatch, shard, heartbeat, http, reload",
        ]
    );
}
