//! Offline service, session replay, simulator and referee for Programmable Chat clients.

pub mod fuzz;
pub mod service;
