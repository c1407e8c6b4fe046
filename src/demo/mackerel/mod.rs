//! The local Mackerel: an HTTP server that stands in for the part of the Mackerel API v0 which the poller,
//! the sidecar and common tools use, with SQLite behind it and a plain page of hosts in front.
//! It is written from Mackerel's documentation and shares no type with the product's own client,
//! so that it cannot agree with that client's mistakes. The caller binds the socket and gives the clock.

pub mod option;

pub mod api;
pub mod body;
pub mod call;
pub mod door;
pub mod error;
pub mod fault;
pub mod field;
pub mod judge;
pub mod monitor;
pub mod page;
pub mod request;
pub mod rule;
pub mod store;
#[cfg(test)]
mod tests;
pub mod watch;
pub mod widget;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use rusqlite::Connection;
use serde_json::Value;

use crate::demo::mackerel::body::Arriving;
use crate::demo::mackerel::call::{Answer, Call, Context, Function, PointTest};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::fault::{Fault, FaultKind, Faults};
use crate::demo::mackerel::option::{Journaling, Options};
use crate::demo::mackerel::request::{RequestRecord, Requests};
use crate::demo::mackerel::store::alert::{StoredAlert, Which};
use crate::demo::mackerel::store::check::StoredCheck;
use crate::demo::mackerel::store::graph::StoredGraph;
use crate::demo::mackerel::store::host::StoredHost;
use crate::demo::mackerel::store::monitor::StoredMonitor;
use crate::demo::mackerel::store::role::StoredService;
use crate::demo::mackerel::store::series::{Journal, PostedPoint, Posting};
use crate::demo::mackerel::store::{Owner, Storage, Unusable};

/// How many hours of a series are forgotten in one go, so that no request waits long for it.
const FORGOTTEN_AT_ONCE: usize = 20_000;

/// A handle on a local Mackerel; clones share one store.
///
/// The direct reads are for tests and for the demo's own display. They see what was committed and go past
/// the API, its keys and its faults. They panic if SQLite itself fails, for which a test has no better answer.
#[derive(Clone)]
pub struct LocalMackerel {
    shared: Arc<Shared>,
}

/// What the requests share.
///
/// The store is behind a std mutex and is called directly in async code, without a thread of its own.
/// An operation is short: a post of 1,000 values takes a few milliseconds and nothing awaits under the lock.
/// A hand-over to another thread would be invisible to a runtime whose clock is paused, which would then
/// move its clock on, past the time-out of the very request that is being served.
pub struct Shared {
    options: Options,
    store: Mutex<Store>,
    log: Mutex<Requests>,
    faults: Mutex<Faults>,
    refused_points: Mutex<Option<Arc<PointTest>>>,
    arriving: Arriving,
}

struct Store {
    connection: Connection,
    journal: Journal,
}

