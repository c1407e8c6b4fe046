//! Counts each request that leaves for AWS, retries included, by service and operation.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
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
        if let Some(operation) = config.load::<Metadata>() {
            self.calls
                .add(&format!("{}:{}", self.service, operation.name()), 1);
        }
        Ok(())
    }
}
