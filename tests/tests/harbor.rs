//! Harbor's own Go client, generated from its API document: everything that is built is called, and
//! answered as that document says. The walk is `tests/clients/harbor`.

use std::process::Command;

use berth_e2e::command::tool;
use berth_e2e::{Options, Server};

fn walk(options: Options) {
    let Some(program) = tool("harbor-walk") else {
        return;
    };
    let server = Server::start(options.env("BERTH_EGRESS__ALLOW", "127.0.0.0/8"));
    let admin = server.admin();
    let rows = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/harbor-compatibility.md"
    );
    let walked = Command::new(program)
        .args([&format!("http://{}", server.host()), &admin.name])
        .args([&admin.password, rows])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&walked.stderr);
    assert!(walked.status.success(), "{said}");
}

#[test]
fn harbors_client_walks_on_sqlite() {
    walk(Options::default());
}

#[test]
fn harbors_client_walks_on_postgresql() {
    if let Some(options) = Options::default().postgres() {
        walk(options);
    }
}
