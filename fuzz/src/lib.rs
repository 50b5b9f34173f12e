//! What all targets have in common: no input may take more memory than [`MOST`].

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most bytes that one input may hold at a time.
pub const MOST: usize = 64 << 20;

struct Counted;

static HELD: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: everything is handed on to the system's allocator; what is added counts and ends the process.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size() > LIMIT.load(Ordering::Relaxed) {
            // Aborting is what the fuzzer takes for a finding; a panic would allocate.
            std::process::abort();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// Reads one input with a bound on what it may hold.
pub fn bounded(read: impl FnOnce()) {
    LIMIT.store(HELD.load(Ordering::Relaxed) + MOST, Ordering::Relaxed);
    read();
    LIMIT.store(usize::MAX, Ordering::Relaxed);
}
