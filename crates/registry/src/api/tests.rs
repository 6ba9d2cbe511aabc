//! The management routes over a real database, behind a stand-in for the server's gate.

mod changing;
mod copies;
mod lists;
mod support;
