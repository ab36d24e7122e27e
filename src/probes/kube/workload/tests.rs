use super::*;
use crate::probes::clock;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A workload as the API gives it: its fields are those of the table in `docs/facts.md`.
fn made<K: DeserializeOwned>(generation: i64, spec: &Value, status: &Value) -> Workload
where
    Workload: for<'a> From<&'a K>,
{
    let template = json!({"metadata": {}, "spec": {"containers": [{"name": "main", "image": "r/web:9"}]}});
    let mut own = json!({"selector": {}, "serviceName": "", "template": template});
    own.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let object = json!({"metadata": {"name": "web", "generation": generation}, "spec": own, "status": status});
    Workload::from(&serde_json::from_value::<K>(object).unwrap())
}

fn deployment(generation: i64, observed: i64, [replicas, updated, ready, available]: [i64; 4]) -> Workload {
    let status = json!({"observedGeneration": observed, "replicas": replicas, "updatedReplicas": updated,
        "readyReplicas": ready, "availableReplicas": available});
    made::<Deployment>(generation, &json!({"replicas": 3}), &status)
}

fn stateful(spec: &Value, [replicas, updated, ready]: [i64; 3], available: Option<i64>, new: bool) -> Workload {
    let mut status = json!({"observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated,
        "readyReplicas": ready, "currentRevision": "a", "updateRevision": if new { "b" } else { "a" }});
    if let Some(available) = available {
        status["availableReplicas"] = json!(available);
    }
    let mut own = json!({"replicas": 3});
    own.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    made::<StatefulSet>(2, &own, &status)
}

fn daemon(strategy: &str, [desired, current, updated, ready, available]: [i64; 5]) -> Workload {
    let status = json!({"observedGeneration": 2, "desiredNumberScheduled": desired, "currentNumberScheduled": current,
        "numberMisscheduled": 0, "updatedNumberScheduled": updated, "numberReady": ready, "numberAvailable": available,
        "numberUnavailable": desired - available});
    made::<DaemonSet>(2, &json!({"updateStrategy": {"type": strategy}}), &status)
}

