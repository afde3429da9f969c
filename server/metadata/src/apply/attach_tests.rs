//! SmartModules and views: what is refused, and what follows a change.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidemill_resource::{
    ModuleDigest, ModuleVersion, SmartModuleSpec, TimeSpan, TopicSpec, ViewSpec, ViewStatus,
};
use uuid::Uuid;

use super::apply;
use crate::testing::one_broker;
use crate::{Change, Command, EventObject, Image, Reason, Rejection, Reply, ResolvedTransform, TopicKey};

mod history;

fn run(image: &Image, command: &Command) -> Result<(Image, Reply), Rejection> {
    apply(image, image.version + 1, command)
}

fn ok(image: &Image, command: &Command) -> Image {
    run(image, command)
        .unwrap_or_else(|refusal| panic!("{refusal}"))
        .0
}

fn refusal(image: &Image, command: &Command) -> Rejection {
    run(image, command).unwrap_err()
}

fn digest(byte: u8) -> ModuleDigest {
    ModuleDigest([byte; 32])
}

/// A version that takes a parameter `text`, which must be given when its digest is odd.
fn version(byte: u8, kind: &str) -> ModuleVersion {
    serde_json::from_value(json!({
        "digest": digest(byte), "size": "1KiB", "kind": kind, "carrier": "core", "lookBack": kind == "map",
        "params": [{"name": "text", "type": "string", "required": byte % 2 == 1}],
        "createdAt": "2024-05-01T00:00:00Z",
    }))
    .unwrap()
}

fn load(name: &str, byte: u8, kind: &str) -> Command {
    Command::LoadSmartModule {
        name: name.to_owned(),
        id: id_of(name),
        version: version(byte, kind),
        description: None,
        seen: None,
        at_ms: 1_700_000_000_000,
    }
}

/// An id for a name, so that a history can be repeated.
fn id_of(name: &str) -> Uuid {
    let add = |sum: u128, byte| sum.wrapping_mul(257).wrapping_add(u128::from(byte));
    Uuid::from_u128(name.bytes().fold(7, add))
}

fn put_module(name: &str, spec: Value) -> Command {
    let spec: SmartModuleSpec = serde_json::from_value(spec).unwrap();
    Command::PutSmartModule {
        name: name.to_owned(),
        id: id_of(name),
        spec,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        seen: None,
        at_ms: 0,
    }
}

fn topic(name: &str, spec: Value) -> Command {
    let spec: TopicSpec = serde_json::from_value(spec).unwrap();
    Command::CreateTopic {
        name: name.to_owned(),
        id: id_of(name),
        spec,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        assignments: None,
        internal: false,
        at_ms: 0,
    }
}

fn delete_topic(name: &str) -> Command {
    Command::DeleteTopic {
        topic: TopicKey::named(name),
        at_ms: 0,
    }
}

fn view(name: &str, spec: Value) -> Command {
    let spec: ViewSpec = serde_json::from_value(spec).unwrap();
    Command::PutView {
        name: name.to_owned(),
        id: id_of(&format!("view {name}")),
        spec,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        seen: None,
        at_ms: 1_000,
    }
}

fn delete_view(name: &str) -> Command {
    Command::DeleteView {
        name: name.to_owned(),
        id: None,
        seen: None,
    }
}

/// Topic `orders`, a filter `keep` with versions 2 and 4, a map `shout`.
fn shop() -> Image {
    let commands = [
        topic("orders", json!({"partitions": 3})),
        load("keep", 2, "filter"),
        load("keep", 4, "filter"),
        load("shout", 6, "map"),
    ];
    commands
        .iter()
        .fold(one_broker(), |image, command| ok(&image, command))
}

fn chain_of(image: &Image, view: &str) -> Vec<(String, ModuleDigest)> {
    let chain = &image.view(view).unwrap().chain;
    chain
        .iter()
        .map(|step| (step.module.clone(), step.digest))
        .collect()
}

