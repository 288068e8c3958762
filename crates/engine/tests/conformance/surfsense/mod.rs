//! SurfSense at commit `b4d57e9b` (August 2026): what its rules decide, and what replies to it mean.

pub(crate) mod decision;
pub(crate) mod evaluate;
pub(crate) mod wildcard;
