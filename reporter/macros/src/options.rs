//! What stands in the brackets of `#[trace_node(…)]`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitInt, LitStr, Result, Token, parenthesized};

/// The options.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) input: bool,
    pub(crate) skip: Vec<Ident>,
    pub(crate) mask: Vec<Ident>,
    pub(crate) input_max: Option<LitInt>,
    pub(crate) output: bool,
    pub(crate) output_max: Option<LitInt>,
    pub(crate) case: bool,
    pub(crate) result: bool,
}

/// Longest name of a node, in bytes.
const NAME_BYTES_MAX: usize = 128;

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Options> {
        let mut options = Options::default();
        while !input.is_empty() {
            if input.peek(LitStr) {
                let name: LitStr = input.parse()?;
                let bytes = name.value().len();
                if options.name.is_some() {
                    return Err(Error::new(name.span(), "the name of the node is given twice"));
                }
                if bytes == 0 || bytes > NAME_BYTES_MAX {
                    let why =
                        format!("the name of a node has 1 to {NAME_BYTES_MAX} bytes, this one has {bytes}");
                    return Err(Error::new(name.span(), why));
                }
                options.name = Some(name);
            } else {
                options.option(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        // Who says what is not reported wants the rest to be.
        options.input |= !options.skip.is_empty() || !options.mask.is_empty() || options.input_max.is_some();
        options.output |= options.output_max.is_some();
        Ok(options)
    }
}

impl Options {
    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        let option: Ident = input.parse()?;
        match option.to_string().as_str() {
            "input" => self.input = true,
            "output" => self.output = true,
            "case" => self.case = true,
            "result" => self.result = true,
            "skip" => self.skip.extend(names(input)?),
            "mask" => self.mask.extend(names(input)?),
            "input_max" => self.input_max = Some(number(input)?),
            "output_max" => self.output_max = Some(number(input)?),
            other => {
                let why = format!(
                    "unknown option `{other}`; allowed are a name in quotes, input, skip(..), mask(..), input_max = N, output, \
                     output_max = N, case, result"
                );
                return Err(Error::new(option.span(), why));
            }
        }
        Ok(())
    }
}

fn names(input: ParseStream<'_>) -> Result<Punctuated<Ident, Token![,]>> {
    let content;
    parenthesized!(content in input);
    content.parse_terminated(Ident::parse, Token![,])
}

fn number(input: ParseStream<'_>) -> Result<LitInt> {
    input.parse::<Token![=]>()?;
    let number: LitInt = input.parse()?;
    number.base10_parse::<usize>()?;
    Ok(number)
}
