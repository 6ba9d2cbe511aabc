//! What a child has given up by the time it waits for its layer.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::made::child;

#[test]
fn a_child_waits_for_its_layer_with_nothing_left() {
    let program = child();
    let mut waiting = Command::new(&program.path)
        .args(["134217728", "30"])
        .arg(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", waiting.id()));
    // It reads its standard input once it has given everything up.
    let until = Instant::now() + Duration::from_secs(20);
    let status = loop {
        let status = of("status").unwrap();
        if status.contains("Seccomp:\t2") || Instant::now() > until {
            break status;
        }
        std::thread::yield_now();
    };
    assert!(status.contains("Seccomp:\t2"), "{status}");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let limits = of("limits").unwrap();
    for limit in [
        ("Max data size", "134217728"),
        ("Max cpu time", "30"),
        ("Max core file size", "0"),
        ("Max open files", "16"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(limit.0));
        let words: Vec<_> = line.unwrap().split_whitespace().collect();
        assert!(words.contains(&limit.1), "{limits}");
    }
    assert_eq!(of("oom_score_adj").unwrap().trim(), "1000");
    drop(waiting.stdin.take());
    assert!(waiting.wait().unwrap().success());
}
