//! A layer gives the same in a child as here, also a hostile one.

use berth_indexer::{IndexError, Indexer};
use berth_inspect::Reason;

use crate::made::{BOUNDS, archive, child, gzip, jar, layer, played, read};

#[tokio::test]
async fn a_child_finds_what_is_found_here() {
    let (apart, here) = (Indexer::apart(child(), BOUNDS), Indexer::here(BOUNDS));
    let large = vec![7; 20 * 1024 * 1024];
    let torn = {
        let mut torn = layer();
        torn.truncate(torn.len() / 2);
        torn
    };
    for (what, bytes) in [
        ("an ordinary layer", layer()),
        ("an empty one", gzip(&archive(&[]))),
        ("nothing at all", Vec::new()),
        ("a torn one", torn),
        ("no archive", gzip(b"this is no archive")),
        (
            "a database that goes to a file",
            gzip(&archive(&[
                ("var/lib/rpm/rpmdb.sqlite", &large),
                ("usr/lib/sysimage/rpm/rpmdb.sqlite", &large),
            ])),
        ),
        (
            "archives in archives that go to files",
            archive(&[("app/a.jar", &jar(20 * 1024 * 1024))]),
        ),
    ] {
        let found = read(&apart, &bytes).await.unwrap();
        assert_eq!(found, read(&here, &bytes).await.unwrap(), "{what}");
    }
    let found = read(&apart, &layer()).await.unwrap();
    assert_eq!(found.databases[0].packages.len(), 500);
    assert_eq!(found.packages[0].package.name, "left-pad");
    assert_eq!(
        (&*found.whiteouts[0], &*found.opaque[0]),
        ("app/gone", "srv")
    );
}

#[tokio::test]
async fn a_child_may_complain_and_do_its_work() {
    let mut noisy = played("seq 100000 >&2; exec \"$0\" \"$@\"");
    noisy.arguments.push(child().path.into());
    let found = read(&Indexer::apart(noisy, BOUNDS), &layer())
        .await
        .unwrap();
    assert_eq!(found.packages[0].package.name, "left-pad");
}

#[tokio::test]
async fn what_is_no_layer_is_refused_in_words() {
    for indexer in [Indexer::apart(child(), BOUNDS), Indexer::here(BOUNDS)] {
        let xz = [b"\xfd7zXZ\0".as_slice(), &[0; 100]].concat();
        let refused = read(&indexer, &xz).await.unwrap_err();
        assert!(matches!(refused, IndexError::Unreadable(_)), "{refused}");
        assert!(refused.to_string().contains("xz"), "{refused}");
    }
}

#[tokio::test]
async fn a_bomb_is_read_as_far_as_its_limit() {
    // Two gibibytes of zeros in two mebibytes.
    let zeros = vec![0; 1024 * 1024];
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut header = tar::Header::new_gnu();
    header.set_path("zeros").unwrap();
    header.set_size(2048 * 1024 * 1024);
    header.set_cksum();
    std::io::Write::write_all(&mut bomb, header.as_bytes()).unwrap();
    for _ in 0..2048 {
        std::io::Write::write_all(&mut bomb, &zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let found = read(&Indexer::apart(child(), BOUNDS), &bomb).await.unwrap();
    assert_eq!(found.incomplete[0].reason, Reason::Ratio);
    assert_eq!(found.diff_id, None);
}
