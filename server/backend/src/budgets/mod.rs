//! The room `budgets`.
