//! The link `realtime-input`, step by step: `links/realtime-input.json` as a program.

use std::sync::Arc;

use linkloom_reporter::{Context, FutureExt as _, LinkMark, node, task, trace_node};
use serde::Serialize;
use serde_json::json;

use crate::audits::{
    Findings, Route, audio_audit, keyword_match, normalize, risk_score, route_by_risk, text_audit,
    video_frames,
};
use crate::content::Content;
use crate::pictures::{PictureError, PictureText, PictureVerdict, Pictures};
use crate::store::{Contents, State, StoreError};
use crate::tasks::{TaskError, Tasks};

/// The scene of intakes.
const SCENE: &str = "realtime-input";

/// What the flow works with.
pub(crate) struct Platform {
    pub(crate) contents: Contents,
    pub(crate) pictures: Pictures,
    pub(crate) tasks: Tasks,
}

/// How an intake ended.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) content_id: String,
    pub(crate) state: State,
    /// The review it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_id: Option<String>,
}

/// Where an intake broke.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    #[error("the content was not stored")]
    Store(#[from] StoreError),
    #[error("the pictures were not audited")]
    Pictures(#[from] PictureError),
    #[error("no review was asked for")]
    Task(#[from] TaskError),
}

impl Platform {
    /// The mark of an intake: here an execution begins. One call runs it all, so its id is that of the trace.
    pub(crate) fn mark(content: &Content) -> LinkMark {
        let trace = Context::current().trace_id().map_or_else(String::new, str::to_owned);
        LinkMark::new(&content.content_id, SCENE, trace)
    }

    /// Takes a content in, to its end: a task of its own, so that it does not break off when the caller does.
    pub(crate) async fn take_in(self: Arc<Self>, content: Content) -> Result<Outcome, IntakeError> {
        let mark = Platform::mark(&content);
        let taken = task::spawn(async move { self.run(content).await }.with_mark(mark));
        taken.await.expect("an intake does not panic")
    }

    async fn run(&self, content: Content) -> Result<Outcome, IntakeError> {
        let id = content.content_id.clone();
        self.receive(&content)?;
        let content = normalize(content);

        // All branches run to their ends, whatever becomes of the others: a step that is broken off has failed.
        let ((text, keywords), pictures, ()) =
            tokio::join!(audit_text(&content), self.audit_pictures(&content), audit_video(&content));
        let (pictures, text_in_pictures) = pictures?;
        let findings = Findings { text, keywords, pictures, text_in_pictures };
        let join = node("auditJoin").start(());
        join.complete(json!({"branches": 3}));

        let score = risk_score(&findings);
        let (state, task_id) = match route_by_risk(score) {
            Route::Pass => {
                let state = self.contents.publish(&id)?;
                index_content(&content);
                warm_cache(&id);
                (state, None)
            }
            Route::Review => {
                let task = self.tasks.create(&content, score).await?;
                (self.contents.set(&id, State::InReview)?, Some(task))
            }
            Route::Reject => {
                let state = self.contents.take_down(&id)?;
                notify_author(&content.author, "your content is not shown");
                (state, None)
            }
        };
        let outcome = Outcome { content_id: id, state, task_id };
        finish(&outcome);
        Ok(outcome)
    }

    /// The first step also says what the execution is about: its `meta`.
    fn receive(&self, content: &Content) -> Result<u32, StoreError> {
        let run = node("receive")
            .meta(&json!({"trigger": "api", "contentType": content.content_type}))
            .start(content)
            .entered();
        match self.contents.put(content) {
            Ok(version) => {
                tracing::info!(version, "{} received from {}", content.content_id, content.author);
                run.complete(json!({"version": version}));
                Ok(version)
            }
            Err(error) => {
                run.fail(&error);
                Err(error)
            }
        }
    }

    async fn audit_pictures(&self, content: &Content) -> Result<(PictureVerdict, PictureText), PictureError> {
        if content.pictures.is_empty() {
            node("picAudit").skip("no pictures");
            node("ocr").skip("no pictures");
            return Ok(Default::default());
        }
        let verdict = self.pictures.audit(content).await?;
        Ok((verdict, self.pictures.ocr(content).await?))
    }
}

async fn audit_text(content: &Content) -> (crate::audits::TextVerdict, Vec<&'static str>) {
    (text_audit(content), keyword_match(content))
}

async fn audit_video(content: &Content) {
    let seconds = content.video_seconds;
    if seconds == 0 {
        node("videoFrames").skip("no video");
        node("audioAudit").skip("no video");
        return;
    }
    // On a thread for work that takes long; the mark goes along.
    let audited = task::spawn_blocking(move || {
        video_frames(seconds);
        audio_audit(seconds)
    });
    audited.await.expect("an audit does not panic");
}

#[trace_node("indexContent", output)]
fn index_content(content: &Content) -> usize {
    let terms = content.text.split_whitespace().count();
    tracing::info!(terms, "{} is found by its words", content.content_id);
    terms
}

#[trace_node("warmCache", input)]
fn warm_cache(id: &str) {
    tracing::debug!("{id} is in the cache");
}

/// The address of the author is masked in what is reported: a rule of the reporter, see `main`.
#[trace_node("notifyAuthor", input)]
fn notify_author(author: &str, message: &str) {
    tracing::info!("{author} is told: {message}");
}

#[trace_node("finish", input)]
fn finish(outcome: &Outcome) {
    tracing::info!("{} is through", outcome.content_id);
}
