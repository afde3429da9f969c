//! `/v1/smartmodules`

use super::*;
use testing::wasm;

impl Server {
    async fn load(&self, name: &str, file: Vec<u8>) -> Answer {
        let path = format!("/v1/smartmodules/{name}/wasm");
        let answer = self.call("PUT", &path, file).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        answer
    }
}

#[tokio::test]
async fn a_module_is_loaded_read_and_replaced() {
    let server = Server::start();
    let first = server
        .call(
            "PUT",
            "/v1/smartmodules/keep/wasm?description=Keeps%20some",
            wasm("filter", 1),
        )
        .await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!(first.body["spec"]["description"], "Keeps some");
    let current = &first.body["status"]["current"];
    assert_eq!(
        (
            &current["kind"],
            &current["title"],
            &current["language"],
            &current["carrier"]
        ),
        (&json!("filter"), &json!("small"), &json!("wat"), &json!("core"))
    );
    assert_eq!(
        current["params"],
        json!([{"name": "text", "type": "string", "required": false}])
    );
    let digest = current["digest"].as_str().unwrap().to_owned();

    let second = server.load("keep", wasm("filter", 2)).await;
    assert_eq!(second.status, StatusCode::OK);
    assert_eq!(second.body["status"]["current"]["release"], "0.2.0");
    assert_eq!(second.body["status"]["versions"][1]["digest"], digest);

    let request = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let response = server.send(request("/v1/smartmodules/keep/wasm")).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/wasm");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(bytes, wasm("filter", 2));
    let old = format!("/v1/smartmodules/keep/wasm?version={digest}");
    let bytes = server
        .send(request(&old))
        .await
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    assert_eq!(bytes, wasm("filter", 1));

    let pin = json!({"spec": {"version": digest}}).to_string();
    let back = server.call("PATCH", "/v1/smartmodules/keep", pin).await;
    assert_eq!(back.body["status"]["current"]["digest"], digest, "{}", back.body);
    assert_eq!(back.body["spec"]["description"], "Keeps some");
    assert_eq!(
        server.call("DELETE", "/v1/smartmodules/keep", "").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        server.call("GET", "/v1/smartmodules/keep/wasm", "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_is_no_module_is_refused_at_once() {
    let server = Server::start();
    server.load("keep", wasm("filter", 1)).await;
    for (path, file, status, hint) in [
        ("keep/wasm", b"not wasm".to_vec(), 400, "it is not WebAssembly"),
        (
            "keep/wasm",
            b"\0asm\x01\0\0\0".to_vec(),
            400,
            "it exports no `memory`",
        ),
        ("a%20b/wasm", wasm("filter", 1), 400, "use only"),
        ("keep/wasm", vec![0; 100 << 10], 413, "send less"),
    ] {
        let answer = server
            .call("PUT", &format!("/v1/smartmodules/{path}"), file)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert!(
            answer.body["detail"].as_str().unwrap().contains(hint),
            "{}",
            answer.body
        );
    }
    for (path, hint) in [
        ("/v1/smartmodules/kep/wasm", "did you mean `keep`?"),
        ("/v1/smartmodules/keep/wasm?version=ffff", "no such version"),
    ] {
        let answer = server.call("GET", path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(
            answer.body["detail"].as_str().unwrap().contains(hint),
            "{}",
            answer.body
        );
    }
    let image = server.metadata.image();
    assert_eq!(
        image.smart_module("keep").unwrap().versions.len(),
        1,
        "nothing of it was taken"
    );
}

#[tokio::test]
async fn only_so_many_are_loaded_at_once() {
    let server = Server::start();
    let places: Vec<_> = (0..2).map(|_| server.api.modules.place().unwrap()).collect();
    let answer = server
        .call("PUT", "/v1/smartmodules/keep/wasm", wasm("filter", 1))
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.body["detail"]
            .as_str()
            .unwrap()
            .contains("http-max-uploads"),
        "{}",
        answer.body
    );
    drop(places);
    server.load("keep", wasm("filter", 1)).await;
}

#[tokio::test]
async fn loading_heeds_preconditions_and_dry_runs() {
    let server = Server::start();
    let path = "/v1/smartmodules/keep/wasm";
    let dry = server
        .call("PUT", &format!("{path}?dryRun=true"), wasm("filter", 1))
        .await;
    assert_eq!(dry.status, StatusCode::CREATED);
    assert_eq!(server.metadata.image().smart_modules().count(), 0);
    let first = server.load("keep", wasm("filter", 1)).await;
    let with = |name: &'static str, value: String| {
        let server = &server;
        async move {
            server
                .call_with("PUT", path, &[(name, value.as_str())], wasm("filter", 2))
                .await
        }
    };
    assert_eq!(
        with("if-none-match", "*".to_owned()).await.status,
        StatusCode::PRECONDITION_FAILED
    );
    assert_eq!(
        with("if-match", "\"1\"".to_owned()).await.status,
        StatusCode::PRECONDITION_FAILED
    );
    assert_eq!(with("if-match", first.etag).await.status, StatusCode::OK);
}

#[tokio::test]
async fn files_that_nothing_names_are_forgotten() {
    let server = Server::start();
    let modules = &server.api.modules;
    server.load("keep", wasm("filter", 1)).await;
    let digest = server.metadata.image().smart_module("keep").unwrap().versions[0].digest;
    modules.sweep(&server.metadata).await;
    assert!(modules.has(digest), "it is named");
    server.call("DELETE", "/v1/smartmodules/keep", "").await;
    modules.sweep(&server.metadata).await;
    assert!(!modules.has(digest));
}
