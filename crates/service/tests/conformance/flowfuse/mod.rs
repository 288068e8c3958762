//! FlowFuse Expert: the cards with which a turn ends.

pub(crate) mod batch;
