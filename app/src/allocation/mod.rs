//! Allocation: who answers for what, the rules, and what each of them moved.

pub mod api;
mod explained;
mod labels;
mod new;
mod page;

pub(crate) use explained::explained;
pub(crate) use labels::{explained_path, stat};
pub(crate) use new::new_rule;
pub(crate) use page::allocation;
