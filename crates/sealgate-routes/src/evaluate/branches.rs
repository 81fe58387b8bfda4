//! What runs only perhaps: every branch is run, and names may then stand for several things.

use std::rc::Rc;

use ruff_python_ast::{Stmt, StmtIf, StmtMatch};
use ruff_text_size::{Ranged, TextRange};

use super::value::{Names, Scope, Value};
use super::{Flow, Frame, Interpreter};
use crate::source::ModuleId;

impl<'a> Interpreter<'a> {
    /// A condition in words. Who only looks at a function is told no conditions.
    fn condition(&self, module: ModuleId, range: TextRange) -> String {
        if self.quiet {
            return String::new();
        }
        self.source_line(module, range)
    }

    pub(super) fn if_else(
        &mut self,
        test: &'a StmtIf,
        scope: &Scope<'a>,
        frame: &mut Frame<'a>,
    ) -> Flow {
        let clauses = test
            .elif_else_clauses
            .iter()
            .map(|clause| (clause.test.as_ref(), &*clause.body));
        let clauses = std::iter::once((Some(&*test.test), &*test.body)).chain(clauses);
        let mut arms: Vec<(Rc<str>, &'a [Stmt])> = Vec::new();
        let mut whole = false;
        for (test, body) in clauses {
            let Some(test) = test else {
                arms.push((negated(&arms), body));
                whole = true;
                break;
            };
            match self.decide(test, scope) {
                Some(false) => {}
                Some(true) if arms.is_empty() => return self.block(body, scope, frame),
                Some(true) => {
                    arms.push((negated(&arms), body));
                    whole = true;
                    break;
                }
                None => {
                    // `if (name := ...):`, and calls that have an effect.
                    self.evaluate(test, scope);
                    let condition = self.condition(scope.module, test.range());
                    arms.push((format!("if {condition}").into(), body));
                }
            }
        }
        if arms.is_empty() {
            return Flow::On;
        }
        self.arms(&arms, whole, scope, frame)
    }

    pub(super) fn match_case(
        &mut self,
        choice: &'a StmtMatch,
        scope: &Scope<'a>,
        frame: &mut Frame<'a>,
    ) -> Flow {
        self.evaluate(&choice.subject, scope);
        let subject = self.condition(scope.module, choice.subject.range());
        let arms: Vec<(Rc<str>, &'a [Stmt])> = choice
            .cases
            .iter()
            .map(|case| {
                let pattern = self.condition(scope.module, case.pattern.range());
                (format!("if {subject} is {pattern}").into(), &*case.body)
            })
            .collect();
        self.arms(&arms, false, scope, frame)
    }

    /// Runs a block that may not run, or run again.
    pub(super) fn perhaps(
        &mut self,
        condition: &str,
        body: &'a [Stmt],
        scope: &Scope<'a>,
        frame: &mut Frame<'a>,
    ) -> Flow {
        match self.arms(&[(condition.into(), body)], false, scope, frame) {
            Flow::Ends => Flow::Ends,
            _ => Flow::On,
        }
    }

    /// Runs each of several blocks of which one will run; or none, unless they are the `whole`.
    fn arms(
        &mut self,
        arms: &[(Rc<str>, &'a [Stmt])],
        whole: bool,
        scope: &Scope<'a>,
        frame: &mut Frame<'a>,
    ) -> Flow {
        let before = scope.names.borrow().clone();
        let mut ends: Vec<Names<'a>> = Vec::new();
        let mut flows = Vec::new();
        for (condition, body) in arms {
            scope.names.borrow_mut().clone_from(&before);
            self.conditions.push(Rc::clone(condition));
            let flow = self.block(body, scope, frame);
            self.conditions.pop();
            flows.push(flow);
            if flow == Flow::On {
                ends.push(scope.names.borrow().clone());
            }
        }
        if !whole {
            ends.push(before.clone());
            flows.push(Flow::On);
        }
        let flow = match flows.first() {
            Some(&first) if flows.iter().all(|&flow| flow == first) => first,
            // Whether a loop goes on is not known: what comes after is run all the same.
            _ => Flow::On,
        };
        *scope.names.borrow_mut() = if ends.is_empty() {
            before
        } else {
            merged(ends)
        };
        flow
    }
}

fn negated(arms: &[(Rc<str>, &[Stmt])]) -> Rc<str> {
    let tests: Vec<&str> = arms
        .iter()
        .map(|(text, _)| text.strip_prefix("if ").unwrap_or(text))
        .collect();
    format!("if not ({})", tests.join(" or ")).into()
}

/// Names after one of several branches.
fn merged(mut ends: Vec<Names<'_>>) -> Names<'_> {
    let mut merged = ends.remove(0);
    for end in ends {
        for (name, value) in end {
            match merged.get(&name) {
                Some(known) if known.same(&value) => {}
                Some(known) => {
                    let both = Value::either([known.clone(), value]);
                    merged.insert(name, both);
                }
                None => {
                    merged.insert(name, value);
                }
            }
        }
    }
    merged
}
