//! The one task that changes the state.

use std::sync::Arc;

use tidemill_env::Env;
use tokio::sync::{mpsc, oneshot, watch};

use super::store::Store;
use super::{GroupError, Message, StateMachine};

/// Proposals that share one flush at most.
const MOST_AT_ONCE: usize = 256;

type Answer<S> = Result<<S as StateMachine>::Reply, GroupError<<S as StateMachine>::Rejection>>;

pub(crate) struct Proposal<S: StateMachine> {
    pub(crate) command: S::Command,
    pub(crate) reply: oneshot::Sender<Answer<S>>,
}

/// A command that was applied and waits to be durable.
struct Pending<S: StateMachine> {
    reply: oneshot::Sender<Answer<S>>,
    answer: S::Reply,
}

pub(super) struct Writer<S: StateMachine> {
    env: Env,
    /// Taken while a blocking write runs.
    store: Option<Store>,
    show: watch::Sender<Arc<S>>,
    /// Set for good when the disk failed: what it holds is then unknown.
    failed: Option<String>,
}

impl<S: StateMachine> Writer<S> {
    pub(super) fn new(env: Env, store: Store, show: watch::Sender<Arc<S>>) -> Self {
        Self {
            env,
            store: Some(store),
            show,
            failed: None,
        }
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message<S>>) {
        let mut messages = Vec::with_capacity(MOST_AT_ONCE);
        while queue.recv_many(&mut messages, MOST_AT_ONCE).await > 0 {
            let mut proposals = Vec::new();
            let mut closing = None;
            for message in messages.drain(..) {
                match message {
                    Message::Propose(proposal) if closing.is_none() => proposals.push(proposal),
                    // Too late: the dropped reply tells the proposer that the server is stopping.
                    Message::Propose(_) => {}
                    Message::Close(done) => closing = Some(done),
                }
            }
            self.commit(proposals).await;
            if let Some(done) = closing {
                let _ = done.send(self.close().await);
                return;
            }
        }
    }

    /// Applies the proposals in order, makes them durable together, shows the state, answers.
    async fn commit(&mut self, proposals: Vec<Proposal<S>>) {
        let mut state = S::clone(&self.show.borrow());
        let Some(first) = self.store.as_ref().map(Store::next_index) else {
            return;
        };
        let (mut commands, mut pending) = (Vec::new(), Vec::<Pending<S>>::new());
        for Proposal { command, reply } in proposals {
            if let Some(reason) = &self.failed {
                let _ = reply.send(Err(GroupError::Unavailable(reason.clone())));
                continue;
            }
            let encoded = match serde_json::to_vec(&command) {
                Ok(encoded) => encoded,
                Err(error) => {
                    let _ = reply.send(Err(GroupError::Unavailable(error.to_string())));
                    continue;
                }
            };
            match state.apply(first + commands.len() as u64, &command) {
                Ok((next, answer)) => {
                    state = next;
                    commands.push(encoded);
                    pending.push(Pending { reply, answer });
                }
                Err(rejection) => drop(reply.send(Err(GroupError::Rejected(rejection)))),
            }
        }
        if commands.is_empty() {
            return;
        }
        match self.write(commands, state.clone()).await {
            Ok(()) => {
                self.show.send_replace(Arc::new(state));
                for Pending { reply, answer } in pending {
                    let _ = reply.send(Ok(answer));
                }
            }
            Err(reason) => {
                tracing::error!(
                    reason,
                    "the metadata log failed; metadata is read-only until a restart"
                );
                for Pending { reply, .. } in pending {
                    let _ = reply.send(Err(GroupError::Unavailable(reason.clone())));
                }
                self.failed = Some(reason);
            }
        }
    }

    async fn write(&mut self, commands: Vec<Vec<u8>>, state: S) -> Result<(), String> {
        let at_ms = self.env.clock.wall_ms();
        self.with_store(move |store| {
            store.append(&commands, at_ms)?;
            store.snapshot_if_due(&state);
            Ok(())
        })
        .await
    }

    async fn close(&mut self) -> Result<(), String> {
        if let Some(reason) = self.failed.take() {
            return Err(reason);
        }
        let state = S::clone(&self.show.borrow());
        self.with_store(move |store| store.finish(&state)).await
    }

    async fn with_store<F>(&mut self, work: F) -> Result<(), String>
    where
        F: FnOnce(&mut Store) -> Result<(), String> + Send + 'static,
    {
        let mut store = self.store.take().ok_or("the metadata log is in use")?;
        let (store, result) = self
            .env
            .blocking(move || {
                let result = work(&mut store);
                (store, result)
            })
            .await
            .map_err(|error| error.to_string())?;
        self.store = Some(store);
        result
    }
}
