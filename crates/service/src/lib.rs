//! Keeps questions, answers, grants and records, and serves them.
