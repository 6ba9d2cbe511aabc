//! The catalog on both engines, through its services and through its routes.

mod log;
mod members;
mod projects;
mod recorder;
mod repositories;
mod routes;
mod settings;
mod support;
