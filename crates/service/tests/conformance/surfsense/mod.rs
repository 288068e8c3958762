//! SurfSense: the middleware that stops its graph to ask.

pub(crate) mod doomloop;
pub(crate) mod middleware;
