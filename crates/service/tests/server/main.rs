//! The server from outside, as an adversary would call it: over a socket, by hand.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed test stops here")]

mod again;
mod agents;
mod applications;
mod attackers;
mod batches;
mod chat;
mod chat_safety;
mod clawbolt;
mod clawbolt_crowds;
mod clawbolt_rounds;
mod client;
mod desktop;
mod edited;
mod ends;
mod flowfuse;
mod fresh;
mod further;
mod given_up;
mod humans;
mod kinds;
mod pages;
mod policies;
mod receiver;
mod roots;
mod sessions;
mod silence;
mod strangers;
mod turns;
mod webhook_safety;
mod webhooks;
mod world;
