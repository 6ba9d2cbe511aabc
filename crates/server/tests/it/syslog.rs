//! Audit lines at real log servers: framing, order, outages, and what users cannot forge.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::app::{App, both_with};
use crate::webhooks::setup;

const WAIT: Duration = Duration::from_secs(30);

async fn forward(app: &App, address: &str) {
    configure(app, json!({"audit_log_forward_endpoint": address})).await;
}

async fn configure(app: &App, settings: Value) {
    app.put("/api/v2.0/configurations")
        .json(&settings)
        .await
        .expect(200);
}

/// The messages of a connection, by their counted octets.
struct Frames {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Frames {
    async fn accept(listener: &TcpListener) -> Self {
        let accepted = tokio::time::timeout(WAIT, listener.accept()).await;
        Self {
            stream: accepted.unwrap().unwrap().0,
            seen: Vec::new(),
        }
    }

    async fn next(&mut self) -> String {
        loop {
            if let Some(space) = self.seen.iter().position(|byte| *byte == b' ') {
                let length = std::str::from_utf8(&self.seen[..space]).unwrap();
                let length: usize = length.parse().unwrap();
                if self.seen.len() > space + length {
                    let rest = self.seen.split_off(space + 1 + length);
                    let frame = std::mem::replace(&mut self.seen, rest);
                    return String::from_utf8(frame[space + 1..].to_vec()).unwrap();
                }
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(WAIT, self.stream.read(&mut buffer)).await;
            let read = read.unwrap().unwrap();
            assert!(read > 0, "the connection ended");
            self.seen.extend_from_slice(&buffer[..read]);
        }
    }

    /// The next message that holds this; others are passed over.
    async fn until(&mut self, part: &str) -> String {
        loop {
            let message = self.next().await;
            if message.contains(part) {
                return message;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_come_framed_in_order_and_again_after_an_outage() {
    both_with(&setup(), async |app| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        forward(app, &format!("tcp://{address}")).await;
        for n in 0..30 {
            app.project(&format!("p{n}"), false).await;
        }
        let mut frames = Frames::accept(&listener).await;
        for n in 0..30 {
            let line = frames.until("create_project").await;
            assert!(line.starts_with("<110>1 20"), "{line}");
            assert!(line.contains(&format!(" resource=\"p{n}\"")), "{line}");
            assert!(line.contains("operator=\"admin\""), "{line}");
        }
        // While nobody listens, requests go on and lines wait; the server dies on top of it.
        drop((frames, listener));
        for n in 30..40 {
            app.project(&format!("p{n}"), false).await;
        }
        app.restart().await;
        let listener = TcpListener::bind(address).await.unwrap();
        let mut frames = Frames::accept(&listener).await;
        for n in 30..40 {
            frames.until(&format!(" resource=\"p{n}\"")).await;
        }
        // A failed login is there too, as a warning.
        let wrong = app.get("/api/v2.0/users/current").nobody();
        let wrong = wrong.header("authorization", "Basic YWRtaW46d3Jvbmc=");
        wrong.send().await.expect(401);
        let line = frames.until("login_user").await;
        let line = if line.contains("failure") {
            line
        } else {
            frames.until("result=\"failure\"").await
        };
        assert!(line.starts_with("<108>1 "), "{line}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_may_live_at_the_log_server_alone() {
    both_with(&setup(), async |app| {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let alone = json!({"skip_audit_log_database": true});
        let refused = app.put("/api/v2.0/configurations").json(&alone).await;
        refused.refused(400, "BAD_REQUEST");
        configure(
            app,
            json!({
                "audit_log_forward_endpoint": format!("udp://{address}"),
                "skip_audit_log_database": true,
            }),
        )
        .await;
        let before = app.count("SELECT COUNT(*) FROM access_log").await;
        app.project("alone", false).await;
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let got = tokio::time::timeout(WAIT, socket.recv(&mut buffer)).await;
            let got = got.unwrap().unwrap();
            let line = String::from_utf8(buffer[..got].to_vec()).unwrap();
            if line.contains("create_project") {
                assert!(line.contains("resource=\"alone\""), "{line}");
                break;
            }
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM access_log").await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_machine_is_called_only_if_the_operator_says_so() {
    crate::app::both(async |app| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        forward(app, &listener.local_addr().unwrap().to_string()).await;
        app.project("quiet", false).await;
        let called = tokio::time::timeout(Duration::from_secs(3), listener.accept()).await;
        assert!(called.is_err());
        assert!(app.count("SELECT COUNT(*) FROM audit_outbox").await > 0);
    })
    .await;
}

/// A private rsyslogd; ends with the test.
struct Rsyslog {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port for a server that must be told its port. Below those that the system gives away by
/// itself, so that no connection of another test takes it in between.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let start = (std::process::id() % 10_000) as u16;
        let port = 21_000 + (start + step) % 10_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
            && std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok()
        {
            return port;
        }
    }
}

fn program() -> Option<&'static str> {
    let found = ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"];
    let found = found
        .into_iter()
        .find(|path| std::path::Path::new(path).exists());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: rsyslogd is not installed");
    }
    found
}

impl Rsyslog {
    /// Starts it with an input of `rsyslog.conf`'s words, in which PORT and DIR are filled in.
    fn start(program: &str, folder: tempfile::TempDir, input: &str) -> Self {
        let port = free_port();
        let at = folder.path().display().to_string();
        let config = format!(
            "global(workDirectory=\"DIR\" maxMessageSize=\"32k\")\n{input}\n\
             template(name=\"t\" type=\"string\" string=\"%msgid%|%structured-data%|%msg%\\n\")\n\
             *.* action(type=\"omfile\" file=\"DIR/out.log\" template=\"t\")\n"
        );
        let config = config
            .replace("DIR", &at)
            .replace("PORT", &port.to_string());
        let path = folder.path().join("rsyslog.conf");
        std::fs::write(&path, config).unwrap();
        let child = Command::new(program)
            .args(["-n", "-iNONE", "-f"])
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            folder,
            port,
        }
    }

    async fn until(&self, part: &str) -> String {
        let path = self.folder.path().join("out.log");
        for _ in 0..600 {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        panic!("{part} did not come: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rsyslog_understands_every_transport() {
    let Some(program) = program() else {
        return;
    };
    both_with(&setup(), async |app| {
        for (scheme, input) in [
            (
                "tcp",
                "module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"PORT\")",
            ),
            (
                "udp",
                "module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"PORT\")",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let server = Rsyslog::start(program, folder, input);
            // A datagram to nobody is lost, so the socket has to be there.
            let local = format!(":{:04X} ", server.port);
            for _ in 0..200 {
                let table = format!("/proc/net/{scheme}");
                if std::fs::read_to_string(table)
                    .unwrap_or_default()
                    .contains(&local)
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            forward(app, &format!("{scheme}://127.0.0.1:{}", server.port)).await;
            let name = format!("by-{scheme}");
            app.project(&name, false).await;
            let line = server.until(&format!("resource=\"{name}\"")).await;
            assert!(line.starts_with("create_project|[berth@32473 "), "{line}");
            let words = line.rsplit('|').next().unwrap();
            assert_eq!(
                words.trim(),
                format!("admin create project {name} (success)")
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rsyslog_is_spoken_to_by_tls_with_its_certificate_verified() {
    let Some(program) = program() else {
        return;
    };
    let libraries = std::fs::read_dir("/usr/lib").unwrap();
    let has_tls = libraries
        .flatten()
        .any(|folder| folder.path().join("rsyslog/lmnsd_gtls.so").exists());
    if !has_tls {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: rsyslog-gnutls is not installed"
        );
        return;
    }
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = std::env::temp_dir().join(format!("syslog-ca-{}.pem", std::process::id()));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    let mut trusting = setup();
    trusting.tweak = |settings| {
        settings.egress.allow = Some(vec!["127.0.0.0/8".to_owned(), "::1".to_owned()]);
        let name = format!("syslog-ca-{}.pem", std::process::id());
        settings.egress.ca_file = Some(std::env::temp_dir().join(name));
    };
    both_with(&trusting, async |app| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(
            folder.path().join("key.pem"),
            made.signing_key.serialize_pem(),
        )
        .unwrap();
        let input = "global(defaultNetstreamDriver=\"gtls\" \
             defaultNetstreamDriverCAFile=\"DIR/cert.pem\" \
             defaultNetstreamDriverCertFile=\"DIR/cert.pem\" \
             defaultNetstreamDriverKeyFile=\"DIR/key.pem\")\n\
             module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" \
             streamDriver.authMode=\"anon\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"PORT\")";
        let server = Rsyslog::start(program, folder, input);
        // Its certificate is not for this name: nothing is said.
        let (relay, mut broken) = relay(server.port).await;
        forward(app, &format!("tls://127.0.0.1:{relay}")).await;
        app.project("over-tls", false).await;
        let tried = tokio::time::timeout(Duration::from_secs(30), broken.recv()).await;
        tried.expect("nobody tried to connect").unwrap();
        assert!(app.count("SELECT COUNT(*) FROM audit_outbox").await > 0);
        forward(app, &format!("tls://localhost:{}", server.port)).await;
        server.until("resource=\"over-tls\"").await;
    })
    .await;
    let _ = std::fs::remove_file(certificate);
}

/// A port that leads to another one, and says when a connection through it has ended.
async fn relay(to: u16) -> (u16, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (ended, ends) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let ended = ended.clone();
            tokio::spawn(async move {
                let server = tokio::net::TcpStream::connect(("127.0.0.1", to)).await;
                if let Ok(mut server) = server {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
                let _ = ended.send(());
            });
        }
    });
    (port, ends)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_server_may_be_held_fast_by_the_configuration() {
    let mut held = setup();
    held.tweak = |settings| {
        let overwrite = json!({"audit_log_forward_endpoint": "10.255.255.1:601"});
        settings.configuration.overwrite = Some(berth_model::Secret::new(overwrite.to_string()));
    };
    both_with(&held, async |app| {
        app.project("kept", false).await;
        let waiting = "SELECT COUNT(*) FROM audit_outbox WHERE line LIKE '%\"kept\"%'";
        assert_eq!(app.count(waiting).await, 1);
    })
    .await;
}