/// The moments of a rollout, as a real control plane gave them, and what is no rollout at all.
#[test]
fn a_rollout_is_complete_only_by_the_whole_rule() {
    let parted = json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
    let plain = json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}});
    let by_hand = json!({"updateStrategy": {"type": "OnDelete"}});
    let slow = json!({"minReadySeconds": 30});
    let cases = [
        ("done", deployment(2, 2, [3, 3, 3, 3]), true, Verdict::Ok, "3 of 3 ready"),
        (
            "the answer of the change",
            deployment(2, 1, [3, 3, 3, 3]),
            false,
            Verdict::Warn,
            "rolling out: the change is not observed yet · 3 of 3 ready",
        ),
        (
            "the first pod",
            deployment(2, 2, [4, 1, 3, 3]),
            false,
            Verdict::Warn,
            "rolling out: 1 of 3 updated · 3 of 3 ready",
        ),
        (
            "the last pod never gets ready",
            deployment(2, 2, [4, 3, 3, 3]),
            false,
            Verdict::Warn,
            "rolling out: 1 old pod left · 3 of 3 ready",
        ),
        (
            "one is not available yet",
            deployment(2, 2, [3, 3, 3, 2]),
            false,
            Verdict::Warn,
            "3 of 3 ready · 2 available",
        ),
        ("one has gone", deployment(2, 2, [3, 3, 2, 2]), false, Verdict::Warn, "2 of 3 ready"),
        ("none is ready", deployment(2, 2, [3, 3, 0, 0]), false, Verdict::Critical, "0 of 3 ready"),
        ("a set is done", stateful(&plain, [3, 3, 3], Some(3), false), true, Verdict::Ok, "3 of 3 ready"),
        ("a set before 1.22", stateful(&json!({}), [3, 3, 3], None, false), true, Verdict::Ok, "3 of 3 ready"),
        (
            "a set whose pods take their time",
            stateful(&slow, [3, 3, 3], None, false),
            false,
            Verdict::Warn,
            "3 of 3 ready · 0 available",
        ),
        (
            "a set under way",
            stateful(&plain, [3, 1, 2], Some(2), true),
            false,
            Verdict::Warn,
            "rolling out: 1 of 3 updated · 2 of 3 ready",
        ),
        (
            "a set before its last word",
            stateful(&plain, [3, 3, 3], Some(3), true),
            false,
            Verdict::Warn,
            "rolling out: the new revision is not settled yet · 3 of 3 ready",
        ),
        (
            "a part of a set",
            stateful(&parted, [3, 1, 3], Some(3), true),
            true,
            Verdict::Ok,
            "3 of 3 ready · partition 2",
        ),
        (
            "a part of a set under way",
            stateful(&parted, [3, 0, 3], Some(3), true),
            false,
            Verdict::Warn,
            "rolling out: 0 of 1 updated · 3 of 3 ready · partition 2",
        ),
        (
            "a set by hand",
            stateful(&by_hand, [3, 1, 3], Some(3), true),
            false,
            Verdict::Warn,
            "1 of 3 updated, the rest once it is deleted (OnDelete) · 3 of 3 ready",
        ),
        ("a set by hand that is done", stateful(&by_hand, [3, 3, 3], Some(3), true), true, Verdict::Ok, "3 of 3 ready"),
        ("daemons", daemon("RollingUpdate", [2, 2, 2, 2, 2]), true, Verdict::Ok, "2 of 2 ready"),
        (
            "daemons under way",
            daemon("RollingUpdate", [2, 2, 1, 2, 2]),
            false,
            Verdict::Warn,
            "rolling out: 1 of 2 updated · 2 of 2 ready",
        ),
        (
            "daemons not available",
            daemon("RollingUpdate", [2, 2, 2, 2, 1]),
            false,
            Verdict::Warn,
            "2 of 2 ready · 1 available",
        ),
        (
            "daemons by hand",
            daemon("OnDelete", [2, 2, 1, 2, 2]),
            false,
            Verdict::Warn,
            "1 of 2 updated, the rest once it is deleted (OnDelete) · 2 of 2 ready",
        ),
    ];
    for (name, workload, complete, verdict, detail) in cases {
        let pods = Pods::ready(workload.ready);
        let seen = workload.seen(Some(&pods), Judging::default(), clock::now().wall);
        assert_eq!(seen.facts["complete"], Fact::Bool(complete), "{name}");
        assert_eq!((seen.verdict, seen.detail.as_str()), (verdict, format!("{detail} · web:9").as_str()), "{name}");
    }
}

#[test]
fn a_status_that_is_behind_tells_nothing_of_the_new_template() {
    let seen = deployment(2, 1, [3, 3, 3, 3]).seen(None, Judging::default(), clock::now().wall);
    assert_eq!(seen.facts["observed"], Fact::Bool(false));
    assert!(!seen.facts.contains_key("updated"), "{:?}", seen.facts);
    let seen = deployment(2, 2, [4, 1, 3, 3]).seen(None, Judging::default(), clock::now().wall);
    let facts = ["observed", "updated", "replicas", "available", "desired"].map(|key| &seen.facts[key]);
    assert_eq!(facts, [&Fact::Bool(true), &Fact::Int(1), &Fact::Int(4), &Fact::Int(3), &Fact::Int(3)]);
    // What the rollout before has left behind.
    let stuck = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    let of = |observed: i64| {
        let status = json!({"observedGeneration": observed, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3,
            "availableReplicas": 3, "conditions": stuck});
        made::<Deployment>(2, &json!({"replicas": 3}), &status)
            .seen(None, Judging::default(), clock::now().wall)
            .verdict
    };
    assert_eq!((of(1), of(2)), (Verdict::Warn, Verdict::Critical));
    let seen = stateful(&json!({}), [3, 3, 3], None, false).seen(None, Judging::default(), clock::now().wall);
    assert!(!seen.facts.contains_key("available"), "what a server does not count is no zero");
}
