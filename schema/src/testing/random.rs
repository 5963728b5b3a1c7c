//! Random plans and events for properties.

use proptest::prelude::*;

use super::{at, step};
use crate::definition::{Node, NodeKind};
use crate::event::NodeEvent;
use crate::ids::SceneId;
use crate::report::{Identity, Status};

const NAMES: usize = 16;

fn name(index: usize) -> &'static str {
    const ALL: [&str; NAMES + 2] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "x", "y"];
    ALL[index % ALL.len()]
}

/// A shape of a series; names are given afterwards, so that they are unique.
fn shapes() -> impl Strategy<Value = Vec<Node>> {
    let flags = (any::<bool>(), 0_u8..8);
    let leaf = (0_u8..9, flags.clone()).prop_map(|(kind, (_, flag))| {
        let mut node = step("");
        node.optional = flag == 0;
        node.dynamic = flag == 1;
        node.slow_after_ms = (flag == 2).then_some(3);
        node.kind = match kind {
            0 => NodeKind::Terminate,
            1 => NodeKind::Join { on: Vec::new() },
            2 => NodeKind::Join { on: vec![name(usize::from(flag) * 2).to_owned(), "nobody".to_owned()] },
            3 => NodeKind::Link { sub_scene: SceneId::new("sub").expect("an id") },
            4 => NodeKind::Rpc,
            _ => NodeKind::Local,
        };
        node
    });
    let list = proptest::collection::vec(leaf, 0..4);
    list.prop_recursive(4, 24, 4, move |inner| {
        let parts = proptest::collection::vec(inner.clone(), 0..3);
        (inner, parts, 0_u8..4, flags.clone()).prop_map(|(mut list, parts, kind, (has_default, flag))| {
            let mut node = step("");
            node.optional = flag == 0;
            let mut parts = parts.into_iter();
            node.kind = match kind {
                0 => NodeKind::Loop { body: parts.next().unwrap_or_default() },
                1 => NodeKind::Fork { branches: parts.collect() },
                _ => {
                    let default = if has_default { parts.next() } else { None };
                    NodeKind::Decision {
                        cases: ["yes", "no", "other"].map(str::to_owned).into_iter().zip(parts).collect(),
                        default,
                    }
                }
            };
            list.insert(usize::from(flag) % (list.len() + 1), node);
            list
        })
    })
}

fn give_names(list: &mut [Node], next: &mut usize) {
    for node in list {
        node.name = if *next < NAMES { name(*next).to_owned() } else { format!("n{next}") };
        *next += 1;
        match &mut node.kind {
            NodeKind::Fork { branches } => branches.iter_mut().for_each(|part| give_names(part, next)),
            NodeKind::Loop { body } => give_names(body, next),
            NodeKind::Decision { cases, default } => {
                cases.iter_mut().for_each(|(_, part)| give_names(part, next));
                default.iter_mut().for_each(|part| give_names(part, next));
            }
            _ => {}
        }
    }
}

/// Any plan, sometimes none.
pub(crate) fn plans() -> impl Strategy<Value = Option<Vec<Node>>> {
    proptest::option::weighted(
        0.9,
        shapes().prop_map(|mut list| {
            give_names(&mut list, &mut 0);
            list
        }),
    )
}

/// Any events: of nodes of [`plans`] and of two others, some of one identity.
pub(crate) fn events() -> impl Strategy<Value = Vec<NodeEvent<'static>>> {
    let status = prop_oneof![
        3 => Just(Status::Running),
        3 => Just(Status::Completed),
        1 => Just(Status::Failed),
        1 => Just(Status::Skipped),
    ];
    let text = |of: &'static [&'static str]| proptest::option::weighted(0.2, proptest::sample::select(of));
    let event = (
        (0_u128..40, 0_usize..NAMES + 2, status, proptest::option::weighted(0.9, 0_i64..12)),
        (text(&["r1", "r2"]), text(&["s1"]), text(&["h1", "h2"]), text(&["yes", "no", "maybe"])),
        (proptest::option::weighted(0.2, 0_u64..3), text(&["e1", "e2"]), text(&["a", "x", "y"])),
    );
    let event = event.prop_map(
        |((identity, node, status, time), (run, span, host, case), (iteration, sub, parent))| NodeEvent {
            identity: Identity(identity),
            node: name(node),
            status,
            time: time.map(at),
            run_id: run,
            span_id: span,
            service: None,
            instance: host,
            host,
            case,
            iteration,
            sub_execution_id: sub,
            parent_node: parent,
        },
    );
    proptest::collection::vec(event, 0..40)
}
