//! The loop around the planners.

use std::sync::Arc;
use std::time::Duration;

use tidemill_env::Env;
use tidemill_metadata::{Command, Metadata, ProposeError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Observed, plan};
use crate::live::Live;

/// Commands of one proposal. One `fsync` then serves many topics.
const BATCH: usize = 256;
/// Changes within this time are looked at together.
const SETTLE: Duration = Duration::from_millis(10);
const FIRST_BACK_OFF: Duration = Duration::from_millis(50);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

/// Plans and proposes whenever the image or the data plane changes, until `stop`. When a proposal fails, it looks
/// again after a back-off: what is left to do is always found anew.
pub async fn run(metadata: Metadata, live: Arc<dyn Live>, env: Env, stop: CancellationToken) {
    let reconciling = async {
        let mut images = metadata.watch();
        let mut changes = live.changes();
        let mut back_off = FIRST_BACK_OFF;
        loop {
            images.mark_unchanged();
            changes.mark_unchanged();
            match reconcile_once(&metadata, live.as_ref()).await {
                Ok(()) => {
                    back_off = FIRST_BACK_OFF;
                    wait_for_change(&mut images, &mut changes).await;
                    env.clock.sleep(SETTLE).await;
                }
                Err(error) => {
                    tracing::warn!(%error, retry_in = ?back_off, "reconciling failed");
                    env.clock.sleep(back_off).await;
                    back_off = (back_off * 2).min(LONGEST_BACK_OFF);
                }
            }
        }
    };
    stop.run_until_cancelled(reconciling).await;
}

/// Looks, plans and proposes once.
async fn reconcile_once(metadata: &Metadata, live: &dyn Live) -> Result<(), ProposeError> {
    let image = metadata.image();
    let commands = plan(&image, &Observed::look(&image, live));
    for batch in commands.chunks(BATCH) {
        metadata
            .propose(Command::Batch {
                commands: batch.to_vec(),
            })
            .await?;
    }
    Ok(())
}

/// Waits until either side changes. One whose sender is gone never does again.
async fn wait_for_change<T, U>(images: &mut watch::Receiver<T>, changes: &mut watch::Receiver<U>) {
    let image = async {
        if images.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let observation = async {
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = image => {}
        () = observation => {}
    }
}
