//! Any history of SmartModules and views.

use super::*;

fn any_command() -> impl Strategy<Value = Command> {
    let module = prop_oneof![Just("keep"), Just("shout"), Just("sum")];
    let name = prop_oneof![Just("a"), Just("b"), Just("c"), Just("d")];
    let kind = prop_oneof![4 => Just("filter"), 2 => Just("map"), 1 => Just("aggregate")];
    let transforms = prop::collection::vec(
        (module.clone(), prop::option::of(2..8u8), any::<bool>()).prop_map(|(module, pinned, given)| {
            let params = if given { json!({"text": "x"}) } else { json!({}) };
            match pinned {
                Some(byte) => json!({"module": module, "version": digest(byte).short(), "params": params}),
                None => json!({"module": module, "params": params}),
            }
        }),
        0..3,
    );
    prop_oneof![
        4 => (module.clone(), 2..8u8, kind).prop_map(|(name, byte, kind)| load(name, byte, kind)),
        2 => (module.clone(), prop::option::of(2..8u8)).prop_map(|(name, pinned)| {
            put_module(name, json!({"version": pinned.map(|byte| digest(byte).short())}))
        }),
        1 => module.prop_map(|name| Command::DeleteSmartModule { name: name.to_owned(), seen: None }),
        3 => (name.clone(), transforms.clone()).prop_map(|(name, transforms)| {
            topic(name, json!({"ingest": {"transforms": transforms}}))
        }),
        2 => name.clone().prop_map(delete_topic),
        6 => (name.clone(), name.clone(), transforms, any::<bool>()).prop_map(|(name, source, transforms, brief)| {
            let lease = brief.then_some("1m");
            view(name, json!({"source": source, "transforms": transforms, "lease": lease}))
        }),
        1 => name.clone().prop_map(delete_view),
        1 => (name.clone(), 0..9_000i64).prop_map(|(name, at_ms)| Command::RenewView { name: name.to_owned(), at_ms }),
        1 => (name.clone(), Just(1_000)).prop_map(|(name, renewed_at_ms)| Command::ExpireView {
            id: id_of(&format!("view {name}")), renewed_at_ms,
        }),
        1 => (name.clone(), 0..4u32).prop_map(|(name, partitions)| Command::SetViewStatus {
            id: id_of(&format!("view {name}")), status: ViewStatus { partitions, ..ViewStatus::default() },
        }),
        1 => name.prop_map(|name| Command::FinishDeletion { id: id_of(name) }),
    ]
}

/// The chain of a view, worked out anew from the specs.
fn expected(image: &Image, view: &crate::ViewImage) -> (Uuid, Vec<(String, ModuleDigest)>) {
    let (source, mut chain) = match image.topic(&view.spec.source) {
        Some(topic) => (topic.id, Vec::new()),
        None => expected(image, image.view(&view.spec.source).unwrap()),
    };
    for transform in &view.spec.transforms {
        let module = image.smart_module(&transform.module).unwrap();
        let version = match &transform.version {
            Some(prefix) => module.matching(prefix).next(),
            None => module.current(),
        };
        chain.push((module.name.clone(), version.unwrap().digest));
    }
    (source, chain)
}

fn digests(chain: &[ResolvedTransform]) -> Vec<(String, ModuleDigest)> {
    chain
        .iter()
        .map(|step| (step.module.clone(), step.digest))
        .collect()
}

proptest! {
    /// Whatever is asked for: every chain is the one that the specs say, an image read back and replayed commands give
    /// the same state, no name is a topic's and a view's, and events tell the whole difference.
    #[test]
    fn any_history_of_modules_and_views_holds_together(commands in prop::collection::vec(any_command(), 0..80)) {
        let start = one_broker();
        let (mut image, mut replayed) = (start.clone(), start.clone());
        for command in commands {
            if let Ok((next, _)) = run(&image, &command) {
                let text = serde_json::to_string(&command).unwrap();
                replayed = ok(&replayed, &serde_json::from_str(&text).unwrap());
                image = next;
            }
        }
        prop_assert_eq!(&replayed, &image);
        let kept: Image = serde_json::from_str(&serde_json::to_string(&image).unwrap()).unwrap();
        prop_assert_eq!(&kept, &image);
        for view in image.views() {
            prop_assert!(image.topic(&view.name).is_none());
            prop_assert_eq!(image.view_by_id(view.id), Some(view));
            prop_assert_eq!(kept.view_by_id(view.id), Some(view));
            let (source, chain) = expected(&image, view);
            prop_assert_eq!((view.source_id, digests(&view.chain)), (source, chain));
        }
        for topic in image.topics() {
            let transforms = topic.spec.ingest.iter().flat_map(|ingest| &ingest.transforms);
            prop_assert_eq!(transforms.count(), topic.ingest.len());
            for step in topic.ingest.iter() {
                prop_assert!(image.smart_module(&step.module).unwrap().version(step.digest).is_some());
            }
        }
        let mut told: BTreeMap<String, u64> = BTreeMap::new();
        for event in image.events_since(start.version).unwrap() {
            let EventObject::View(view) = event.object else { continue };
            match event.change {
                Change::Deleted => prop_assert!(told.remove(&view.name).is_some()),
                _ => { told.insert(view.name.clone(), view.meta.resource_version.0); }
            }
        }
        let there: BTreeMap<String, u64> =
            image.views().map(|view| (view.name.clone(), view.meta.resource_version.0)).collect();
        prop_assert_eq!(told, there);
    }
}
