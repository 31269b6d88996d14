//! The rooms against a real PostgreSQL: one module per room, one binary for all.

mod keys;
mod projects;
