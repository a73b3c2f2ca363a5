//! Programmable Chat on smol and async-tungstenite.
