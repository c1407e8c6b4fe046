//! Reads the bodies of requests, within bounds for each and for all that are arriving at the same time,
//! so that no number of clients can fill the memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use futures_util::StreamExt;

/// The largest body that is accepted, in bytes: an assumption, since no limit is documented.
const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;

/// So many bytes of bodies may have arrived in part. It is what a thousand hosts send at once many times over.
const ARRIVING_MAX_BYTES: usize = 128 * 1024 * 1024;

/// What came of reading a body.
pub enum Received {
    /// All of it.
    Whole(Bytes),
    /// More than is accepted: so many bytes.
    TooLarge(usize),
    /// Too much was arriving at the time.
    Crowded,
    /// It did not come in time.
    Slow,
    /// The client went away.
    Broken,
}

impl Received {
    /// The size in bytes, as far as it is known.
    pub fn size(&self) -> usize {
        match self {
            Received::Whole(body) => body.len(),
            Received::TooLarge(size) => *size,
            Received::Crowded | Received::Slow | Received::Broken => 0,
        }
    }
}

/// The bodies that are arriving, in bytes.
#[derive(Debug, Default)]
pub struct Arriving(AtomicUsize);

impl Arriving {
    /// Reads to the end even past a limit, so that the client has sent everything and sees the refusal.
    pub async fn read(&self, body: Body) -> Received {
        let mut chunks = body.into_data_stream();
        let mut whole = Some(Vec::new());
        let mut size = 0;
        let mut share = Share { of: self, bytes: 0 };
        while let Some(chunk) = chunks.next().await {
            let Ok(chunk) = chunk else {
                return Received::Broken;
            };
            size += chunk.len();
            if let Some(body) = &mut whole {
                if size <= BODY_MAX_BYTES && share.take(size) {
                    body.extend_from_slice(&chunk);
                } else {
                    whole = None;
                    share.take(0);
                }
            }
        }
        match whole {
            Some(whole) => Received::Whole(whole.into()),
            None if size > BODY_MAX_BYTES => Received::TooLarge(size),
            None => Received::Crowded,
        }
    }
}

/// What one body has of all that is arriving; given back when it is dropped.
struct Share<'a> {
    of: &'a Arriving,
    bytes: usize,
}

impl Share<'_> {
    /// Takes so much in all, and tells whether there is room for it.
    fn take(&mut self, bytes: usize) -> bool {
        let Arriving(all) = self.of;
        all.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
        all.fetch_add(bytes, Ordering::Relaxed) + bytes <= ARRIVING_MAX_BYTES
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.take(0);
    }
}