#[test]
fn a_view_has_the_whole_chain_of_those_it_reads() {
    let image = ok(
        &shop(),
        &view(
            "big",
            json!({"source": "orders", "transforms": [{"module": "keep", "params": {"text": 5}}]}),
        ),
    );
    let loud = json!({
        "source": "big",
        "transforms": [{"module": "shout", "lookBack": {"last": 9}, "onError": "skip"}],
    });
    let image = ok(&image, &view("loud", loud));
    let found = image.view("loud").unwrap();
    assert_eq!(found.source_id, image.topic("orders").unwrap().id);
    assert_eq!(found.source_topic, "orders");
    assert_eq!(image.view_by_id(found.id), Some(found));
    assert_eq!(
        chain_of(&image, "loud"),
        [("keep".to_owned(), digest(4)), ("shout".to_owned(), digest(6))]
    );
    let steps = serde_json::to_value(&*found.chain).unwrap();
    assert_eq!(steps[0]["params"], json!({"text": "5"}), "of its type");
    assert_eq!(
        (&steps[1]["lookBack"], &steps[1]["onError"]),
        (&json!({"last": 9}), &json!("skip"))
    );
    let object = serde_json::to_value(found.object()).unwrap();
    assert_eq!(object["status"]["transforms"][1]["module"], "shout");
    assert_eq!(object["metadata"]["uid"], found.id.to_string());
}

#[test]
fn a_new_version_runs_everywhere_at_once_and_a_pinned_one_stays() {
    let first = digest(2).short();
    let image = ok(
        &shop(),
        &view(
            "new",
            json!({"source": "orders", "transforms": [{"module": "keep"}]}),
        ),
    );
    let pinned = json!({"source": "new", "transforms": [{"module": "keep", "version": first}]});
    let image = ok(&image, &view("old", pinned));
    let on_ingest = json!({"partitions": 1, "ingest": {"transforms": [{"module": "keep"}]}});
    let image = ok(&image, &topic("clean", on_ingest));
    let seen = image.version;
    let image = ok(&image, &load("keep", 8, "filter"));
    let keep = |byte| ("keep".to_owned(), digest(byte));
    assert_eq!(chain_of(&image, "new"), [keep(8)]);
    assert_eq!(
        chain_of(&image, "old"),
        [keep(8), keep(2)],
        "its source follows, its own does not"
    );
    assert_eq!(image.topic("clean").unwrap().ingest[0].digest, digest(8));
    let changed: Vec<String> = image
        .events_since(seen)
        .unwrap()
        .iter()
        .map(|event| name_of(&event.object))
        .collect();
    assert_eq!(
        changed,
        ["keep", "clean", "new", "old"],
        "watchers learn of all of it"
    );

    let image = ok(
        &image,
        &put_module("keep", json!({"version": first, "limits": {"memory": "1MiB"}})),
    );
    assert_eq!(chain_of(&image, "old"), [keep(2), keep(2)], "rolled back");
    let limits = image.view("new").unwrap().chain[0].limits;
    assert_eq!(limits.memory.map(|memory| memory.0), Some(1 << 20));
    let image = ok(&image, &load("keep", 4, "filter"));
    assert_eq!(chain_of(&image, "new"), [keep(4)], "loading ends the rollback");
    assert_eq!(
        image.smart_module("keep").unwrap().versions.len(),
        3,
        "a known version is not kept twice"
    );
}

fn name_of(object: &EventObject) -> String {
    match object {
        EventObject::Topic(topic) => topic.name.clone(),
        EventObject::Broker(broker) => broker.id.to_string(),
        EventObject::SmartModule(module) => module.name.clone(),
        EventObject::View(view) => view.name.clone(),
    }
}

