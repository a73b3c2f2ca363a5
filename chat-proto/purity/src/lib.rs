//! Builds only while nothing in chat-proto, its dependencies included, needs the standard library.
//!
//! `#![no_std]` on a crate says nothing of what the crate depends on. A panic handler does: there can be one in a
//! program, and std brings its own. So this library, which has one, cannot be built together with std.

#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use chat_proto::{Call, CallOptions, Client, Config, Input, Seed, Time, Token};

#[cfg(feature = "break-with-a-feature")]
use serde_json as _;
#[cfg(feature = "break-with-a-crate")]
use std_user as _;

/// Everything of the protocol is reachable from here, so everything is compiled and linked.
pub fn drive(token: Token, call: Call) -> Client {
    let mut client = Client::new(Config::default(), token, &Seed::new([0; 32]), Time::ZERO);
    client.handle(Time::ZERO, Input::Tick);
    drop(client.call(Time::ZERO, call, CallOptions::default()));
    while client.poll_command().is_some() {}
    while client.poll_event().is_some() {}
    client
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// `alloc` asks for an allocator; nothing here ever runs, so one that is always out of memory will do.
struct OutOfMemory;

// SAFETY: a null pointer is how an allocator says that it has no memory; no memory was given, so none comes back.
// (An allocator cannot be written without `unsafe`: that is why this crate, alone, does not forbid it.)
unsafe impl GlobalAlloc for OutOfMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: OutOfMemory = OutOfMemory;
