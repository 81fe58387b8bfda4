//! The other process, and the part it plays.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use sealgate_model::Uptime;
use sealgate_revocation::{Memory as _, View};

use crate::open;
use crate::view::{credential, revoked};

const PLACE: &str = "SHARED_MEMORY_TEST_PLACE";

/// Another process that does as it is told, one line at a time.
pub(crate) struct Other {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    pub(crate) fn start(base: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "other::the_other_process",
                "--ignored",
                "--nocapture",
            ])
            .env(PLACE, base)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            orders,
            answers,
        }
    }

    /// What it answers, which it writes behind a mark: the harness writes there too.
    pub(crate) fn ask(&mut self, order: &str) -> String {
        self.tell(order);
        self.answer()
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "it ended");
            if let Some((_, answer)) = line.split_once("answer: ") {
                return answer.trim().to_owned();
            }
        }
    }

    pub(crate) fn tell(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    /// As `kill -9`, which nobody can be ready for.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
#[ignore = "the part of another process, which the other tests start"]
fn the_other_process() {
    let Some(place) = env::var_os(PLACE) else {
        return;
    };
    let memory = open(Path::new(&place));
    let view = || View::over(memory.clone()).unwrap();
    let view = std::cell::LazyCell::new(view);
    let mut leading = None;
    let mut held = Vec::new();
    for order in std::io::stdin().lines() {
        let order = order.unwrap();
        let words: Vec<&str> = order.split(' ').collect();
        let number = |index: usize| words[index].parse::<usize>().unwrap();
        let answer = match words[0] {
            "read" => memory.control().words()[number(1)].load(SeqCst).to_string(),
            "write" => {
                let value = number(2) as u64;
                memory.control().words()[number(1)].store(value, SeqCst);
                "written".to_owned()
            }
            "lead" => {
                leading = leading.or_else(|| memory.try_lead());
                leading.is_some().to_string()
            }
            "stand" => {
                leading = leading.or_else(|| memory.try_stand_in());
                leading.is_some().to_string()
            }
            "work" => {
                let at = Duration::from_millis(number(1) as u64);
                leading
                    .as_ref()
                    .unwrap()
                    .is_at_work(Uptime::from_elapsed(at));
                "done".to_owned()
            }
            "hold" => {
                // Never let go of: its process is killed.
                std::mem::forget(memory.lock().unwrap());
                "held".to_owned()
            }
            "make" => {
                let table = memory.make(number(1) as u64, number(2)).unwrap();
                table.words()[number(2) - 1].store(7, SeqCst);
                "made".to_owned()
            }
            "table" => match memory.table(number(1) as u64) {
                Ok(table) => {
                    held.push(table);
                    held.last().unwrap().words().len().to_string()
                }
                Err(_) => "none".to_owned(),
            },
            "last" => {
                let words = held.last().unwrap().words();
                words[words.len() - 1].load(SeqCst).to_string()
            }
            "insert" => {
                for index in number(1)..number(2) {
                    view.insert(&revoked(index));
                    if index.is_multiple_of(500) {
                        println!("\nanswer: {index}");
                    }
                }
                "inserted".to_owned()
            }
            "revoked" => view.check(&credential(number(1))).is_some().to_string(),
            _ => panic!("{order}"),
        };
        println!("\nanswer: {answer}");
    }
    // Nobody listens to what the harness would say now.
    std::process::exit(0);
}
