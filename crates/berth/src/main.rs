//! Berth: a container registry platform in one binary.
fn main() {}
