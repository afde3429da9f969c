//! `?watch=true`

use super::*;

/// An event as a client sees it: name, id, data.
type Seen = (String, Option<String>, Value);

struct Events {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Events {
    /// The next event, or `None` at the end.
    async fn next(&mut self) -> Option<Seen> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                let data = serde_json::from_str(&field("data:").unwrap()).unwrap();
                return Some((field("event:").unwrap(), field("id:"), data));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.body.next())
                .await
                .unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    async fn expect(&mut self, event: &str, name: &str) -> Option<String> {
        let (seen, id, data) = self.next().await.unwrap();
        assert_eq!((seen.as_str(), &data["metadata"]["name"]), (event, &json!(name)));
        id
    }
}

async fn watch(server: &Server, path: &str) -> Events {
    let response = server.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    Events {
        body: response.into_body().into_data_stream(),
        text: String::new(),
    }
}

#[tokio::test]
async fn a_watch_tells_what_is_there_and_then_what_changes() {
    let server = Server::start();
    server.create("a", 1).await;
    let mut events = watch(&server, "/v1/topics?watch=true").await;
    assert_eq!(
        events.expect("created", "a").await,
        None,
        "the bookmark after it carries the version"
    );
    let (event, id, _) = events.next().await.unwrap();
    assert_eq!(
        (event.as_str(), id),
        ("bookmark", Some(server.metadata.image().version.to_string()))
    );
    server.create("b", 1).await;
    events.expect("created", "b").await.unwrap();
    server
        .call("PATCH", "/v1/topics/a", r#"{"spec": {"partitions": 2}}"#)
        .await;
    events.expect("updated", "a").await.unwrap();
    server.call("DELETE", "/v1/topics/b", "").await;
    events.expect("deleted", "b").await.unwrap();
    server.api.stop.cancel();
    assert_eq!(events.next().await, None, "a stopping server ends its watches");
}

#[tokio::test]
async fn a_watch_resumes_where_it_ended_and_skips_nothing_of_a_batch() {
    let server = Server::start();
    let start = server.metadata.image().version;
    let batch = Command::Batch {
        commands: vec![create_command("a", 1), create_command("b", 2)],
    };
    server.metadata.propose(batch).await.unwrap();
    let mut events = watch(&server, &format!("/v1/topics?watch=true&resourceVersion={start}")).await;
    assert_eq!(
        events.expect("created", "a").await,
        None,
        "resuming here would lose b"
    );
    let id = events.expect("created", "b").await.unwrap();
    drop(events);
    server.create("c", 1).await;
    let mut events = watch(&server, &format!("/v1/topics?watch=true&resourceVersion={id}")).await;
    events.expect("created", "c").await;
}

#[tokio::test]
async fn one_object_can_be_watched() {
    let server = Server::start();
    let start = server.metadata.image().version;
    server.create("other", 1).await;
    server.create("mine", 1).await;
    let mut events = watch(
        &server,
        &format!("/v1/topics/mine?watch=true&resourceVersion={start}"),
    )
    .await;
    events.expect("created", "mine").await;
    let mut brokers = watch(&server, "/v1/brokers?watch=true").await;
    brokers.expect("created", "1").await;
}

#[tokio::test]
async fn a_version_that_is_no_longer_known_is_gone() {
    let server = Server::start();
    let future = server.metadata.image().version + 100;
    let gone = server
        .call(
            "GET",
            &format!("/v1/topics?watch=true&resourceVersion={future}"),
            "",
        )
        .await;
    assert_eq!(gone.status, StatusCode::GONE);
    assert!(gone.body["mend"].as_str().unwrap().contains("list again"));
    let nonsense = server
        .call("GET", "/v1/topics?watch=true&resourceVersion=x", "")
        .await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
    let live_kind = server.call("GET", "/v1/partitions?watch=true", "").await;
    assert_eq!(live_kind.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_watcher_that_is_too_slow_is_told_to_list_again() {
    let server = Server::start();
    let start = server.metadata.image().version;
    let mut events = watch(&server, &format!("/v1/topics?watch=true&resourceVersion={start}")).await;
    for id in 0..700 {
        server
            .metadata
            .propose(create_command("t", 1000 + id))
            .await
            .unwrap();
        let topic = tidemill_metadata::TopicKey::named("t");
        server
            .metadata
            .propose(Command::DeleteTopic { topic, at_ms: 0 })
            .await
            .unwrap();
    }
    let (event, _, problem) = events.next().await.unwrap();
    assert_eq!((event.as_str(), &problem["status"]), ("gone", &json!(410)));
    assert_eq!(events.next().await, None);
}
