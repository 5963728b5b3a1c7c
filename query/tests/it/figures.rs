//! The history of a node and statistics of a scene.

use expect_test::expect;

use crate::world::{LATER, check};

#[test]
fn a_node_is_shown_over_the_last_executions() {
    check(
        &format!("/api/v1/scenes/intake/nodes/check/history?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","nodeName":"check","executions":2,"complete":true,"runs":{"total":1,"failed":1,"errorRate":1.0,"p50Micros":3000,"p95Micros":3000,"maxMicros":3000},"states":{"failed":1,"not_reached":1},"entries":[{"businessId":"content-42","executionId":"e2","startTime":"2026-11-21T10:01:00.000000Z","status":"stalled","state":"not_reached","runs":0,"runStatus":null,"durationMicros":null},{"businessId":"content-42","executionId":"e1","startTime":"2026-11-21T10:00:00.000000Z","status":"failed","state":"failed","runs":1,"runStatus":"FAILED","durationMicros":3000}]}
        "#]],
    );
    check(
        &format!("/api/v1/scenes/intake/nodes/check/history?asOf={LATER}&limit=1"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","nodeName":"check","executions":1,"complete":false,"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null},"states":{"not_reached":1},"entries":[{"businessId":"content-42","executionId":"e2","startTime":"2026-11-21T10:01:00.000000Z","status":"stalled","state":"not_reached","runs":0,"runStatus":null,"durationMicros":null}]}
        "#]],
    );
    check(
        &format!("/api/v1/scenes/intake/nodes/nobody/history?asOf={LATER}&status=failed"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","nodeName":"nobody","executions":1,"complete":true,"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null},"states":{},"entries":[]}
        "#]],
    );
}

#[test]
fn a_scene_is_summed_up_over_its_last_executions() {
    check(
        &format!("/api/v1/scenes/intake/statistics?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","from":null,"to":null,"executions":2,"complete":true,"statuses":{"failed":1,"stalled":1},"durations":{"p50Micros":6000,"p95Micros":6000,"maxMicros":6000},"nodes":[{"nodeName":"receive","executions":2,"states":{"completed":1,"stalled":1},"runs":{"total":2,"failed":0,"errorRate":0.0,"p50Micros":2000,"p95Micros":2000,"maxMicros":2000}},{"nodeName":"check","executions":2,"states":{"failed":1,"not_reached":1},"runs":{"total":1,"failed":1,"errorRate":1.0,"p50Micros":3000,"p95Micros":3000,"maxMicros":3000}},{"nodeName":"publish","executions":2,"states":{"not_reached":2},"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null}}],"edges":[{"from":"receive","to":"check","label":null,"taken":1,"notTaken":0,"open":1,"share":1.0},{"from":"check","to":"publish","label":null,"taken":0,"notTaken":0,"open":2,"share":null}]}
        "#]],
    );
    check(
        &format!("/api/v1/scenes/intake/statistics?asOf={LATER}&from=2026-11-21T10:00:30Z&to=2026-11-22"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","from":"2026-11-21T10:00:30.000000Z","to":"2026-11-22T00:00:00.000000Z","executions":1,"complete":true,"statuses":{"stalled":1},"durations":{"p50Micros":null,"p95Micros":null,"maxMicros":null},"nodes":[{"nodeName":"receive","executions":1,"states":{"stalled":1},"runs":{"total":1,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null}},{"nodeName":"check","executions":1,"states":{"not_reached":1},"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null}},{"nodeName":"publish","executions":1,"states":{"not_reached":1},"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null}}],"edges":[{"from":"receive","to":"check","label":null,"taken":0,"notTaken":0,"open":1,"share":null},{"from":"check","to":"publish","label":null,"taken":0,"notTaken":0,"open":1,"share":null}]}
        "#]],
    );
    check(
        &format!("/api/v1/scenes/nobody/statistics?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"sceneId":"nobody","from":null,"to":null,"executions":0,"complete":true,"statuses":{},"durations":{"p50Micros":null,"p95Micros":null,"maxMicros":null},"nodes":[],"edges":[]}
        "#]],
    );
}
