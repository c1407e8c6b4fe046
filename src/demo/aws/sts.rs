//! STS: who calls, and sessions of roles in other accounts.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::demo::aws::answer::{Answer, escaped};
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fleet::{Fleet, Role, noise};
use crate::demo::aws::options::Identity;
use crate::demo::aws::value::Value;

const CHAINED_SECONDS: i64 = 3600;
const SHORTEST_SECONDS: i64 = 900;
const LONGEST_SECONDS: i64 = 43_200;

/// A session that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its access key id.
    pub access_key: String,
    /// Whom it makes the caller.
    pub identity: Identity,
    /// When it is over.
    pub expires_at: DateTime<Utc>,
}

/// GetCallerIdentity.
pub fn caller_identity(caller: &Identity) -> Answer {
    let result = format!(
        "<GetCallerIdentityResult><Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>\
         </GetCallerIdentityResult>",
        escaped(&caller.arn),
        unique_id("AIDA", &caller.arn),
        caller.account,
    );
    Answer::Xml("GetCallerIdentity", result)
}

/// AssumeRole. `number` makes the keys unlike those of other sessions. Errors: the input breaks a
/// rule, or nobody or not this caller may assume the role.
pub fn assume_role(
    fleet: &Fleet,
    caller: &Identity,
    input: &Value,
    number: u64,
    now: DateTime<Utc>,
) -> Result<(Session, Answer), AwsError> {
    let role_arn = required(input, "RoleArn")?;
    let session_name = required(input, "RoleSessionName")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if !(2..=64).contains(&session_name.len()) || !session_name.bytes().all(allowed) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{session_name}' at 'roleSessionName' failed to \
             satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*, \
             with length 2 to 64"
        )));
    }
    let seconds = match input.text("DurationSeconds")? {
        None => CHAINED_SECONDS,
        Some(text) => text
            .parse()
            .map_err(|_| AwsError::validation("DurationSeconds must be an integer"))?,
    };
    if !(SHORTEST_SECONDS..=LONGEST_SECONDS).contains(&seconds) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy \
             constraint: Member must have value between {SHORTEST_SECONDS} and {LONGEST_SECONDS}"
        )));
    }
    let external_id = input.text("ExternalId")?;
    let found = fleet.accounts().find_map(|account| {
        let mut roles = account.roles().iter();
        let role = roles.find(|role| role.arn(&account.id) == role_arn)?;
        admits(role, external_id).then_some((account, role))
    });
    let Some((account, role)) = found else {
        return Err(AwsError::not_trusted(&caller.arn, role_arn));
    };
    if caller.is_assumed() && seconds > CHAINED_SECONDS {
        return Err(AwsError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining",
        ));
    }
    if seconds > i64::from(role.max_session) {
        return Err(AwsError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let seed = noise::mix(noise::seed_of(role_arn), number);
    let session = Session {
        access_key: unique_id("ASIA", &format!("{role_arn} {number}")),
        identity: Identity::assumed_role(&account.id, &role.name, session_name),
        expires_at: now + TimeDelta::seconds(seconds),
    };
    let result = format!(
        "<AssumeRoleResult><AssumedRoleUser><AssumedRoleId>{}:{session_name}</AssumedRoleId>\
         <Arn>{}</Arn></AssumedRoleUser><Credentials><AccessKeyId>{}</AccessKeyId>\
         <SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{}</Expiration></Credentials></AssumeRoleResult>",
        unique_id("AROA", role_arn),
        escaped(&session.identity.arn),
        session.access_key,
        noise::hex_id(seed),
        noise::hex_id(noise::mix(seed, 1)).repeat(4),
        session
            .expires_at
            .to_rfc3339_opts(SecondsFormat::Secs, true),
    );
    Ok((session, Answer::Xml("AssumeRole", result)))
}

fn admits(role: &Role, external_id: Option<&str>) -> bool {
    role.external_id.is_none() || role.external_id.as_deref() == external_id
}

fn required<'a>(input: &'a Value, name: &str) -> Result<&'a str, AwsError> {
    let value = input.text(name)?;
    value.filter(|text| !text.is_empty()).ok_or_else(|| {
        AwsError::validation(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

fn unique_id(prefix: &str, text: &str) -> String {
    let id = noise::hex_id(noise::seed_of(text)).to_uppercase();
    format!("{prefix}{}", id.get(..16).unwrap_or_default())
}
