//! What the target of `berth-indexer` does with its bytes, and what must then hold.
//!
//! `crates/indexer/tests/it` includes this file. It is no module of the library: that one is
//! included by another crate's tests.

use berth_indexer::wire::{Answer, read_answer, write_report};
use berth_inspect::{Limits, merge};

/// What a child says of a layer.
pub fn answer(bytes: &[u8]) {
    let limits = Limits {
        packages: 50,
        paths: 50,
        findings: 50,
        ..Limits::default()
    };
    match read_answer(bytes, &limits) {
        Ok(Answer::Report(report)) => {
            let packages = report.databases.iter().map(|it| it.packages.len());
            assert!(packages.sum::<usize>() + report.packages.len() <= limits.packages);
            let _ = merge(std::slice::from_ref(&*report));
            let mut again = Vec::new();
            write_report(&mut again, &report).expect("what was read can be written");
            match read_answer(&*again, &limits).expect("and read again") {
                Answer::Report(read) => assert_eq!(read, report),
                Answer::Refused(why) => panic!("a report became a refusal: {why}"),
            }
        }
        Ok(Answer::Refused(why)) => assert!(!why.contains('\n')),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
