//! An error of AWS as a decision for the caller and a sentence for a person, with the mend in it.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::request_id::RequestId;

use crate::pace::bucket::Bucket;
use crate::transport::chain;

/// What went wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the caller should do about it.
    pub kind: Kind,
    /// The call, as IAM names it.
    pub action: &'static str,
    /// What happened and what mends it; the same each time that the same happens.
    pub message: String,
    /// AWS's own words and the request's id.
    pub detail: Option<String>,
}

/// What the caller should do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing can be called with these settings or credentials: give up this target.
    Setup,
    /// This call is not allowed: go on without it.
    Denied,
    /// What was asked for is gone: go on without it.
    Gone,
    /// Too many calls: slow down, and try at the next poll.
    Throttled,
    /// There was no answer in time; it may work at the next poll.
    TimedOut,
    /// It may work at the next poll.
    Passing,
    /// It will never work like this.
    Rejected,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {}

impl Error {
    /// An error of our own finding.
    pub(super) fn new(kind: Kind, action: &'static str, message: impl Into<String>) -> Self {
        Error {
            kind,
            action,
            message: message.into(),
            detail: None,
        }
    }

    /// A call that was not made, because calls like it hang.
    pub fn given_up(action: &'static str) -> Self {
        Error::new(
            Kind::TimedOut,
            action,
            format!("{action} got no answer in time; check the network to AWS"),
        )
    }

    /// Translates an error of the SDK, and slows the bucket down that the call was taken from where
    /// AWS says that it is too much.
    pub(super) fn of_call<E>(
        action: &'static str,
        error: SdkError<E, HttpResponse>,
        bucket: &Bucket,
    ) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let error = Self::from_sdk(action, error);
        if error.kind == Kind::Throttled {
            bucket.slow_down();
        }
        error
    }

    /// Translates a refusal by its code and HTTP status; `said` are AWS's own words, `request`
    /// names the request.
    pub(super) fn of_answer(
        action: &'static str,
        code: &str,
        status: u16,
        said: Option<String>,
        request: Option<String>,
    ) -> Self {
        let text = said.as_deref().unwrap_or_default();
        let (kind, message) = of_service(action, code, text, status);
        let detail: Vec<String> = said.into_iter().chain(request).collect();
        Error {
            detail: (!detail.is_empty()).then(|| detail.join("; ")),
            ..Error::new(kind, action, message)
        }
    }

    /// Translates an error of the SDK.
    pub(super) fn from_sdk<E>(action: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let request = error.request_id().map(|id| format!("request id {id}"));
        match &error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let code = service.err().code().unwrap_or_default();
                let said = service.err().message().map(str::to_owned);
                Self::of_answer(action, code, status, said, request)
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                let message = format!(
                    "{action} got an answer (HTTP {status}) that is not AWS's; check the proxy \
                     and AWS_ENDPOINT_URL"
                );
                Error {
                    detail: request,
                    ..Error::new(Kind::Passing, action, message)
                }
            }
            SdkError::TimeoutError(_) => Self::given_up(action),
            _ => of_dispatch(action, &error),
        }
    }
}

fn of_service(action: &str, code: &str, said: &str, status: u16) -> (Kind, String) {
    let lower = code.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    // Which of these AWS says depends on the service; none of them is about the key. Assumed, as the
    // services' lists of common errors and their messages have it: not seen on AWS itself.
    let is_clock = has("requestexpired")
        || has("requesttimetooskewed")
        || said.starts_with("Signature expired")
        || said.starts_with("Signature not yet current");
    if is_clock {
        (
            Kind::Setup,
            format!(
                "AWS takes no request, for this machine's clock is too far off ({action}: {code}); \
                 set it by NTP"
            ),
        )
    } else if has("expired") {
        let mend = "renew them; a task role renews itself";
        (
            Kind::Setup,
            format!("the AWS credentials have expired ({action}: {code}); {mend}"),
        )
    } else if has("unrecognizedclient")
        || has("invalidclienttokenid")
        || has("signaturedoesnotmatch")
        || has("invalidsignature")
        || has("missingauthenticationtoken")
        || has("incompletesignature")
        || has("invalidaccesskeyid")
        || has("authfailure")
    {
        (
            Kind::Setup,
            format!(
                "AWS does not accept the credentials ({action}: {code}); check \
                 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the task role"
            ),
        )
    } else if has("accessdenied")
        || has("unauthorized")
        || has("notauthorized")
        || has("optinrequired")
    {
        (
            Kind::Denied,
            format!("access denied to {action}; allow it in the IAM policy of the role"),
        )
    } else if has("clusternotfound") || has("servicenotfound") {
        (
            Kind::Gone,
            format!("{action} found it deleted in the meantime ({code})"),
        )
    } else if has("throttl") || has("toomanyrequests") || has("limitexceeded") || has("slowdown") {
        (
            Kind::Throttled,
            format!("AWS throttled {action} ({code}); other tools may use up the account's rate"),
        )
    } else if status >= 500 {
        (
            Kind::Passing,
            format!("{action} failed on AWS's side (HTTP {status} {code})"),
        )
    } else {
        (
            Kind::Rejected,
            format!("{action} was refused (HTTP {status} {code})"),
        )
    }
}

fn of_dispatch(action: &'static str, error: &(dyn StdError + 'static)) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(credentials) = current.downcast_ref::<CredentialsError>() {
            return of_credentials(action, credentials);
        }
        cause = current.source();
    }
    let message = format!(
        "can't reach AWS for {action}; check the Region, the network (security group, NAT or VPC \
         endpoints, proxy) and AWS_ENDPOINT_URL"
    );
    Error {
        detail: Some(chain(error)),
        ..Error::new(Kind::Passing, action, message)
    }
}

/// Translates an error of whatever gives credentials.
pub(super) fn of_credentials(action: &'static str, error: &CredentialsError) -> Error {
    let refusal = refusal_of_credentials(error);
    let message = match error {
        CredentialsError::CredentialsNotLoaded(_) => "no AWS credentials: give the task a task \
            role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            .to_owned(),
        other => {
            let why = match &refusal {
                Some((code, _)) => format!(" ({code})"),
                None => String::new(),
            };
            let also = match &refusal {
                Some(_) => String::new(),
                None => format!(": {}", chain(other)),
            };
            format!(
                "can't get AWS credentials{why}; check the role's trust policy and external id, or \
                 the profile{also}"
            )
        }
    };
    Error {
        detail: refusal.map(|(_, said)| said),
        ..Error::new(Kind::Setup, action, message)
    }
}

/// The code with which STS refused to give credentials, and what it said, with the request's id; none
/// where it did not come to that.
fn refusal_of_credentials(error: &CredentialsError) -> Option<(String, String)> {
    let mut cause = error.source();
    while let Some(current) = cause {
        let role = current.downcast_ref::<AssumeRoleError>();
        let identity = current.downcast_ref::<AssumeRoleWithWebIdentityError>();
        let said = role
            .map(|error| (error.meta(), error.request_id()))
            .or_else(|| identity.map(|error| (error.meta(), error.request_id())));
        if let Some((meta, id)) = said {
            let code = meta.code().unwrap_or("no code").to_owned();
            let message = meta.message().map(str::to_owned);
            let id = id.map(|id| format!("request id {id}"));
            let said: Vec<String> = message.into_iter().chain(id).collect();
            return Some((code, said.join("; ")));
        }
        cause = current.source();
    }
    None
}
