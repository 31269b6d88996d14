//! Where the month will end.

pub(crate) mod chart;
pub(crate) mod labels;
mod page;

pub(crate) use page::{estimated, forecast};
