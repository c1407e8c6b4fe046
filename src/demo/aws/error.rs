//! What the simulated AWS refuses, as each protocol names it.
//!
//! CloudWatch has two names for an error: the type of its model, and the older code of its query
//! protocol, which clients are sent in the header `x-amzn-query-error` and prefer.

/// A refusal or a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// The name in `__type` of the JSON and CBOR protocols.
    pub kind: &'static str,
    /// The code of the query protocol, in STS's XML and CloudWatch's header.
    pub query_code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The sentence for a person.
    pub message: String,
}

impl AwsError {
    fn new(kind: &'static str, query_code: &'static str, status: u16, message: String) -> AwsError {
        AwsError {
            kind,
            query_code,
            status,
            message,
        }
    }

    /// The code that EC2 has for it ("Error codes for the Amazon EC2 API").
    pub fn ec2_code(&self) -> &'static str {
        match self.query_code {
            "AccessDenied" => "UnauthorizedOperation",
            "InvalidClientTokenId" | "SignatureDoesNotMatch" => "AuthFailure",
            "ExpiredToken" => "RequestExpired",
            "Throttling" => "RequestLimitExceeded",
            "InternalFailure" => "InternalError",
            "ServiceUnavailable" => "Unavailable",
            other => other,
        }
    }

    /// No credentials came with the request.
    pub fn missing_token(status: u16) -> AwsError {
        let message = "Missing Authentication Token".into();
        let kind = "MissingAuthenticationTokenException";
        AwsError::new(kind, "MissingAuthenticationToken", status, message)
    }

    /// `Authorization` is not of the form of Signature Version 4.
    pub fn incomplete_signature(status: u16, message: String) -> AwsError {
        let kind = "IncompleteSignatureException";
        AwsError::new(kind, "IncompleteSignature", status, message)
    }

    /// The signature is for another service than the request.
    pub fn wrong_scope(status: u16, service: &str) -> AwsError {
        let message = format!("Credential should be scoped to correct service: '{service}'.");
        let kind = "InvalidSignatureException";
        AwsError::new(kind, "SignatureDoesNotMatch", status, message)
    }

    /// Nobody has this access key.
    pub fn unknown_key(status: u16) -> AwsError {
        let message = "The security token included in the request is invalid.".into();
        let kind = "UnrecognizedClientException";
        AwsError::new(kind, "InvalidClientTokenId", status, message)
    }

    /// The access key was temporary and its time is over.
    pub fn expired_key(status: u16) -> AwsError {
        let message = "The security token included in the request is expired".into();
        AwsError::new("ExpiredTokenException", "ExpiredToken", status, message)
    }

    /// The caller may not do this; the message names the caller, the action and the resource.
    pub fn denied(status: u16, caller: &str, action: &str, resource: Option<&str>) -> AwsError {
        let on = resource.map_or(String::new(), |arn| format!(" on resource: {arn}"));
        let message = format!(
            "User: {caller} is not authorized to perform: {action}{on} because no identity-based \
             policy allows the {action} action"
        );
        AwsError::new("AccessDeniedException", "AccessDenied", status, message)
    }

    /// STS: the role does not exist or does not trust the caller.
    pub fn not_trusted(caller: &str, role: &str) -> AwsError {
        let message = format!(
            "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}"
        );
        AwsError::new("AccessDeniedException", "AccessDenied", 403, message)
    }

    /// There are too many requests, as ECS says it.
    pub fn ecs_throttled() -> AwsError {
        let kind = "ThrottlingException";
        AwsError::new(kind, kind, 400, "Rate exceeded".into())
    }

    /// There are too many requests, as CloudWatch and STS say it.
    pub fn throttled() -> AwsError {
        AwsError::new("Throttling", "Throttling", 400, "Rate exceeded".into())
    }

    /// The service failed with this status, 500 or 503 or another.
    pub fn failed(status: u16) -> AwsError {
        if status == 503 {
            let kind = "ServiceUnavailable";
            return AwsError::new(kind, kind, status, "Service is unavailable.".into());
        }
        let message = "We encountered an internal error. Please try again.".into();
        AwsError::new("InternalServiceError", "InternalFailure", status, message)
    }

    /// The service has no such operation, or the simulation none.
    pub fn unknown_operation(status: u16, operation: &str) -> AwsError {
        let message = format!("Could not find operation {operation}.");
        let kind = "UnknownOperationException";
        AwsError::new(kind, "InvalidAction", status, message)
    }

    /// The input is not what the protocol says.
    pub fn malformed(message: String) -> AwsError {
        let kind = "SerializationException";
        AwsError::new(kind, "MalformedInput", 400, message)
    }

    /// A member of the input is of the wrong type.
    pub fn serialization(member: &str, expected: &str) -> AwsError {
        AwsError::malformed(format!("{member} must be {expected}."))
    }

    /// A parameter of an ECS call is wrong.
    pub fn invalid_parameter(message: impl Into<String>) -> AwsError {
        let kind = "InvalidParameterException";
        AwsError::new(kind, kind, 400, message.into())
    }

    /// An ECS call on the services of a cluster that does not exist.
    pub fn cluster_not_found() -> AwsError {
        let kind = "ClusterNotFoundException";
        AwsError::new(kind, kind, 400, "Cluster not found.".into())
    }

    /// CloudWatch or STS: the input breaks a rule of the model.
    pub fn validation(message: impl Into<String>) -> AwsError {
        let kind = "ValidationException";
        AwsError::new(kind, "ValidationError", 400, message.into())
    }

    /// CloudWatch: a parameter has a wrong value.
    pub fn invalid_value(message: impl Into<String>) -> AwsError {
        let kind = "InvalidParameterValueException";
        AwsError::new(kind, "InvalidParameterValue", 400, message.into())
    }

    /// CloudWatch: parameters do not go together.
    pub fn invalid_combination(message: impl Into<String>) -> AwsError {
        let kind = "InvalidParameterCombinationException";
        AwsError::new(kind, "InvalidParameterCombination", 400, message.into())
    }

    /// CloudWatch: a parameter is missing.
    pub fn missing_parameter(name: &str) -> AwsError {
        let message = format!("The parameter {name} is required.");
        let kind = "MissingRequiredParameterException";
        AwsError::new(kind, "MissingParameter", 400, message)
    }

    /// CloudWatch: the page token is not one that was given out for this question.
    pub fn invalid_next_token() -> AwsError {
        let message = "The next token specified is invalid.".into();
        AwsError::new("InvalidNextToken", "InvalidNextToken", 400, message)
    }
}
