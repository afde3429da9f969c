//! The loop around the planners.

use std::sync::Arc;
use std::time::Duration;

use tidemill_env::Env;
use tidemill_metadata::{Command, Image, Metadata, ProposeError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Observed, plan, view};
use crate::live::Live;
use crate::modules::Modules;

/// Commands of one proposal. One `fsync` then serves many topics.
const BATCH: usize = 256;
/// Changes within this time are looked at together.
const SETTLE: Duration = Duration::from_millis(10);
const FIRST_BACK_OFF: Duration = Duration::from_millis(50);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

/// Plans and proposes whenever the image or the data plane changes, until `stop`. When a proposal fails, it looks
/// again after a back-off: what is left to do is always found anew.
pub async fn run(
    metadata: Metadata,
    (live, modules): (Arc<dyn Live>, Arc<Modules>),
    env: Env,
    stop: CancellationToken,
) {
    let since_ms = env.clock.wall_ms();
    let reconciling = async {
        let mut images = metadata.watch();
        let mut changes = live.changes();
        let mut back_off = FIRST_BACK_OFF;
        loop {
            images.mark_unchanged();
            changes.mark_unchanged();
            let look = |image: &Image| {
                Observed::look(image, live.as_ref(), &modules).at(env.clock.wall_ms(), since_ms)
            };
            match reconcile_once(&metadata, look).await {
                Ok(next_end) => {
                    back_off = FIRST_BACK_OFF;
                    modules.sweep(&metadata).await;
                    let lease = lease_ends(&env, next_end);
                    tokio::select! {
                        () = wait_for_change(&mut images, &mut changes) => {}
                        () = lease => {}
                    }
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

/// Waits until a lease has run out, by the clock of the wall.
async fn lease_ends(env: &Env, end_ms: Option<i64>) {
    match end_ms {
        None => std::future::pending().await,
        Some(end) => {
            let left = end.saturating_sub(env.clock.wall_ms());
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            env.clock.sleep(left).await;
        }
    }
}

/// Looks, plans and proposes once. Says when the next lease runs out.
async fn reconcile_once(
    metadata: &Metadata,
    look: impl Fn(&Image) -> Observed,
) -> Result<Option<i64>, ProposeError> {
    let image = metadata.image();
    let observed = look(&image);
    let commands = plan(&image, &observed);
    for batch in commands.chunks(BATCH) {
        metadata
            .propose(Command::Batch {
                commands: batch.to_vec(),
            })
            .await?;
    }
    // Those that have run out are gone from the next image, or wait for others to be deleted.
    Ok(view::next_end(&image, &observed).filter(|end| *end > observed.now_ms))
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
