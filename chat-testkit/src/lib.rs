//! Offline service, session replay, simulator and referee for Programmable Chat clients.

pub mod fuzz;
pub mod laws;
pub mod service;
pub mod world;