#[test]
fn what_cannot_work_is_refused_by_field_with_the_mend() {
    let image = ok(&shop(), &put_module("empty", json!({})));
    let image = ok(&image, &load("sum", 10, "aggregate"));
    let image = ok(&image, &load("check", 12, "validate"));
    let image = ok(&image, &load("needs", 13, "filter"));
    for (transform, field, hint) in [
        (json!({"module": "kep"}), "module", "did you mean `keep`?"),
        (
            json!({"module": "zzz"}),
            "module",
            "tidemill smartmodule load zzz FILE",
        ),
        (json!({"module": "empty"}), "module", "has no wasm yet"),
        (
            json!({"module": "keep", "version": "ffff"}),
            "version",
            "use one of 040404040404, 020202020202",
        ),
        (
            json!({"module": "keep", "params": {"txt": "a"}}),
            "params.txt",
            "did you mean `text`?",
        ),
        (
            json!({"module": "keep", "params": {"text": [1]}}),
            "params.text",
            "a string",
        ),
        (json!({"module": "needs"}), "params.text", "it is missing"),
        (
            json!({"module": "keep", "lookBack": {"last": 1}}),
            "lookBack",
            "does not look back",
        ),
        (json!({"module": "sum"}), "module", "cannot run in a view"),
        (
            json!({"module": "check"}),
            "module",
            "attach it to a topic's ingest",
        ),
    ] {
        let command = view("v", json!({"source": "orders", "transforms": [transform]}));
        let refused = refusal(&image, &command);
        assert_eq!(refused.reason, Reason::InvalidTransform, "{refused}");
        assert_eq!(
            refused.field,
            Some(format!("spec.transforms[0].{field}")),
            "{refused}"
        );
        assert!(refused.message.contains(hint), "{refused}");
    }
    let on_ingest = |module: &str| topic("t", json!({"ingest": {"transforms": [{"module": module}]}}));
    assert_eq!(
        refusal(&image, &on_ingest("sum")).field.as_deref(),
        Some("spec.ingest.transforms[0].module")
    );
    ok(&image, &on_ingest("check"));
    let session = json!({"source": "orders", "lease": "1m", "transforms": [{"module": "sum"}]});
    ok(&image, &view("v", session));
}

#[test]
fn sources_are_checked() {
    let image = ok(&shop(), &view("a", json!({"source": "orders"})));
    let image = ok(&image, &view("b", json!({"source": "a"})));
    let image = ok(&image, &view("brief", json!({"source": "a", "lease": "1m"})));
    for (name, source, hint) in [
        ("a", "b", "a -> b -> a"),
        ("a", "a", "a -> a"),
        ("c", "ordres", "did you mean `orders`?"),
        ("c", "brief", "has a lease and goes away"),
    ] {
        let refused = refusal(&image, &view(name, json!({"source": source})));
        assert_eq!(
            (&refused.reason, refused.field.as_deref()),
            (&Reason::InvalidSource, Some("spec.source"))
        );
        assert!(refused.message.contains(hint), "{refused}");
    }
    let refused = refusal(&image, &view("a", json!({"source": "orders", "lease": "1m"})));
    assert_eq!(refused.reason, Reason::InUse, "{refused}");
}

#[test]
fn topics_and_views_share_their_names() {
    let image = ok(&shop(), &view("big", json!({"source": "orders"})));
    assert_eq!(
        refusal(&image, &topic("big", json!({}))).reason,
        Reason::ViewExists
    );
    assert_eq!(
        refusal(&image, &view("orders", json!({"source": "big"}))).reason,
        Reason::TopicExists
    );
    assert_eq!(
        refusal(&image, &view("__consumer_offsets", json!({"source": "orders"}))).reason,
        Reason::TopicExists
    );
}

#[test]
fn what_is_in_use_is_not_deleted_and_the_users_are_named() {
    let image = ok(
        &shop(),
        &view(
            "a",
            json!({"source": "orders", "transforms": [{"module": "keep"}]}),
        ),
    );
    let image = ok(&image, &view("b", json!({"source": "a"})));
    let image = ok(
        &image,
        &topic("t", json!({"ingest": {"transforms": [{"module": "keep"}]}})),
    );
    let delete_module = Command::DeleteSmartModule {
        name: "keep".to_owned(),
        seen: None,
    };
    for (command, users) in [
        (&delete_module, "Topic/t, View/a"),
        (&delete_topic("orders"), "View/a"),
        (&delete_view("a"), "View/b"),
    ] {
        let refused = refusal(&image, command);
        assert_eq!(refused.reason, Reason::InUse);
        assert!(refused.message.contains(users), "{refused}");
    }
    let image = [
        delete_view("b"),
        delete_view("a"),
        delete_topic("t"),
        delete_module,
        delete_topic("orders"),
    ]
    .iter()
    .fold(image, |image, command| ok(&image, command));
    assert_eq!((image.views().count(), image.smart_modules().count()), (0, 1));
    let refused = refusal(&image, &delete_view("a"));
    assert_eq!(refused.reason, Reason::UnknownView);
}

