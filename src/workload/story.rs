//! What the nodes of the demo say: inputs, outputs and logs. `{id}` stands for the number of the content.

/// One node's words.
pub(super) struct Words {
    pub(super) node: &'static str,
    pub(super) input: &'static str,
    pub(super) output: &'static str,
    /// Level and message.
    pub(super) logs: &'static [(&'static str, &'static str)],
}

const fn words(
    node: &'static str,
    input: &'static str,
    output: &'static str,
    logs: &'static [(&'static str, &'static str)],
) -> Words {
    Words { node, input, output, logs }
}

#[rustfmt::skip]
const NODES: &[Words] = &[
    words("receive", r#"{"contentId":{id},"source":"app","author":"u-8841"}"#, r#"{"accepted":true}"#, &[("INFO", "received content {id} from the app")]),
    words("normalize", r#"{"contentId":{id},"fields":14}"#, r#"{"changed":["title","tags"]}"#, &[("DEBUG", "tags folded to lower case: Travel, City -> travel, city")]),
    words("textAudit", r#"{"contentId":{id},"chars":1204,"language":"en"}"#, r#"{"label":"clean","score":0.03}"#, &[("INFO", "text model v12 says clean, score 0.03")]),
    words("keywordMatch", r#"{"lists":["spam","brand"]}"#, r#"{"hits":0}"#, &[("DEBUG", "matched 0 of 18230 keywords")]),
    words("picAudit", r#"{"contentId":{id},"pictures":3}"#, r#"{"labels":["mountain","river"],"score":0.07}"#, &[("INFO", "3 pictures sent to the model"), ("INFO", "labels mountain, river; nothing to object to")]),
    words("ocr", r#"{"pictures":3}"#, r#"{"text":"OPEN 9-5"}"#, &[]),
    words("videoFrames", r#"{"contentId":{id},"every":"2s"}"#, r#"{"frames":41}"#, &[("INFO", "cut 41 frames from 82 s of video")]),
    words("audioAudit", r#"{"seconds":82}"#, r#"{"speech":true,"music":"licensed"}"#, &[("INFO", "music matched: licensed")]),
    words("riskScore", r#"{"signals":7}"#, r#"{"score":0.21}"#, &[("INFO", "risk 0.21 of 1.00 from 7 signals")]),
    words("routeByRisk", r#"{"score":0.21,"reviewFrom":0.4,"rejectFrom":0.9}"#, r#"{"rule":"risk-7"}"#, &[]),
    words("publish", r#"{"contentId":{id},"version":3}"#, r#"{"version":3,"visible":true}"#, &[("INFO", "version 3 of content {id} is visible")]),
    words("indexContent", r#"{"contentId":{id}}"#, r#"{"terms":212}"#, &[("INFO", "212 terms indexed")]),
    words("warmCache", r#"{"regions":["eu","us"]}"#, r#"{"warmed":2}"#, &[]),
    words("createReviewTask", r#"{"contentId":{id},"priority":"high"}"#, r#"{"queue":"review-en"}"#, &[("INFO", "review task queued for content {id}")]),
    words("takeDown", r#"{"contentId":{id},"reason":"policy 4.2"}"#, r#"{"visible":false}"#, &[("WARN", "content {id} taken down by policy 4.2")]),
    words("notifyAuthor", r#"{"author":"u-8841","template":"verdict"}"#, r#"{"channel":"push"}"#, &[("INFO", "author u-8841 told by push")]),
    words("finish", r#"{"contentId":{id}}"#, r#"{"done":true}"#, &[]),
    words("claimTask", r#"{"reviewer":"r-17"}"#, r#"{"claimed":true}"#, &[("INFO", "reviewer r-17 claimed the task")]),
    words("loadContent", r#"{"contentId":{id}}"#, r#"{"version":3}"#, &[]),
    words("loadHistory", r#"{"contentId":{id},"days":90}"#, r#"{"verdicts":2}"#, &[("DEBUG", "2 earlier verdicts, both clean")]),
    words("machineAdvice", r#"{"contentId":{id}}"#, r#"{"advice":"keep","confidence":0.64}"#, &[("INFO", "machine advice: keep, confidence 0.64")]),
    words("similarContent", r#"{"contentId":{id},"limit":20}"#, r#"{"found":4}"#, &[]),
    words("firstReview", r#"{"reviewer":"r-17"}"#, r#"{"verdict":"reject","rule":"4.2"}"#, &[("INFO", "r-17: reject by rule 4.2, logo covers a third of the picture")]),
    words("compareVerdicts", r#"{"machine":"keep","first":"reject"}"#, r#"{"same":false}"#, &[("WARN", "machine says keep, first reviewer says reject: a second reviewer is asked")]),
    words("applyVerdict", r#"{"verdict":"keep"}"#, r#"{"visible":true}"#, &[]),
    words("secondReview", r#"{"reviewer":"r-42"}"#, r#"{"verdict":"keep","note":"own brand of the author"}"#, &[("INFO", "r-42: keep, the logo is the author's own brand")]),
    words("applyFinalVerdict", r#"{"verdict":"keep"}"#, r#"{"visible":true}"#, &[("INFO", "content {id} stays visible")]),
    words("closeTask", r#"{"verdict":"keep"}"#, r#"{"closed":true}"#, &[]),
    words("selectContent", r#"{"reason":"model v13 released"}"#, r#"{"contentId":{id}}"#, &[("INFO", "content {id} picked for recomputation: model v13 released")]),
    words("loadFeatures", r#"{"contentId":{id},"version":14}"#, r#"{"vectors":3}"#, &[]),
    words("textFeatures", r#"{"chars":1204}"#, r#"{"dimensions":384}"#, &[]),
    words("imageFeatures", r#"{"pictures":3}"#, r#"{"dimensions":512}"#, &[("INFO", "3 pictures embedded in 88 ms")]),
    words("userFeatures", r#"{"author":"u-8841"}"#, r#"{"dimensions":64}"#, &[]),
    words("mergeFeatures", r#"{"vectors":3}"#, r#"{"dimensions":960}"#, &[("DEBUG", "weights 0.4, 0.4, 0.2")]),
    words("score", r#"{"model":"v13"}"#, r#"{"before":0.21,"after":0.34}"#, &[("INFO", "score 0.21 -> 0.34")]),
    words("scoreChanged", r#"{"by":0.13,"from":0.05}"#, r#"{"changed":true}"#, &[]),
    words("updateIndex", r#"{"contentId":{id},"score":0.34}"#, r#"{"updated":1}"#, &[]),
    words("invalidateCache", r#"{"keys":6}"#, r#"{"dropped":6}"#, &[]),
    words("emitChange", r#"{"topic":"score-changes"}"#, r#"{"offset":88120}"#, &[("INFO", "change sent to score-changes")]),
    words("recordRun", r#"{"job":"recompute-v13"}"#, r#"{"recorded":true}"#, &[]),
    words("fetchSource", r#"{"partner":"north-tv","url":"https://partner.example/feed/{id}"}"#, r#"{"bytes":48211}"#, &[("INFO", "48211 bytes fetched from north-tv")]),
    words("parseSource", r#"{"format":"mrss"}"#, r#"{"items":1}"#, &[]),
    words("deduplicate", r#"{"fingerprint":"9c1f"}"#, r#"{"known":false}"#, &[]),
    words("fetchMedia", r#"{"files":2}"#, r#"{"bytes":31200455}"#, &[("INFO", "2 files, 31 MB")]),
    words("transcode", r#"{"to":["1080p","720p"]}"#, r#"{"renditions":2}"#, &[("INFO", "2 renditions in 4.1 s")]),
    words("translate", r#"{"from":"sv","to":["en","de"]}"#, r#"{"texts":2}"#, &[]),
    words("createContent", r#"{"contentId":{id}}"#, r#"{"version":1}"#, &[]),
    words("mergeContent", r#"{"contentId":{id}}"#, r#"{"version":4}"#, &[]),
    words("quarantine", r#"{"contentId":{id},"reason":"rights unclear"}"#, r#"{"held":true}"#, &[("WARN", "content {id} held: the feed names no rights holder")]),
    words("reportImport", r#"{"partner":"north-tv"}"#, r#"{"sent":true}"#, &[]),
];

/// What `node` says.
pub(super) fn of(node: &str) -> &'static Words {
    const NONE: Words = words("", "{}", "{}", &[]);
    NODES.iter().find(|words| words.node == node).unwrap_or(const { &NONE })
}

/// Puts the number of the content in.
pub(super) fn fill(text: &str, content: u64) -> String {
    text.replace("{id}", &content.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::*;

    #[test]
    fn every_node_has_words_and_they_are_json() {
        for plan in Plan::all() {
            for node in &plan.nodes {
                let words = of(&node.name);
                assert_eq!(words.node, node.name, "no words for {}", node.name);
                for json in [words.input, words.output] {
                    let value: serde_json::Value = serde_json::from_str(&fill(json, 7)).expect(&node.name);
                    assert!(value.is_object());
                }
            }
        }
    }
}
