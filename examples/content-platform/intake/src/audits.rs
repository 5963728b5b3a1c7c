//! The steps that are made here: what the text says, what the video shows, what all of it is worth.

use std::fmt;

use linkloom_reporter::trace_node;
use serde::Serialize;

use crate::content::Content;
use crate::pictures::{PictureText, PictureVerdict};

/// Words and how much each adds to the risk, in hundredths.
const KEYWORDS: [(&str, u32); 5] =
    [("casino", 70), ("miracle cure", 70), ("sponsored", 30), ("discount", 25), ("lottery", 30)];
/// A frame is cut every so many seconds.
const FRAME_SECONDS: u32 = 2;
/// From this risk on people look.
const REVIEW_FROM: f64 = 0.4;
/// From this risk on nobody needs to.
const REJECT_FROM: f64 = 0.9;

/// Title, text and tags in one notation.
#[trace_node("normalize", output)]
pub(crate) fn normalize(mut content: Content) -> Content {
    content.title = content.title.split_whitespace().collect::<Vec<_>>().join(" ");
    content.tags = content.tags.iter().map(|tag| tag.trim().to_lowercase()).collect();
    tracing::debug!(tags = content.tags.join(", "), "tags in lower case");
    content
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TextVerdict {
    pub(crate) chars: usize,
    /// Share of capital letters.
    pub(crate) shouting: f64,
}

/// How the text reads.
#[trace_node("textAudit", output)]
pub(crate) fn text_audit(content: &Content) -> TextVerdict {
    let letters = content.text.chars().filter(|letter| letter.is_alphabetic()).count();
    let capitals = content.text.chars().filter(|letter| letter.is_uppercase()).count();
    let verdict = TextVerdict {
        chars: content.text.chars().count(),
        shouting: (capitals * 100 / letters.max(1)) as f64 / 100.0,
    };
    tracing::info!(
        chars = verdict.chars,
        shouting = verdict.shouting,
        "text of {} looked at",
        content.content_id
    );
    verdict
}

/// Words of the list that the text has.
#[trace_node("keywordMatch", output)]
pub(crate) fn keyword_match(content: &Content) -> Vec<&'static str> {
    let text = format!("{} {}", content.title, content.text).to_lowercase();
    let found: Vec<&str> =
        KEYWORDS.iter().map(|(word, _)| *word).filter(|word| text.contains(word)).collect();
    if !found.is_empty() {
        tracing::warn!(words = found.join(", "), "words of the list were found");
    }
    found
}

/// Cuts frames from the video.
#[trace_node("videoFrames", input, output)]
pub(crate) fn video_frames(seconds: u32) -> u32 {
    seconds.div_ceil(FRAME_SECONDS)
}

/// Listens to the video.
#[trace_node("audioAudit", input, output)]
pub(crate) fn audio_audit(seconds: u32) -> &'static str {
    tracing::info!(seconds, "music matched: licensed");
    "licensed"
}

/// What the audits found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Findings {
    pub(crate) text: TextVerdict,
    pub(crate) keywords: Vec<&'static str>,
    pub(crate) pictures: PictureVerdict,
    pub(crate) text_in_pictures: PictureText,
}

/// All findings as one number from 0 to 1.
#[trace_node("riskScore", input, output)]
pub(crate) fn risk_score(findings: &Findings) -> f64 {
    let words = |text: &str| -> u32 {
        KEYWORDS.iter().filter(|(word, _)| text.contains(word)).map(|(_, weight)| weight).sum()
    };
    let keywords: u32 = findings.keywords.iter().map(|word| words(word)).sum();
    let in_pictures: u32 =
        findings.text_in_pictures.texts.iter().map(|text| words(&text.to_lowercase())).sum();
    let shouting = if findings.text.shouting > 0.5 { 20 } else { 0 };
    let gaudy = if findings.pictures.saturation > 0.8 { 10 } else { 0 };
    let score = f64::from((keywords + in_pictures + shouting + gaudy).min(100)) / 100.0;
    tracing::info!(score, "risk scored");
    score
}

/// Which way a content goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Pass,
    Review,
    Reject,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Route::Pass => "pass",
            Route::Review => "review",
            Route::Reject => "reject",
        })
    }
}

/// The decision: what is returned is the case, named as in the definition of the link.
#[trace_node("routeByRisk", input, case)]
pub(crate) fn route_by_risk(score: f64) -> Route {
    match score {
        score if score >= REJECT_FROM => Route::Reject,
        score if score >= REVIEW_FROM => Route::Review,
        _ => Route::Pass,
    }
}
