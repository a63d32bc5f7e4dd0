//! Many units at once: what does not depend on another unit is done on all processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::thread::{sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Questions that a thread takes at a time: reading one unit takes some twenty microseconds, as much as taking turns.
const AT_A_TIME: usize = 8;

/// Questions for which another thread is worth its start, some fifty microseconds.
const WORTH_A_THREAD: usize = 32;

/// The most threads: what they share is the kernel's, and more of them wait for each other there.
const MOST: usize = 8;

/// The answers, in the order of the questions. Each thread makes itself a desk and answers what comes next; the desk of
/// the calling thread is given back.
pub(super) fn answers<Q: Sync, A: Send, D>(
    questions: &[Q],
    desk: impl Fn() -> D + Sync,
    answer: impl Fn(&mut D, &Q) -> A + Sync,
) -> (Vec<A>, D) {
    let wanted = questions.len() / WORTH_A_THREAD;
    let others = match wanted {
        0 | 1 => 0,
        _ => thread::available_parallelism().map_or(1, usize::from).min(wanted).min(MOST) - 1,
    };
    let mut own = desk();
    if others == 0 {
        return (questions.iter().map(|question| answer(&mut own, question)).collect(), own);
    }
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Vec<A>)>> = Mutex::new(Vec::new());
    let part = |desk: &mut D| {
        let first = next.fetch_add(AT_A_TIME, Ordering::Relaxed);
        let part = questions.get(first..questions.len().min(first + AT_A_TIME)).unwrap_or_default();
        let some = part.iter().map(|question| answer(desk, question)).collect();
        if let Ok(mut found) = found.lock() {
            found.push((first, some));
        }
        !part.is_empty()
    };
    let here = sched_getcpu();
    let other = || {
        leave(here);
        let mut desk = desk();
        while part(&mut desk) {}
    };
    thread::scope(|scope| {
        for _ in 0..others {
            // Where no thread is to be had, the others do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, other);
        }
        // One that was put behind this one leaves at once.
        thread::yield_now();
        while part(&mut own) {}
    });
    let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    found.sort_unstable_by_key(|(first, _)| *first);
    (found.into_iter().flat_map(|(_, some)| some).collect(), own)
}

/// Moves this thread to another processor if it is on that one and may. Linux often puts a new thread behind the one
/// that made it though another processor is idle, above all in a virtual machine, and leaves it there for milliseconds:
/// most of what there is to do.
fn leave(processor: usize) {
    if sched_getcpu() != processor {
        return;
    }
    let Ok(all) = sched_getaffinity(None) else { return };
    let mut others = all;
    others.unset(processor);
    if sched_setaffinity(None, &others).is_ok() {
        let _ = sched_setaffinity(None, &all);
    }
}

#[cfg(test)]
mod tests {
    use rustix::thread::CpuSet;

    use super::*;

    #[test]
    fn a_thread_that_leaves_may_come_back_and_one_that_may_not_stays() -> anyhow::Result<()> {
        let told = thread::spawn(|| -> anyhow::Result<()> {
            let all = sched_getaffinity(None)?;
            leave(sched_getcpu());
            assert!(sched_getaffinity(None)? == all);
            let mut one = CpuSet::new();
            one.set(sched_getcpu());
            sched_setaffinity(None, &one)?;
            leave(sched_getcpu());
            assert!(sched_getaffinity(None)? == one);
            Ok(())
        });
        told.join().map_err(|_| anyhow::anyhow!("it panicked"))?
    }

    #[test]
    fn answers_stand_in_the_order_of_the_questions() {
        for count in [0, 1, 7, 8, 9, 63, 64, 65, 1000] {
            let questions: Vec<usize> = (0..count).collect();
            let (doubled, _) = answers(
                &questions,
                || 0,
                |asked, question| {
                    *asked += 1;
                    question * 2
                },
            );
            assert_eq!(doubled, (0..count).map(|question| question * 2).collect::<Vec<_>>());
        }
    }
}
