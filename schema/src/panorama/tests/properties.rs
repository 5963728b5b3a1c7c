//! Properties over random plans and random events.

use proptest::prelude::*;

use super::*;
use crate::definition::Node;
use crate::event::NodeEvent;
use crate::report::Identity;
use crate::testing::random::{events as some_events, plans};

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
            line.trim().parse::<u32>().is_err() && line.trim().trim_end_matches(',').parse::<u32>().is_err()
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
