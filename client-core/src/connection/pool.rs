//! The connections one client, producer or consumer holds, one a broker, opened when first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Address, Backoff, Connection, dial};
use crate::error::{Error, Result};

/// What is needed to open a connection.
#[derive(Clone, Debug)]
pub(crate) struct Dialing {
    pub(crate) client_id: String,
    pub(crate) connect_timeout: Duration,
}

/// Connections by address. Each producer and consumer has its own pool, so that a long poll of one never delays
/// a request of another.
pub(crate) struct Pool {
    dialing: Dialing,
    slots: Mutex<HashMap<Address, Arc<Slot>>>,
}

struct Slot {
    address: Address,
    // Held across the dial: one attempt at a time, everyone else waits for its outcome.
    live: tokio::sync::Mutex<Live>,
}

struct Live {
    connection: Option<Arc<Connection>>,
    backoff: Backoff,
    /// After a failed attempt: its error, told to everyone until the next attempt is due.
    resting: Option<(Instant, Error)>,
}

impl Pool {
    pub(crate) fn new(dialing: Dialing) -> Self {
        Self {
            dialing,
            slots: Mutex::new(HashMap::new()),
        }
    }

    /// A working connection to `address`, opened if there is none. Right after a failed attempt answers that
    /// attempt's error instead of trying again at once. Cancellation safe.
    pub(crate) async fn get(&self, address: &Address) -> Result<Arc<Connection>> {
        let slot = self.slot(address);
        let mut live = slot.live.lock().await;
        if let Some(connection) = &live.connection {
            if connection.closed().is_none() {
                return Ok(connection.clone());
            }
            live.connection = None;
        }
        if let Some((until, error)) = &live.resting
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        match dial::dial(
            &slot.address,
            &self.dialing.client_id,
            self.dialing.connect_timeout,
        )
        .await
        {
            Ok(connection) => {
                let connection = Arc::new(connection);
                live.backoff.reset();
                live.resting = None;
                live.connection = Some(connection.clone());
                Ok(connection)
            }
            Err(error) => {
                let rest = live.backoff.next_delay();
                live.resting = Some((Instant::now() + rest, error.clone()));
                Err(error)
            }
        }
    }

    /// Closes every connection.
    pub(crate) fn close(&self) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn slot(&self, address: &Address) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(address) {
            return slot.clone();
        }
        let live = Live {
            connection: None,
            backoff: Backoff::for_brokers(),
            resting: None,
        };
        let slot = Arc::new(Slot {
            address: address.clone(),
            live: tokio::sync::Mutex::new(live),
        });
        slots.insert(address.clone(), slot.clone());
        slot
    }
}
