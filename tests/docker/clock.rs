//! A library to be loaded before the C library (`LD_PRELOAD`): a clock of the day that is CLOCK_DAYS wrong, and jumps a
//! day forth, two days back and so on each time it is asked. The clock that only counts is left alone. Compiled by the
//! test that uses it.

use std::sync::atomic::{AtomicI64, Ordering};

#[repr(C)]
pub struct Time {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn syscall(number: i64, ...) -> i64;
}

#[cfg(target_arch = "x86_64")]
const CLOCK_GETTIME: i64 = 228;
#[cfg(not(target_arch = "x86_64"))]
const CLOCK_GETTIME: i64 = 113;
const OF_THE_DAY: i32 = 0;
const DAY: i64 = 86_400;

static ASKED: AtomicI64 = AtomicI64::new(0);

/// # Safety
/// As the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: i32, time: *mut Time) -> i32 {
    let answer = unsafe { syscall(CLOCK_GETTIME, i64::from(clock), time) };
    if answer == 0 && clock == OF_THE_DAY {
        let days = std::env::var("CLOCK_DAYS").ok().and_then(|days| days.parse().ok()).unwrap_or(0);
        let jump = ASKED.fetch_add(1, Ordering::Relaxed) % 3 - 1;
        unsafe { (*time).seconds += (days + jump) * DAY };
    }
    answer as i32
}
