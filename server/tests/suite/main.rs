//! The one integration-test binary of `server`: the real router over real PostgreSQL, one database per test.

mod security;
mod support;
