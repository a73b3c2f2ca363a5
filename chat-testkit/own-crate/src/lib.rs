//! Whatever you build on Programmable Chat. What is shown is in `tests`.
