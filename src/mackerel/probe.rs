//! Calls that change nothing and tell what the key may do.

use chrono::{DateTime, Utc};
use http::header::DATE;
use serde::Deserialize;

use super::client::{Client, parsed};
use super::error::Error;
use super::payload::Service;

#[derive(Deserialize)]
struct Organization {
    name: String,
}

#[derive(Deserialize)]
struct Services {
    services: Vec<Service>,
}

impl Client {
    /// The name of the key's organization, and the time that Mackerel answered at.
    pub async fn organization(&self) -> Result<(String, Option<DateTime<Utc>>), Error> {
        let answer = self.send("GET", "/org", "/org", None).await?;
        let date = answer.headers().get(DATE).and_then(|date| {
            let date = DateTime::parse_from_rfc2822(date.to_str().ok()?).ok()?;
            Some(date.to_utc())
        });
        let organization: Organization = parsed("GET", "/org", answer.body())?;
        Ok((organization.name, date))
    }

    /// Posts no points at all. That a key without write permission is refused all the same, before
    /// anyone looks at what was posted, is an assumption: Mackerel documents only that such a key
    /// gets 403 from this call.
    pub async fn try_to_write(&self) -> Result<(), Error> {
        self.post_values(&[]).await
    }

    /// The organization's services with their roles.
    pub async fn services(&self) -> Result<Vec<Service>, Error> {
        let answer = self.send("GET", "/services", "/services", None).await?;
        let known: Services = parsed("GET", "/services", answer.body())?;
        Ok(known.services)
    }
}
