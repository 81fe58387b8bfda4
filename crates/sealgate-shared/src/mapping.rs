//! Files as words: the one place with unsafe code.
//!
//! What has to hold so that a mapped file is a `&[AtomicU64]`, and who sees to it:
//!
//! - *The pages stay.* A file that is shortened makes touching its pages a `SIGBUS`, and so does a file system
//!   that has no room when a page is touched first. [`Mapping::of`] takes the length from the file itself, the
//!   room was taken by `fallocate`, and nothing here ever shortens a file; that another process of the same user
//!   does is as if it wrote into our memory.
//! - *Aligned, and whole.* The kernel maps at page boundaries, and a length that is no whole number of words is
//!   refused.
//! - *Every value is valid*, for any 64 bits are an `AtomicU64`.
//! - *Others change it.* They do so through atomics too, of this crate, in this process or another: atomics of
//!   64 bits are lock-free on every target that has them, so that they are atomic by their address in memory
//!   and not by a lock of one process.
//! - *It lives as long as it is borrowed*: words are lent by [`Mapping`] alone, which unmaps when it is dropped.
#![expect(
    unsafe_code,
    reason = "no safe call maps a file; the module says what it rests on"
)]

use std::fs::File;
use std::io;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use sealgate_revocation::Words;

const WORD: usize = size_of::<AtomicU64>();

/// A file's words, mapped so that every process that maps them sees the same.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: it is an address and a length, which belong to no thread, and lends nothing but atomics.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// All of `file`, for which room has been taken.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        if length == 0 || !length.is_multiple_of(WORD) {
            let why = "its length is no whole number of words, or none";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        // SAFETY: the kernel chooses the address, so that nothing that is mapped is mapped over.
        let start = unsafe {
            mmap(
                ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file,
                0,
            )
        }?;
        let start =
            NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))?;
        let words = length / WORD;
        Ok(Self { start, words })
    }
}

impl Words for Mapping {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the pages are mapped for reading and writing, as many, until `self` is dropped. The rest is
        // said above.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this address and length, and whoever borrowed words is gone.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.words * WORD) };
    }
}
