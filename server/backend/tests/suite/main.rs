//! The one integration-test binary of `backend`: verbs against real PostgreSQL, one database per test.

mod catalogue;
