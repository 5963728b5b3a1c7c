//! The attribute `#[trace_node]` of `linkloom-reporter`, which re-exports it.

mod expand;
mod options;

use proc_macro::TokenStream;

/// Reports a function as a node: when it starts, and that it completed or failed.
///
/// ```
/// use linkloom_reporter::trace_node;
///
/// #[trace_node("picProcess", input, mask(token), output)]
/// async fn process(pictures: Vec<String>, token: &str) -> Result<usize, std::io::Error> {
///     // Logs in here carry the name of the node; nodes in here have it as their parent.
///     Ok(pictures.len())
/// }
///
/// #[trace_node(case)] // named as the function, `route`; the outcome of a decision
/// fn route(risk: f64) -> &'static str {
///     if risk < 0.5 { "pass" } else { "review" }
/// }
/// # assert_eq!(route(0.1), "pass");
/// # drop(process(Vec::new(), ""));
/// ```
///
/// Functions may be `async`. An `Err` of a result is a failure, and so is a panic, or a future that is dropped before its end. Options,
/// in any order behind the name:
///
/// | option | meaning |
/// |---|---|
/// | `input` | the arguments are reported, but for `self` |
/// | `skip(a, b)` | these are not; the others are |
/// | `mask(a, b)` | these are reported as `***`; the others as they are |
/// | `input_max = 1024` | at most so many bytes of them |
/// | `output` | what is returned is reported; of a result what is in its `Ok` |
/// | `output_max = 1024` | at most so many bytes of it |
/// | `case` | what is returned (in `Ok`) is the outcome of a decision, by its `Display` |
/// | `result` | what is returned is a result, though the name of its type does not end in `Result` |
///
/// Arguments need not be serialisable: they are written by their `Serialize`, else by their `Debug`, else the name of their type is.
/// Where a type is a parameter of the function, only what its bounds say counts.
#[proc_macro_attribute]
pub fn trace_node(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(options.into(), item.into()).into()
}
