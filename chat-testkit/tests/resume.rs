//! Save and resume: laws 5, 7 and 11 across crashes, on the stage and from seeds; attackers' saves; secrets.

#[path = "resume/attack.rs"]
mod attack;
#[path = "resume/cost.rs"]
mod cost;
#[path = "resume/crash.rs"]
mod crash;
#[path = "resume/outbox.rs"]
mod outbox;
#[path = "resume/parts.rs"]
mod parts;
#[path = "resume/story.rs"]
mod story;
