//! The status of SmartModules and views, and leases that run out.

use std::time::Duration;

use serde_json::json;
use tidemill_env::Clock;
use tidemill_env::sim::SimClock;
use tidemill_resource::{Condition, ModuleDigest};

use super::*;

const DIGEST: ModuleDigest = ModuleDigest([7; 32]);

fn load() -> Command {
    let version = json!({
        "digest": DIGEST, "size": "1KiB", "kind": "filter", "carrier": "core", "createdAt": "2024-05-01T00:00:00Z",
    });
    Command::LoadSmartModule {
        name: "keep".to_owned(),
        id: Uuid::from_u128(50),
        version: serde_json::from_value(version).unwrap(),
        description: None,
        seen: None,
        at_ms: 0,
    }
}

fn view(name: &str, id: u128, lease: Option<&str>, at_ms: i64) -> Command {
    let spec = json!({"source": "t", "transforms": [{"module": "keep"}], "lease": lease});
    Command::PutView {
        name: name.to_owned(),
        id: Uuid::from_u128(id),
        spec: serde_json::from_value(spec).unwrap(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        seen: None,
        at_ms,
    }
}

/// Topic `t` with two partitions, module `keep`.
fn start() -> Image {
    step(&step(&one_broker(), &create("t", 1, 2)), &load())
}

fn seen() -> Observed {
    Observed {
        modules: BTreeSet::from([DIGEST]),
        ..open(1, 2)
    }
}

fn is(conditions: &[Condition]) -> (ConditionStatus, &str) {
    (conditions[0].status, conditions[0].reason.as_str())
}

fn of_view(image: &Image) -> (ConditionStatus, String) {
    let conditions = &image.view("v").unwrap().status.conditions;
    let (status, reason) = is(conditions);
    (status, reason.to_owned())
}

#[test]
fn modules_know_their_users_and_whether_their_wasm_is_here() {
    let image = step(&start(), &view("v", 60, None, 0));
    let image = settle(&image, &seen());
    let module = image.smart_module("keep").unwrap();
    assert_eq!(module.used_by, ["View/v"]);
    assert_eq!(is(&module.conditions), (ConditionStatus::True, "Loaded"));
    let lost = settle(&image, &open(1, 2));
    let module = lost.smart_module("keep").unwrap();
    assert_eq!(is(&module.conditions), (ConditionStatus::False, "WasmMissing"));
    assert_eq!(of_view(&lost), (ConditionStatus::False, "WasmMissing".to_owned()));
}

#[test]
fn a_view_is_ready_when_its_source_is_and_its_transforms_work() {
    let image = step(&start(), &view("v", 60, None, 0));
    let mut observed = seen();
    observed.partitions.remove(&(Uuid::from_u128(1), 1));
    let image = settle(&image, &observed);
    assert_eq!(
        of_view(&image),
        (ConditionStatus::False, "SourceNotReady".to_owned())
    );
    let image = settle(&image, &seen());
    assert_eq!(of_view(&image), (ConditionStatus::True, "Serving".to_owned()));
    let object = image.view("v").unwrap().object();
    assert_eq!(object.status.unwrap().partitions, 2);
    let failed = Observed {
        chains_failed: BTreeMap::from([(Uuid::from_u128(60), "step 1: it loops".to_owned())]),
        ..seen()
    };
    let image = settle(&image, &failed);
    assert_eq!(
        of_view(&image),
        (ConditionStatus::False, "TransformFailed".to_owned())
    );
    assert_eq!(plan(&image, &failed), Vec::new(), "it converges");
}

#[test]
fn a_view_ends_with_its_lease_counted_from_the_start_of_the_server() {
    let image = step(&start(), &view("v", 60, Some("10s"), 5_000));
    let there =
        |image: &Image, now_ms, since_ms| settle(image, &seen().at(now_ms, since_ms)).view("v").is_some();
    assert!(there(&image, 14_999, 0));
    assert!(!there(&image, 15_000, 0));
    assert!(there(&image, 15_000, 6_000), "nobody could renew it before");
    assert!(!there(&image, 16_000, 6_000));
    let renew = Command::RenewView {
        name: "v".to_owned(),
        at_ms: 12_000,
    };
    assert!(there(&step(&image, &renew), 15_000, 0));
}

#[tokio::test]
async fn the_loop_wakes_when_a_lease_runs_out() {
    let metadata = InMemory::starting_from(start());
    let stop = CancellationToken::new();
    let clock = Arc::new(SimClock::new(5_000));
    let env = Env {
        clock: clock.clone(),
        ..Env::real()
    };
    let parts = (Facts::new() as Arc<dyn Live>, testing::modules());
    let running = tokio::spawn(run(metadata.clone(), parts, env, stop.clone()));
    metadata.propose(view("v", 60, Some("10s"), 5_000)).await.unwrap();
    let passing = async {
        while metadata.image().view("v").is_some() {
            clock.advance(Duration::from_millis(100));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), passing)
        .await
        .unwrap();
    assert!(clock.wall_ms() >= 15_000, "not before its time");
    stop.cancel();
    running.await.unwrap();
}
