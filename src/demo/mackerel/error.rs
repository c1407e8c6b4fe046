//! A refusal is how a call ends without success: a status code and one sentence for a person,
//! sent in the shape that the live service uses now, `{"error":{"message":"..."}}`.

use axum::http::StatusCode;
use serde_json::json;

/// The status and message with which a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What is wrong, in one sentence.
    pub message: String,
}

impl Refusal {
    /// 400: the input cannot be accepted.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    /// 401: the API key is missing or unknown.
    pub fn unauthorized() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            message: "Authentication failed. Please try with valid Api Key.".to_owned(),
        }
    }

    /// 403: the API key lacks a permission.
    pub fn forbidden() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            message: "the API key lacks the permission for this call".to_owned(),
        }
    }

    /// 403: a limit of the organization is reached.
    pub fn forbidden_because(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            message: message.into(),
        }
    }

    /// 409: the name is taken.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            message: message.into(),
        }
    }

    /// 404: the named thing does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: message.into(),
        }
    }

    /// 403: the client calls the server by a name that leads here but that it does not go by.
    pub fn misnamed() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            message: "this server is called localhost or by an address; \
                a proxy in front of it must send `Host: localhost`"
                .to_owned(),
        }
    }

    /// 503: too many bodies are arriving.
    pub fn crowded() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: "too much is arriving at once; try again".to_owned(),
        }
    }

    /// 408: the body did not come in time.
    pub fn slow() -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            message: "the body did not come in time".to_owned(),
        }
    }

    /// 413: the body is over a limit.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            message: message.into(),
        }
    }

    /// 500: the answer could not be made.
    pub fn failed(error: &dyn std::error::Error) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: format!("the local server failed: {error}"),
        }
    }

    /// The JSON body of the answer.
    pub fn body(&self) -> String {
        json!({ "error": { "message": self.message } }).to_string()
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::failed(&error)
    }
}
