//! Canonical definitions laid out for people: what fits on a line stands on one line.

/// Columns of a line.
const COLUMNS: usize = 110;
/// Spaces a level.
const INDENT: usize = 2;

/// Lays out compact JSON: no value is changed, only white space comes in. Ends with a newline.
///
/// Works on the text without recursion, so depth costs nothing.
pub(super) fn pretty(json: &str) -> String {
    let widths = widths(json);
    let mut widths = widths.into_iter();
    let mut out = String::with_capacity(json.len() * 2);
    let mut line_start = 0;
    let mut depth = 0;
    // Depth at which a container that fits on its line was opened.
    let mut flat_from: Option<usize> = None;
    for token in tokens(json) {
        match token {
            "{" | "[" => {
                let column = out[line_start..].chars().count();
                let width = widths.next().unwrap_or(0);
                out.push_str(token);
                depth += 1;
                if flat_from.is_none() {
                    // Room for a comma behind it.
                    if width <= 2 || column + width < COLUMNS {
                        flat_from = Some(depth);
                    } else {
                        line_start = new_line(&mut out, depth);
                    }
                }
            }
            "}" | "]" => {
                depth -= 1;
                match flat_from {
                    Some(from) if from == depth + 1 => flat_from = None,
                    Some(_) => {}
                    None => line_start = new_line(&mut out, depth),
                }
                out.push_str(token);
            }
            "," if flat_from.is_some() => out.push_str(", "),
            "," => {
                out.push(',');
                line_start = new_line(&mut out, depth);
            }
            ":" => out.push_str(": "),
            token => out.push_str(token),
        }
    }
    out.push('\n');
    out
}

fn new_line(out: &mut String, depth: usize) -> usize {
    out.push('\n');
    let start = out.len();
    out.extend(std::iter::repeat_n(' ', depth * INDENT));
    start
}

/// Columns each container takes on one line, in the order they open.
fn widths(json: &str) -> Vec<usize> {
    let mut widths = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut column = 0;
    for token in tokens(json) {
        if matches!(token, "{" | "[") {
            open.push((widths.len(), column));
            widths.push(0);
        }
        column += token.chars().count() + usize::from(matches!(token, ":" | ","));
        if let ("}" | "]", Some((place, from))) = (token, open.last().copied()) {
            open.pop();
            widths[place] = column - from;
        }
    }
    widths
}

/// Strings, numbers and words, brackets, commas and colons of compact JSON.
fn tokens(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        let bytes = rest.as_bytes();
        let end = match *bytes.first()? {
            b'"' => {
                let mut at = 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                (at + 1).min(bytes.len())
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => bytes.iter().position(|byte| b"{}[],:\"".contains(byte)).unwrap_or(bytes.len()),
        };
        let (token, tail) = rest.split_at(end);
        rest = tail;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use linkloom_schema::definition::parse_json;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_stands_on_one_line() {
        let json = r#"{"sceneId":"s","description":"a \"quoted\", {long}: text that fills the line well beyond its half, and then some","nodes":[{"nodeName":"A","nodeType":"rpc"},{"nodeName":"D","nodeType":"decision","decisionCases":{"yes":[{"nodeName":"E","nodeType":"rpc"}],"no":[]}}]}"#;
        expect![[r#"
            {
              "sceneId": "s",
              "description": "a \"quoted\", {long}: text that fills the line well beyond its half, and then some",
              "nodes": [
                {"nodeName": "A", "nodeType": "rpc"},
                {
                  "nodeName": "D",
                  "nodeType": "decision",
                  "decisionCases": {"yes": [{"nodeName": "E", "nodeType": "rpc"}], "no": []}
                }
              ]
            }
        "#]]
        .assert_eq(&pretty(json));
    }

    #[test]
    fn the_definition_stays_the_same() {
        let open = r#"{"nodeName":"N","nodeType":"loop","loopNodes":["#;
        let mut json = String::from(r#"{"sceneId":"s","nodes":["#);
        for level in 0..64 {
            json.push_str(&open.replace("\"N\"", &format!("\"n{level}\"")));
        }
        json.push_str(r#"{"nodeName":"last","nodeType":"local"}"#);
        json.push_str(&"]}".repeat(65));
        let definition = parse_json("deep", "s", json.as_bytes()).expect("64 blocks are allowed");
        let again = parse_json("pretty", "s", pretty(&definition.to_canonical_json()).as_bytes());
        assert_eq!(again, Ok(definition));
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| { serde_json::Value::Object(map.into_iter().collect()) }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_value_is_changed(value in any_json()) {
            let read: serde_json::Value = serde_json::from_str(&pretty(&value.to_string())).expect("JSON");
            prop_assert_eq!(read, value);
        }
    }
}
