//! The rooms against a real PostgreSQL: one module per room, one binary for all.

mod identity;
mod keys;
mod projects;
