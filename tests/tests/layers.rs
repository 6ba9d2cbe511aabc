//! Layers that want to harm their reader: it is a process of its own that ends, and the server goes
//! on as if nothing had been.

use std::fs;
use std::time::{Duration, Instant};

use berth_e2e::{Image, Login, Options, Server};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

/// Time a scan has on a machine with other things to do.
const PATIENCE: Duration = Duration::from_mins(3);

/// A server, and images to be scanned by it.
struct Scans {
    server: Server,
    admin: Login,
}

impl Scans {
    fn open(memory: &str) -> Self {
        let options = Options::default().env("BERTH_SCAN__LAYER_MEMORY_MIB", memory);
        let server = Server::start(options);
        let admin = server.admin();
        Self { server, admin }
    }

    fn at(tag: &str) -> String {
        format!("/api/v2.0/projects/library/repositories/app/artifacts/{tag}")
    }

    /// Pushes an image and has it scanned.
    async fn begin(&self, tag: &str, image: &Image) {
        let api = self.server.api();
        api.push(&self.admin, "library/app", tag, image).await;
        self.ask(tag).await;
    }

    async fn ask(&self, tag: &str) {
        let api = self.server.api();
        let scan = format!("{}/scan", Self::at(tag));
        let asked = api.post(&scan, Some(&self.admin), &json!({})).await;
        let _ = asked.expect(202);
    }

    /// How the scan ended, and what it said.
    async fn end(&self, tag: &str) -> (String, String) {
        let (api, admin) = (self.server.api(), Some(&self.admin));
        let began = Instant::now();
        loop {
            let path = format!("{}?with_scan_overview=true", Self::at(tag));
            let found = api.get(&path, admin).await.expect(200).json();
            let overview = found["scan_overview"].as_object();
            let overview = overview.and_then(|it| it.values().next());
            let text = |key: &str| overview.and_then(|it| it[key].as_str()).map(str::to_owned);
            if let Some(status) = text("scan_status").filter(|it| it == "Success" || it == "Error")
            {
                let report = text("report_id").unwrap_or_default();
                let log = format!("{}/scan/{report}/log", Self::at(tag));
                let log = api.get(&log, admin).await.expect(200);
                return (status, String::from_utf8_lossy(&log.body).into_owned());
            }
            assert!(began.elapsed() < PATIENCE, "{found}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The process that reads a layer now.
    async fn child(&self) -> Pid {
        let parent = format!("PPid:\t{}\n", self.server.process());
        let began = Instant::now();
        loop {
            for entry in fs::read_dir("/proc").unwrap().flatten() {
                let status = fs::read_to_string(entry.path().join("status"));
                if status.is_ok_and(|it| it.contains(&parent)) {
                    let id = entry.file_name().into_string().unwrap();
                    return Pid::from_raw(id.parse().unwrap()).unwrap();
                }
            }
            assert!(began.elapsed() < PATIENCE, "no process reads a layer");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test]
async fn a_layer_that_eats_memory_is_given_up_and_others_are_read() {
    let scans = Scans::open("128");
    // Two and a half million packages of which each takes ten times its text.
    let status = "Package: a\nVersion: 1\n\n".repeat(2_500_000);
    let hungry = Image::with_files(&[("var/lib/dpkg/status", status.as_bytes())]);
    scans.begin("hungry", &hungry).await;
    let (status, log) = scans.end("hungry").await;
    assert_eq!(status, "Error", "{log}");
    assert!(log.contains("more than 128 MiB of memory"), "{log}");
    scans.begin("fine", &Image::debian("bash", "5.2")).await;
    let (status, log) = scans.end("fine").await;
    assert_eq!(status, "Success", "{log}");
    assert!(log.contains("1 packages of debian 12"), "{log}");
    // The server itself told why, once.
    let told = scans.server.log();
    assert_eq!(
        told.matches("a process that read a layer failed").count(),
        1
    );
    scans.server.stop();
}

#[tokio::test]
async fn a_reader_that_is_killed_fails_its_scan_alone() {
    let scans = Scans::open("1024");
    // Texts are searched for secrets, which takes its time.
    let text = "password of nothing = none at all\n".repeat(250_000);
    let files: Vec<(String, &[u8])> = (0..12)
        .map(|nr| (format!("srv/{nr}.txt"), text.as_bytes()))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    scans.begin("slow", &Image::with_files(&files)).await;
    kill_process(scans.child().await, Signal::KILL).unwrap();
    let (status, log) = scans.end("slow").await;
    assert_eq!(status, "Error", "{log}");
    assert!(log.contains("signal: 9"), "{log}");
    // Once more, undisturbed.
    scans.ask("slow").await;
    let (status, log) = scans.end("slow").await;
    assert_eq!(status, "Success", "{log}");
    scans.server.stop();
}
