//! What is inside an image: layers are read once, as streams, and give packages and findings.
//!
//! No network, no database, nothing is extracted to disk. Everything read here comes from
//! strangers: every length, depth and count has a bound, and a hostile layer gives an error or an
//! incomplete list that says so, never a panic and never unbounded work.
