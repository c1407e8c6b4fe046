//! The command `serve`: the local Mackerel alone, on an address of the caller's choice, until it is told to stop.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use super::Failure;
use crate::cli::demo::ServeArgs;
use crate::demo::mackerel::LocalMackerel;
use crate::demo::mackerel::option::{Names, Options, Recording};
use crate::demo::mackerel::store::Storage;
use crate::demo::serve::{LIMITS, serve_until};
use crate::run::{Stop, real_time, say};

/// How long the body of a request may take to arrive.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How often the server does what time alone asks for.
const TEND: Duration = Duration::from_secs(60);

/// Runs the local Mackerel.
pub(super) async fn serve(args: ServeArgs, mut stop: Stop) -> Result<u8, Failure> {
    let own_key = args
        .api_keys
        .iter()
        .any(|key| key.secret == ServeArgs::DEFAULT_KEY);
    let kept = match &args.database {
        Some(file) => format!("Kept in {}.", file.display()),
        None => "Kept in memory, and gone when it ends; --database FILE keeps it.".to_owned(),
    };
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| unbound(args.listen, &error))?;
    let address = listener.local_addr().context("asking for the address")?;
    let mackerel = open(&args, address)?;
    let key = match own_key {
        true => ServeArgs::DEFAULT_KEY,
        false => "...",
    };
    say(&format!(
        "The local Mackerel: http://{address}/ (hosts and their metrics, in a browser)\n\
         {kept}\n\
         To point tools at it:\n\n  \
         export MACKEREL_APIBASE=http://{address} MACKEREL_APIKEY={key}\n"
    ))?;
    let router = mackerel.router();
    let tended = tokio::spawn(tend(mackerel));
    let stopped = async move { drop(stop.wait_for(|signals| *signals >= 1).await) };
    serve_until(listener, router, LIMITS, stopped).await;
    tended.abort();
    Ok(0)
}

fn open(args: &ServeArgs, address: SocketAddr) -> anyhow::Result<LocalMackerel> {
    let mut options = Options::new(Arc::new(real_time), args.api_keys.clone());
    options.patience = Some(PATIENCE);
    // Whoever is let in from other machines calls this one by a name that is not known here.
    if address.ip().is_loopback() {
        options.names = Names::Local;
    }
    options.recording = Recording::Counts;
    options.retention = Some(args.retention);
    match &args.database {
        Some(file) => LocalMackerel::open(&Storage::File(file.clone()), options)
            .with_context(|| format!("the database {} cannot be used", file.display())),
        None => LocalMackerel::open(&Storage::Memory, options).context("making the store"),
    }
}

fn unbound(address: SocketAddr, error: &std::io::Error) -> anyhow::Error {
    let why = match error.kind() {
        ErrorKind::AddrInUse => "another program listens there; choose another port with --listen",
        ErrorKind::PermissionDenied => "this user may not; choose a port above 1023 with --listen",
        ErrorKind::AddrNotAvailable => "this machine has no such address",
        _ => return anyhow::anyhow!("cannot listen on {address}: {error}"),
    };
    anyhow::anyhow!("cannot listen on {address}: {why}")
}

/// Looks after the store each minute. What fails now may do next time, such as a disk that was full.
pub(super) async fn tend(mackerel: LocalMackerel) {
    let mut minutes = interval(TEND);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        minutes.tick().await;
        if let Err(error) = mackerel.tend() {
            tracing::warn!("the local store could not be looked after: {error}");
        }
    }
}
