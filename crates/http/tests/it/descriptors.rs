//! A process without file descriptors left recovers by itself.

use std::process::Command;
use std::time::{Duration, Instant};

use berth_http::{Body, ServeOptions};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpStream;

use crate::support::{TestServer, logged, within};

/// Runs the test below in a process that may open few files.
#[test]
fn the_loop_survives_running_out_of_descriptors() {
    let status = Command::new("sh")
        .arg("-c")
        .arg("ulimit -n 40 && exec \"$0\" --exact descriptors::starved --ignored")
        .arg(std::env::current_exe().unwrap())
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn starved() {
    let server = TestServer::start(ServeOptions::default(), |_: Request<Incoming>| async {
        Response::new(Body::from("alive"))
    });
    // Client and server share the limit, so one of them runs out.
    let mut clients = Vec::new();
    while let Ok(stream) = TcpStream::connect(server.address).await {
        clients.push(stream);
        assert!(clients.len() <= 100, "the limit is not in force");
    }
    // Long enough for the loop to fail several times over.
    tokio::time::sleep(Duration::from_millis(150)).await;
    let failures = logged().matches("cannot accept connections").count();
    assert_eq!(failures, 1, "not once: {}", logged());
    let began = Instant::now();
    drop(clients);
    assert!(within(server.get("/")).await.ends_with("alive"));
    assert!(began.elapsed() < Duration::from_secs(5));
}
