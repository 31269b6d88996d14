//! Who asks: from the request's session to a scope. The only file here that knows sessions.

use crate::error::AppError;
use backend::{Backend, OrgScope};
use domain::identity::User;
use domain::problem::Problem;
use leptos::prelude::use_context;

/// A member who asks about an organization.
#[derive(Clone)]
pub struct Caller {
    /// What they may see.
    pub scope: OrgScope,
    /// Who they are.
    pub user: User,
    /// The verbs.
    pub backend: Backend,
}

/// The verbs, for doors that need nobody signed in.
///
/// # Errors
/// When called outside a request.
pub fn backend() -> Result<Backend, AppError> {
    use_context::<Backend>().ok_or_else(|| AppError::of(Problem::Unavailable { retry_after_secs: 5 }))
}
