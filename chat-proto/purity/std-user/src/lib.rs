//! A crate with std, as most are: `purity` must not build together with it.
