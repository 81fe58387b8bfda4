//! Work for all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What a thread gets that walks trees as deep as the parser lets through. Only what is used of it costs memory.
const STACK: usize = 512 << 20;

/// So many files are read without a thread.
const FEW: usize = 8;

/// Does something with each of `0..count`, on all cores, and tells how many are done now and then. Each thread has
/// its own `State`. The results come in no order.
pub(super) fn each<State: Default, T: Send>(
    count: usize,
    progress: &(dyn Fn(usize) + Sync),
    work: impl Fn(&mut State, usize) -> T + Sync,
) -> Vec<(usize, T)> {
    let threads = thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .clamp(2, 16);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let run = || {
        let mut state = State::default();
        let mut mine = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            mine.push((index, work(&mut state, index)));
            if index.is_multiple_of(128) {
                progress(index);
            }
        }
        if let Ok(mut done) = done.lock() {
            done.append(&mut mine);
        }
    };
    // A thread costs more than a few files do.
    if count <= FEW {
        run();
    } else {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .filter_map(|_| {
                    let builder = thread::Builder::new().stack_size(STACK);
                    builder.spawn_scoped(scope, run).ok()
                })
                .collect();
            if workers.is_empty() {
                run();
            }
            for worker in workers {
                if let Err(panic) = worker.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
    }
    progress(count);
    done.into_inner().unwrap_or_default()
}
