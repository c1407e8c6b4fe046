//! Signs a request of our own (Signature Version 4), for the few calls that need no client of the SDK.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::Request;

use crate::transport::chain;

/// For which service, where and when a request is signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The service by the name that signatures have for it.
    pub(super) service: &'static str,
    /// The Region.
    pub(super) region: &'a str,
    /// The time of day.
    pub(super) time: SystemTime,
}

/// Adds the signature to a request. The path is taken as it was encoded, dots and all.
pub(super) fn signed(
    mut request: Request<Vec<u8>>,
    scope: Scope<'_>,
    credentials: &Credentials,
) -> Result<Request<Vec<u8>>, String> {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(scope.time)
        .settings(settings)
        .build()
        .map_err(|error| chain(&error))?
        .into();
    let url = request.uri().to_string();
    let signable = SignableRequest::new(
        request.method().as_str(),
        url,
        std::iter::empty(),
        SignableBody::Bytes(request.body()),
    );
    let (instructions, _) = signable
        .and_then(|signable| sign(signable, &parameters))
        .map_err(|error| chain(&error))?
        .into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}
