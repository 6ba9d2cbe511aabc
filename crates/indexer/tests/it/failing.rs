//! Children that fail: each fails its layer alone, in bounded time, with an error that says why.

use std::io;
use std::time::{Duration, Instant};

use berth_indexer::{Bounds, IndexError, Indexer, Program};
use bytes::Bytes;
use futures_util::stream;
use tokio_util::sync::CancellationToken;

use crate::made::{BOUNDS, MIB, archive, child, layer, pieces, played, read};

#[tokio::test]
async fn memory_beyond_the_limit_ends_the_child_and_no_more() {
    // A database is held whole while it is read.
    let database = vec![b'x'; 60 * 1024 * 1024];
    let hungry = archive(&[("var/lib/dpkg/status", &database)]);
    let little = Bounds {
        memory: 48 * MIB,
        ..BOUNDS
    };
    let indexer = Indexer::apart(child(), little);
    let error = read(&indexer, &hungry).await.unwrap_err();
    assert!(matches!(error, IndexError::Memory(_)), "{error}");
    assert!(error.to_string().contains("more than 48 MiB"), "{error}");
    // What is within the limit goes on being read; and so is this layer with more.
    read(&indexer, &layer()).await.unwrap();
    read(&Indexer::apart(child(), BOUNDS), &hungry)
        .await
        .unwrap();
}

#[tokio::test]
async fn time_beyond_the_limit_ends_the_child() {
    let short = Bounds {
        time: Duration::from_secs(1),
        ..BOUNDS
    };
    let began = Instant::now();
    // One that never says anything, and one that talks for ever.
    for script in ["exec sleep 1000", "exec cat /dev/zero >&2"] {
        let error = read(&Indexer::apart(played(script), short), &layer()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, IndexError::Time(_)), "{script}: {error}");
    }
    // A layer that never comes.
    for indexer in [Indexer::apart(child(), short), Indexer::here(short)] {
        let never = stream::pending::<io::Result<Bytes>>();
        let error = indexer.read(never, &CancellationToken::new()).await;
        assert!(matches!(error, Err(IndexError::Time(_))));
    }
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn work_beyond_the_limit_is_ended_by_the_kernel() {
    let short = Bounds {
        time: Duration::from_secs(1),
        ..BOUNDS
    };
    let busy = played("ulimit -S -t 1; while :; do :; done");
    let long = Bounds {
        time: Duration::from_mins(10),
        ..short
    };
    let error = read(&Indexer::apart(busy, long), &layer())
        .await
        .unwrap_err();
    assert!(matches!(error, IndexError::Time(_)), "{error}");
}

#[tokio::test]
async fn a_child_that_dies_or_talks_nonsense_fails_its_layer() {
    let fails = async |program: Program, says: &str| {
        let error = read(&Indexer::apart(program, BOUNDS), &layer()).await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    };
    fails(played("kill -9 $$"), "signal: 9").await;
    fails(played("cat > /dev/null; kill -SEGV $$"), "signal: 11").await;
    fails(played("echo it hurts >&2; exit 3"), "it hurts").await;
    fails(played("exit 0"), "before it was done").await;
    fails(played("printf 'H\\0\\0\\0\\002{'"), "before it was done").await;
    fails(played("echo garbage garbage garbage"), "nonsense").await;
    fails(played("exec cat /dev/zero"), "nonsense").await;
    fails(played("exec yes H"), "nonsense").await;
    let missing = Program {
        path: "/nowhere/berth".into(),
        arguments: Vec::new(),
    };
    fails(missing, "scan.isolation").await;
}

#[tokio::test]
async fn a_layer_that_breaks_off_is_no_layer() {
    for indexer in [Indexer::apart(child(), BOUNDS), Indexer::here(BOUNDS)] {
        let mut half = pieces(&layer());
        half.push(Err(io::Error::other("the disk is gone")));
        let error = indexer
            .read(stream::iter(half), &CancellationToken::new())
            .await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains("the disk is gone"), "{error}");
        assert!(matches!(error, IndexError::Source(_)));
    }
}

#[tokio::test]
async fn whoever_stops_waiting_ends_the_child() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!(
        "echo $$ > {0}.new; mv {0}.new {0}; exec sleep 1000",
        pid.display()
    );
    let indexer = Indexer::apart(played(&script), BOUNDS);
    let stop = CancellationToken::new();
    let stopping = async {
        while !pid.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
    };
    let layer = stream::iter(pieces(&layer()));
    let (read, ()) = tokio::join!(indexer.read(layer, &stop), stopping);
    assert!(matches!(read, Err(IndexError::Stopped)));
    let pid = std::fs::read_to_string(&pid).unwrap();
    let process = format!("/proc/{}", pid.trim());
    let gone = async {
        while std::fs::exists(&process).unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .unwrap();
}
