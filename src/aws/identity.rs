//! What the credentials are, whom they make us (GetCallerIdentity), and what time it is at AWS.

use std::sync::{Arc, Mutex};

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use chrono::{DateTime, Utc};

use super::Client;
use super::error::{Error, of_credentials};

/// The `Date` header of an answer, be it a success or not.
#[derive(Debug, Clone, Default)]
struct ReadDate(Arc<Mutex<Option<DateTime<Utc>>>>);

impl Intercept for ReadDate {
    fn name(&self) -> &'static str {
        "ReadDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        if let (Ok(mut place), Some(date)) = (self.0.lock(), date) {
            *place = Some(date.to_utc());
        }
        Ok(())
    }
}

impl Client {
    /// When the credentials expire that are used now; none where they don't. What gives them renews
    /// them in time.
    pub async fn credentials_expire(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let found = match self.config.credentials_provider() {
            Some(provider) => provider.provide_credentials().await,
            None => Err(CredentialsError::not_loaded_no_source()),
        };
        let credentials = found.map_err(|error| of_credentials("sts:AssumeRole", &error))?;
        Ok(credentials.expiry().map(DateTime::from))
    }

    /// The ARN of whom the credentials make us, and the time that AWS answered at. No permission is
    /// needed for it.
    pub async fn identity(&self) -> (Result<String, Error>, Option<DateTime<Utc>>) {
        let date = ReadDate::default();
        let sts = aws_sdk_sts::Client::new(&self.config);
        let answer = sts
            .get_caller_identity()
            .customize()
            .interceptor(date.clone())
            .send()
            .await;
        let identity = answer
            .map(|identity| identity.arn.unwrap_or_default())
            .map_err(|error| Error::from_sdk("sts:GetCallerIdentity", error));
        let date = date.0.lock().ok().and_then(|place| *place);
        (identity, date)
    }
}
