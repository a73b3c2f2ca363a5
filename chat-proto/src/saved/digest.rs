//! What tells one save from another: a number made of all that is in it.
//!
//! It stands in files and must be the same for ever and everywhere, so it is not what `core::hash` gives. Nobody is to be
//! kept from forging it: whoever can write changes can write a save.

use core::sync::atomic::{AtomicU32, Ordering};

/// The digest of a save, once somebody has asked for it: it costs as much as writing out all of the save.
///
/// It is kept in two halves, which every system that has an `Arc` can set by itself. None is zero once it is known, and
/// whoever makes the digest makes the same, so it does not matter who comes first.
#[derive(Debug, Default)]
pub(super) struct Remembered([AtomicU32; 2]);

/// Keeps either half from being zero.
const KNOWN: u64 = 1 << 63 | 1 << 31;
const HALF: u64 = u32::MAX as u64;

impl Remembered {
    pub(super) fn get_or(&self, digest: impl FnOnce() -> u64) -> u64 {
        let [high, low] = self.0.each_ref().map(|half| u64::from(half.load(Ordering::Relaxed)));
        if high != 0 && low != 0 {
            return high << 32 | low;
        }
        let made = digest() | KNOWN;
        for (half, value) in self.0.iter().zip([made >> 32, made & HALF]) {
            half.store(u32::try_from(value).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
        made
    }
}

impl Clone for Remembered {
    fn clone(&self) -> Self {
        Self(self.0.each_ref().map(|half| AtomicU32::new(half.load(Ordering::Relaxed))))
    }
}

/// The digest of a text.
///
/// Each word is multiplied with an odd number, and the upper half mixed into the lower: each bit reaches all others.
pub(super) fn digest(text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    // The length tells zeros at the end from none.
    let end = [u64::from_le_bytes(last), text.len() as u64];
    words.iter().map(|word| u64::from_le_bytes(*word)).chain(end).fold(
        0x243f_6a88_85a3_08d3,
        |digest, word| {
            let mixed = (digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed ^ (mixed >> 32)).wrapping_add(0xbf58_476d_1ce4_e5b9)
        },
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    /// It stands in files: a digest that changes makes them unusable.
    #[test]
    fn it_is_the_same_for_ever() {
        assert_eq!(digest(r#"{"version":1,"told":[]}"#), 11_693_856_523_059_152_021);
    }

    #[test]
    fn whatever_differs_has_another() {
        let texts = ["", "a", "b", "aaaaaaaa", "aaaaaaab", "baaaaaaa", "\0", "\0\0", "\0\0\0\0\0\0\0\0"];
        let mut texts: Vec<String> = texts.map(String::from).into();
        texts.extend((0..20_000).map(|n| format!("message {n}, {}", n % 7)));
        let seen: BTreeSet<u64> = texts.iter().map(|text| digest(text)).collect();
        assert_eq!(seen.len(), texts.len());
    }

    #[test]
    fn it_is_made_once() {
        let remembered = Remembered::default();
        let first = remembered.get_or(|| 5);
        assert_eq!(remembered.get_or(|| panic!("again")), first);
        assert_eq!(remembered.clone().get_or(|| panic!("again")), first);
        assert_ne!(Remembered::default().get_or(|| 6), first);
    }
}