impl LocalMackerel {
    /// Opens the store, which goes on with what a file holds.
    ///
    /// # Errors
    ///
    /// [`Unusable`], for a file that cannot be opened or is none of ours.
    pub fn open(storage: &Storage, options: Options) -> Result<Self, Unusable> {
        let store = Store {
            connection: store::open(storage)?,
            journal: Journal::default(),
        };
        let shared = Shared {
            options,
            store: Mutex::new(store),
            log: Mutex::default(),
            faults: Mutex::default(),
            refused_points: Mutex::default(),
            arriving: Arriving::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The router to serve on a socket of the caller's.
    pub fn router(&self) -> Router {
        door::router(Arc::clone(&self.shared))
    }

    /// Does what time alone asks for, and should be called each minute: sees silence that opens alerts,
    /// drops graph definitions that have vanished, and forgets points beyond the retention.
    ///
    /// # Errors
    ///
    /// SQLite's own, such as a disk that is full.
    pub fn tend(&self) -> rusqlite::Result<()> {
        let now = self.shared.now();
        let mut store = lock(&self.shared.store);
        let transaction = store.connection.transaction()?;
        watch::look(&transaction, now)?;
        store::graph::expire(&transaction, now)?;
        if let Some(retention) = self.shared.options.retention {
            let seconds = i64::try_from(retention.as_secs()).unwrap_or(i64::MAX);
            let before = now.saturating_sub(seconds);
            store::series::forget(&transaction, before, FORGOTTEN_AT_ONCE)?;
        }
        transaction.commit()
    }

    /// The requests since the server was opened or the log was reset.
    pub fn requests(&self) -> Requests {
        lock(&self.shared.log).clone()
    }

    /// Forgets the requests so far.
    pub fn reset_requests(&self) {
        *lock(&self.shared.log) = Requests::default();
    }

    /// Adds a fault, which strikes once every earlier one that fits has been used up.
    pub fn inject(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Forgets the faults that are left. A request that hangs already goes on hanging.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// From now on, a post that holds a point which passes the test is refused whole, with 400.
    /// It takes the place of an earlier test.
    pub fn refuse_points(&self, test: impl Fn(&PostedPoint<'_>) -> bool + Send + Sync + 'static) {
        *lock(&self.shared.refused_points) = Some(Arc::new(test));
    }

    /// From now on, no point is refused by a test.
    pub fn accept_points(&self) {
        *lock(&self.shared.refused_points) = None;
    }

    /// Every host in the order of registration, the retired ones included.
    pub fn hosts(&self) -> Vec<StoredHost> {
        self.look(|store, _| store::host::all(&store.connection))
    }

    /// The checks of a host, by name.
    pub fn checks(&self, host_id: &str) -> Vec<StoredCheck> {
        self.look(|store, _| store::check::of_host(&store.connection, host_id))
    }

    /// The monitors, by type and name.
    pub fn monitors(&self) -> Vec<StoredMonitor> {
        self.look(|store, _| store::monitor::all(&store.connection))
    }

    /// Adds a monitor, as a client does.
    ///
    /// # Errors
    ///
    /// The refusal that a client would see.
    pub fn add_monitor(&self, monitor: &Value) -> Result<(), Refusal> {
        let call = Call {
            body: monitor.to_string().into(),
            ..Call::default()
        };
        self.shared.run(api::monitor::create, &call).map(drop)
    }

    /// The alerts, newest first: the open ones, or the closed ones as well.
    pub fn alerts(&self, which: Which) -> Vec<StoredAlert> {
        self.look(|store, now| {
            watch::look(&store.connection, now)?;
            store::alert::page(&store.connection, which, None, usize::MAX >> 1)
        })
    }

    /// Every service with its roles, by name.
    pub fn services(&self) -> Vec<StoredService> {
        self.look(|store, _| store::role::services(&store.connection))
    }

    /// The names of a host's metrics, in order.
    pub fn metric_names(&self, host_id: &str) -> Vec<String> {
        self.look(|store, _| store::series::names(&store.connection, Owner::Host(host_id)))
    }

    /// All points of a host's metric, oldest first, as pairs of epoch seconds and value.
    pub fn points(&self, host_id: &str, name: &str) -> Vec<(i64, f64)> {
        self.all_points(Owner::Host(host_id), name)
    }

    /// All points of a service's metric, oldest first, as pairs of epoch seconds and value.
    pub fn service_points(&self, service: &str, name: &str) -> Vec<(i64, f64)> {
        self.all_points(Owner::Service(service), name)
    }

    /// How often each minute of a host's metric was recorded, oldest first; empty where the journal is off.
    pub fn posts_of(&self, host_id: &str, name: &str) -> Vec<Posting> {
        self.look(|store, _| {
            let number = store::series::number(&store.connection, Owner::Host(host_id), name)?;
            Ok(number
                .map(|number| store.journal.of(number))
                .unwrap_or_default())
        })
    }

    /// The graph definitions that have not vanished by now, by name.
    pub fn graph_defs(&self) -> Vec<StoredGraph> {
        self.look(|store, now| {
            store::graph::expire(&store.connection, now)?;
            store::graph::all(&store.connection)
        })
    }

    /// The JSON text of a host's metadata.
    pub fn host_metadata(&self, host_id: &str, namespace: &str) -> Option<String> {
        self.look(|store, _| {
            store::metadata::get(&store.connection, Owner::Host(host_id), namespace)
        })
        .map(|(text, _)| text)
    }

    fn all_points(&self, owner: Owner<'_>, name: &str) -> Vec<(i64, f64)> {
        self.look(
            |store, _| match store::series::number(&store.connection, owner, name)? {
                Some(number) => {
                    store::series::points(&store.connection, number, i64::MIN, i64::MAX)
                }
                None => Ok(Vec::new()),
            },
        )
    }

    #[expect(
        clippy::expect_used,
        reason = "these reads are for tests and the demo, which have no use for a store that fails"
    )]
    fn look<T>(&self, read: impl FnOnce(&Store, i64) -> rusqlite::Result<T>) -> T {
        read(&lock(&self.shared.store), self.shared.now()).expect("the local store can be read")
    }
}

impl Shared {
    /// What the caller chose.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The bodies that are arriving.
    pub fn arriving(&self) -> &Arriving {
        &self.arriving
    }

    /// Carries out a call in a transaction of its own, which a refusal rolls back.
    ///
    /// # Errors
    ///
    /// The refusal of the function, or 500 where SQLite fails.
    pub fn run(&self, function: Function, call: &Call) -> Result<Answer, Refusal> {
        let refused_points = lock(&self.refused_points).clone();
        let mut store = lock(&self.store);
        let Store {
            connection,
            journal,
        } = &mut *store;
        let transaction = connection.transaction()?;
        let mut context = Context {
            sql: &transaction,
            options: &self.options,
            journal: (self.options.journal == Journaling::On).then_some(journal),
            refused_points: refused_points.as_deref(),
            now: self.now(),
        };
        let answer = function(call, &mut context)?;
        transaction.commit()?;
        Ok(answer)
    }

    /// The fault that strikes this request, if any.
    pub fn strike(&self, method: &str, path: &str) -> Option<FaultKind> {
        lock(&self.faults).strike(method, path)
    }

    /// Counts a request.
    pub fn count(&self, method: &str, template: &str) {
        lock(&self.log).count_one(method, template);
    }

    /// Adds a request to the log.
    pub fn note(&self, record: RequestRecord) {
        lock(&self.log).add(record);
    }

    fn now(&self) -> i64 {
        (self.options.clock)().timestamp()
    }
}

/// A poisoned lock is taken all the same: a transaction that panicked was rolled back when it was dropped.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
