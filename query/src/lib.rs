//! Reading executions back: store, tree, panorama, answer.
