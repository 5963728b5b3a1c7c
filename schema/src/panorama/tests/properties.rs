//! Properties over random plans and random events.

use proptest::prelude::*;

use super::*;
use crate::definition::{Node, NodeKind};
use crate::event::NodeEvent;
use crate::ids::SceneId;
use crate::report::{Identity, Status};
use crate::testing::{at, step};

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

fn plans() -> impl Strategy<Value = Option<Vec<Node>>> {
    proptest::option::weighted(
        0.9,
        shapes().prop_map(|mut list| {
            give_names(&mut list, &mut 0);
            list
        }),
    )
}

fn some_events() -> impl Strategy<Value = Vec<NodeEvent<'static>>> {
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

fn draw_all(plan: Option<&[Node]>, list: &[NodeEvent<'_>], silent: bool, partial: bool) -> String {
    let plan = plan.map(Plan::new);
    let found = runs(list);
    let sub = |_: &str, execution: &str| (execution == "e1").then_some(ExecutionStatus::Running);
    let context = Context { execution_id: "this", silent, partial, sub: &sub };
    let drawn = panorama(plan.as_ref(), &found, &[], &context);
    let outline = outline(plan.as_ref(), &found, [], &context);
    assert_eq!(outline.status, drawn.status);
    assert_eq!(outline.node_counts, drawn.nodes.iter().map(|node| node.state).collect());
    let mut shown: Vec<&str> = drawn.nodes.iter().map(|node| node.name).collect();
    assert_eq!(drawn.nodes.iter().map(|node| node.runs.len()).sum::<usize>(), found.all.len());
    for node in &drawn.nodes {
        assert_eq!(node.state == NodeState::NotTaken, node.not_taken_because.is_some(), "{}", node.name);
    }
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), drawn.nodes.len(), "each node is shown once");
    // Status and silence agree.
    match drawn.status {
        ExecutionStatus::Running => assert!(!silent),
        ExecutionStatus::Stalled => assert!(silent),
        _ => {}
    }
    format!("{}{:#?}", text(&drawn), drawn.nodes)
        .lines()
        // Indices are those of the list given.
        .filter(|line| !line.contains("opener") && !line.contains("closer"))
        .filter(|line| {
            line.trim().parse::<u32>().is_err() && !line.trim().trim_end_matches(',').parse::<u32>().is_ok()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_duplication_draws_the_same(
        plan in plans(),
        (list, shuffled) in some_events().prop_flat_map(|list| {
            let doubled: Vec<_> = list.iter().chain(list.iter().step_by(2)).copied().collect();
            (Just(list), Just(doubled).prop_shuffle())
        }),
        silent in any::<bool>(),
        partial in any::<bool>(),
    ) {
        let plan = plan.as_deref();
        prop_assert_eq!(draw_all(plan, &list, silent, partial), draw_all(plan, &shuffled, silent, partial));
    }

    #[test]
    fn silence_only_ends_what_was_running(plan in plans(), list in some_events()) {
        let plan = plan.map(|list| Plan::new(&list));
        let found = runs(&list);
        let status = |silent| {
            let context = Context { execution_id: "this", silent, partial: false, sub: &|_, _| None };
            outline(plan.as_ref(), &found, [], &context).status
        };
        match status(false) {
            ExecutionStatus::Running => prop_assert!(status(true) != ExecutionStatus::Running),
            over => prop_assert_eq!(status(true), over),
        }
    }

    #[test]
    fn a_run_for_each_opener_and_no_event_twice(list in some_events()) {
        let found = runs(&list);
        let mut used: Vec<u32> =
            found.all.iter().flat_map(|run| [run.opener, run.closer]).flatten().collect();
        let count = used.len();
        used.sort_unstable();
        used.dedup();
        prop_assert_eq!(used.len(), count);
        let mut identities: Vec<Identity> = list.iter().map(|event| event.identity).collect();
        identities.sort_unstable();
        identities.dedup();
        prop_assert_eq!(count, identities.len(), "each event is in exactly one run");
    }
}