#[test]
fn a_version_that_would_break_a_user_is_refused() {
    let image = ok(
        &shop(),
        &view(
            "a",
            json!({"source": "orders", "transforms": [{"module": "keep"}]}),
        ),
    );
    for (version, hint) in [
        (load("keep", 14, "aggregate"), "cannot run in a view"),
        (load("keep", 15, "filter"), "`text`"),
    ] {
        let refused = refusal(&image, &version);
        assert_eq!(refused.reason, Reason::InUse);
        assert!(
            refused.message.contains("View/a uses SmartModule `keep`"),
            "{refused}"
        );
        assert!(
            refused.message.contains(hint) || refused.message.contains("it is missing"),
            "{refused}"
        );
    }
    let refused = refusal(&image, &put_module("keep", json!({"version": "abcd"})));
    assert_eq!(refused.field.as_deref(), Some("spec.version"));
}

#[test]
fn old_versions_go_when_nothing_uses_them() {
    let image = ok(
        &shop(),
        &view(
            "a",
            json!({"source": "orders", "transforms": [{"module": "keep", "version": digest(2).to_string()}]}),
        ),
    );
    let image = (0..40).fold(image, |image, step| {
        ok(&image, &load("keep", 100 + 2 * step, "filter"))
    });
    let versions: Vec<ModuleDigest> = image
        .smart_module("keep")
        .unwrap()
        .versions
        .iter()
        .map(|version| version.digest)
        .collect();
    assert_eq!(versions.len(), crate::KEPT_VERSIONS);
    assert_eq!(
        (versions[0], versions[1]),
        (digest(2), digest(150)),
        "the one in use stays"
    );
    assert_eq!(versions.last(), Some(&digest(178)));
}

#[test]
fn writers_who_saw_another_state_are_told() {
    let image = ok(&shop(), &view("a", json!({"source": "orders"})));
    let current = image.version;
    let seen = |command: Command, version: u64| match command {
        Command::PutView {
            name,
            id,
            spec,
            labels,
            annotations,
            at_ms,
            ..
        } => Command::PutView {
            name,
            id,
            spec,
            labels,
            annotations,
            seen: Some(version),
            at_ms,
        },
        other => other,
    };
    let wanted = || view("a", json!({"source": "orders", "owner": "me"}));
    assert_eq!(
        refusal(&image, &seen(wanted(), 0)).reason,
        Reason::VersionConflict { current }
    );
    assert_eq!(
        refusal(&image, &seen(wanted(), 1)).reason,
        Reason::VersionConflict { current }
    );
    let image = ok(&image, &seen(wanted(), current));
    assert_eq!(image.view("a").unwrap().meta.generation, 2);
    let gone = seen(view("z", json!({"source": "orders"})), 7);
    assert_eq!(
        refusal(&image, &gone).reason,
        Reason::VersionConflict { current: 0 }
    );
    let same = ok(&image, &wanted());
    assert_eq!(
        same.view("a").unwrap().meta,
        image.view("a").unwrap().meta,
        "nothing changed"
    );
}

#[test]
fn a_lease_is_renewed_without_a_word_and_runs_out() {
    let image = ok(&shop(), &view("a", json!({"source": "orders", "lease": "10s"})));
    let renew = Command::RenewView {
        name: "a".to_owned(),
        at_ms: 9_000,
    };
    let (renewed, _) = run(&image, &renew).unwrap();
    assert_eq!(renewed.events_since(image.version), Ok(Vec::new()));
    assert_eq!(renewed.view("a").unwrap().meta, image.view("a").unwrap().meta);
    assert_eq!(renewed.view("a").unwrap().expires_at_ms(), Some(19_000));
    let expire = |renewed_at_ms| Command::ExpireView {
        id: id_of("view a"),
        renewed_at_ms,
    };
    assert!(
        ok(&renewed, &expire(1_000)).view("a").is_some(),
        "it was renewed since"
    );
    assert!(ok(&renewed, &expire(9_000)).view("a").is_none());
    assert_eq!(
        TimeSpan::from_ms(10_000),
        image.view("a").unwrap().spec.lease.unwrap()
    );
}

#[test]
fn a_snapshot_from_before_there_were_modules_is_read() {
    let mut old = serde_json::to_value(shop()).unwrap();
    let fields = old.as_object_mut().unwrap();
    assert!(fields.remove("smartModules").is_some() && fields.remove("views").is_some());
    for topic in fields["topics"].as_array_mut().unwrap() {
        topic.as_object_mut().unwrap().remove("ingest");
    }
    let read: Image = serde_json::from_value(old).unwrap();
    assert_eq!(read.topic("orders"), shop().topic("orders"));
    assert_eq!(read.smart_modules().count(), 0);
}
