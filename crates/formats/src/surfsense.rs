//! SurfSense.
