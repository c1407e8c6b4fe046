//! Counts each request that leaves for AWS, retries included, by service and operation, and those
//! that AWS throttles: most of these never become an error, for the SDK makes them again.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::model::calls::Calls;

/// The counting hook for one service, under the name that IAM gives it.
#[derive(Debug)]
pub(super) struct CountAttempts {
    pub(super) service: &'static str,
    pub(super) calls: Calls,
}

impl CountAttempts {
    fn api(&self, config: &ConfigBag) -> Option<String> {
        let operation = config.load::<Metadata>()?;
        Some(format!("{}:{}", self.service, operation.name()))
    }
}

impl Intercept for CountAttempts {
    fn name(&self) -> &'static str {
        "CountAttempts"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(api) = self.api(config) {
            self.calls.add(&api);
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let is_throttled = !answer.status().is_success()
            && (answer.status().as_u16() == 429 || names_throttling(answer.body().bytes()));
        if let (true, Some(api)) = (is_throttled, self.api(config)) {
            self.calls.add_throttled(&api);
        }
        Ok(())
    }
}

/// Whether the body of an error has a code that says "too many". The code is text in each of AWS's
/// protocols, CBOR included.
fn names_throttling(body: Option<&[u8]>) -> bool {
    let text = String::from_utf8_lossy(body.unwrap_or_default());
    [
        "Throttl",
        "TooManyRequests",
        "RequestLimitExceeded",
        "SlowDown",
    ]
    .iter()
    .any(|code| text.contains(code))
}
