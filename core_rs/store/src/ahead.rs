//! Rows worked on by other threads, taken in order by the caller.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// What a thread takes at a time, in bytes: handing over should cost nothing beside it.
const LOAD_BYTES: usize = 1 << 17;
/// Loads under way for each thread.
const LOADS_AHEAD: usize = 4;
/// The caller is one core's work by itself.
const THREADS_MAX: usize = 3;
/// What a start uses of a large machine: more threads would wait for memory.
const CORES_MAX: usize = 16;

/// How many threads a start divides its work among.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(CORES_MAX)
}

/// Gives each of `rows` to `work` on some other thread, then its result to `take`, in order.
///
/// # Errors
///
/// The first of a row or of `take`; nothing is taken after it.
pub(crate) fn each<Row, Done, Error>(
    mut rows: impl Iterator<Item = Result<Row, Error>>,
    size_bytes: impl Fn(&Row) -> usize,
    work: impl Fn(Row) -> Done + Sync,
    mut take: impl FnMut(Done) -> Result<(), Error>,
) -> Result<(), Error>
where
    Row: Send,
    Done: Send,
{
    let threads = cores().saturating_sub(1).clamp(1, THREADS_MAX);
    thread::scope(|scope| {
        let workers: Vec<Worker<Row, Done>> = (0..threads)
            .map(|_| {
                let (loads, theirs) = sync_channel::<Vec<Row>>(LOADS_AHEAD);
                let (sender, done) = sync_channel(LOADS_AHEAD);
                let work = &work;
                scope.spawn(move || {
                    for load in theirs {
                        let finished: Vec<Done> = load.into_iter().map(work).collect();
                        // Nobody waits any more after an error.
                        if sender.send(finished).is_err() {
                            return;
                        }
                    }
                });
                Worker { loads, done }
            })
            .collect();
        let (mut busy, mut turn) = (VecDeque::new(), workers.iter().cycle());
        loop {
            if busy.len() < threads * LOADS_AHEAD {
                let load = next_load(&mut rows, &size_bytes)?;
                if let (false, Some(worker)) = (load.is_empty(), turn.next()) {
                    worker.loads.send(load).expect("a thread takes loads until it is dropped");
                    busy.push_back(worker);
                    continue;
                }
            }
            let Some(worker) = busy.pop_front() else { return Ok(()) };
            let finished = worker.done.recv().expect("a thread answers every load");
            finished.into_iter().try_for_each(&mut take)?;
        }
    })
}

struct Worker<Row, Done> {
    loads: SyncSender<Vec<Row>>,
    done: Receiver<Vec<Done>>,
}

fn next_load<Row, Error>(
    rows: &mut impl Iterator<Item = Result<Row, Error>>,
    size_bytes: impl Fn(&Row) -> usize,
) -> Result<Vec<Row>, Error> {
    let (mut load, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let row = row?;
        bytes += size_bytes(&row);
        load.push(row);
        if bytes >= LOAD_BYTES {
            break;
        }
    }
    Ok(load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_the_first_error_ends_it() {
        for (fails_at, bytes) in [(None, 1), (None, LOAD_BYTES), (Some(700), LOAD_BYTES / 3)] {
            let rows = (0..1_000).map(|n| if fails_at == Some(n) { Err(n) } else { Ok(n) });
            let mut taken = Vec::new();
            let ended = each(
                rows,
                |_| bytes,
                |n: i32| n * 2,
                |n| {
                    taken.push(n);
                    Ok(())
                },
            );
            assert_eq!(ended, fails_at.map_or(Ok(()), Err));
            assert!(taken.iter().copied().eq((0..taken.len() as i32).map(|n| n * 2)));
            assert!(fails_at.is_some() || taken.len() == 1_000);
        }
    }

    #[test]
    fn what_is_not_taken_ends_it() {
        let rows = (0..100_000).map(Ok);
        let ended = each(rows, |_| LOAD_BYTES, |n| n, |n| if n == 5 { Err(n) } else { Ok(()) });
        assert_eq!(ended, Err(5));
    }
}
