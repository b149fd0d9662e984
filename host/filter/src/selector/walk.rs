//! Walks a tree with the set of steps that may match next: one bit each, so every node is seen at most once.

use std::ops::ControlFlow;

use refrain_proto::{Element, Node};

use super::Step;

/// The parser allows 64 levels; an element built by hand is not looked into further than this.
const DEPTH_MAX: u32 = 256;

/// Visits the nodes that the whole path leads to, in document order. Without steps that is the stanza itself.
pub(super) fn walk<'e>(
    steps: &[Step],
    element: &'e Element,
    visit: &mut dyn FnMut(Node<'e>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match steps {
        [] => visit(element.root()),
        [step] if !step.descends => children(step, element.root(), visit),
        _ => descend(steps, element.root(), 1, 0, visit),
    }
}

/// The common case: one step below the stanza.
fn children<'e>(step: &Step, parent: Node<'e>, visit: &mut dyn FnMut(Node<'e>) -> ControlFlow<()>) -> ControlFlow<()> {
    for child in parent.children() {
        if step.matches(child) {
            visit(child)?;
        }
    }
    ControlFlow::Continue(())
}

/// Bit i of `active`: the path up to step i has led to `parent`, so step i may match below it.
fn descend<'e>(
    steps: &[Step],
    parent: Node<'e>,
    active: u32,
    depth: u32,
    visit: &mut dyn FnMut(Node<'e>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if depth == DEPTH_MAX {
        return ControlFlow::Continue(());
    }
    for child in parent.children() {
        let next = advance(steps, child, active);
        if next >> steps.len() != 0 {
            visit(child)?;
        }
        let below = next & !(1 << steps.len());
        if below != 0 {
            descend(steps, child, below, depth + 1, visit)?;
        }
    }
    ControlFlow::Continue(())
}

fn advance(steps: &[Step], node: Node<'_>, active: u32) -> u32 {
    let mut next = 0;
    for (index, step) in steps.iter().enumerate().filter(|(index, _)| active >> index & 1 == 1) {
        if step.descends {
            next |= 1 << index;
        }
        if step.matches(node) {
            next |= 1 << (index + 1);
        }
    }
    next
}
