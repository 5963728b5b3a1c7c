//! The function `#[trace_node]` makes of a function.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::visit::Visit;
use syn::{
    Attribute, Error, FnArg, Ident, Pat, Result, ReturnType, Signature, Type, TypeImplTrait, Visibility,
};

use crate::options::Options;

/// A function whose body was not looked at: one that is half typed stays as it is, with the errors of its author.
struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Function> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        match input.parse()? {
            TokenTree::Group(body) => Ok(Function { attributes, visibility, signature, body }),
            other => Err(Error::new(other.span(), "`#[trace_node]` is for functions with a body")),
        }
    }
}

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let made = syn::parse2(options).and_then(|options: Options| {
        syn::parse2(item.clone()).and_then(|function| function_of(&options, function))
    });
    made.unwrap_or_else(|error| {
        // The function stays, so that there is one error and not a second one for each call.
        let error = error.to_compile_error();
        quote! { #error #item }
    })
}

fn function_of(options: &Options, function: Function) -> Result<TokenStream> {
    let Function { attributes, visibility, signature, body } = function;
    if let Some(constant) = &signature.constness {
        return Err(Error::new(
            constant.span(),
            "a node is reported while it runs, a `const fn` may run before",
        ));
    }
    let name = match &options.name {
        Some(name) => name.to_token_stream(),
        None => {
            let name = signature.ident.to_string();
            name.trim_start_matches("r#").to_token_stream()
        }
    };
    let private = quote! { ::linkloom_reporter::__private };
    let members = members(options, &signature, &private)?;
    let max = |max: &Option<syn::LitInt>| match max {
        Some(max) => quote! { ::core::option::Option::Some(#max) },
        None => quote! { ::core::option::Option::None },
    };
    let (input_max, output_max) = (max(&options.input_max), max(&options.output_max));

    let output = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, output) => Some(&**output),
    };
    // What the body returns is told to the compiler, for `?` and for coercions; where it cannot be written it is not needed.
    let written = output.filter(|output| !has_impl(output));
    let run_body = if signature.asyncness.is_some() {
        let typed = written.map(|output| quote! { : #output });
        quote_spanned! { body.span() =>
            let __linkloom_out #typed = __linkloom_run.scope(async move #body).await;
        }
    } else {
        let typed = written.map(|output| quote! { -> #output });
        // A block of its own: a closure with a type needs one.
        quote_spanned! { body.span() =>
            #[allow(clippy::redundant_closure_call, clippy::let_unit_value)]
            let __linkloom_out = __linkloom_run.in_scope(move || #typed #body);
        }
    };
    let is_result = options.result || output.is_some_and(names_a_result);
    let done = |value: TokenStream| {
        let case =
            options.case.then(|| quote! { let __linkloom_run = #private::case(__linkloom_run, #value); });
        let described = if options.output && output.is_some() {
            quote! { ::core::option::Option::Some(&(&&&#private::Probe(#value)).described()) }
        } else {
            quote! { ::core::option::Option::None }
        };
        quote! {
            #case
            #private::complete(__linkloom_run, #described, #output_max);
        }
    };
    let end = if is_result {
        let done = done(quote! { __linkloom_value });
        let value = if options.case || options.output {
            quote! { __linkloom_value }
        } else {
            quote! { _ }
        };
        quote! {
            match &__linkloom_out {
                ::core::result::Result::Ok(#value) => { #done }
                ::core::result::Result::Err(__linkloom_error) => {
                    #private::fail(__linkloom_run, || (&&&&&#private::Failure(__linkloom_error)).exception());
                }
            }
        }
    } else {
        done(quote! { &__linkloom_out })
    };
    Ok(quote! {
        #(#attributes)*
        #visibility #signature {
            #[allow(unused_imports)]
            use #private::{
                ByDebug as _, ByName as _, BySerialize as _, FailureOfAny as _, FailureOfDebug as _, FailureOfDisplay as _,
                FailureOfError as _, FailureOfHolder as _,
            };
            let __linkloom_run = #private::start(#name, &[#(#members),*], #input_max);
            #run_body
            #end
            __linkloom_out
        }
    })
}

/// The arguments that are reported.
fn members(options: &Options, signature: &Signature, private: &TokenStream) -> Result<Vec<TokenStream>> {
    let arguments: Vec<&Ident> = signature
        .inputs
        .iter()
        .filter_map(|argument| match argument {
            FnArg::Typed(argument) => match &*argument.pat {
                Pat::Ident(name) => Some(&name.ident),
                // Arguments that are taken apart have no name of their own.
                _ => None,
            },
            FnArg::Receiver(_) => None,
        })
        .collect();
    for named in options.skip.iter().chain(&options.mask) {
        if named != "self" && !arguments.contains(&named) {
            let known: Vec<String> = arguments.iter().map(|name| format!("`{name}`")).collect();
            let known = if known.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", known.join(", "))
            };
            return Err(Error::new(
                named.span(),
                format!("`{named}` is no argument of this function: {known}"),
            ));
        }
    }
    if !options.input {
        return Ok(Vec::new());
    }
    let reported = arguments.into_iter().filter(|name| !options.skip.contains(name));
    Ok(reported
        .map(|name| {
            let text = name.to_string();
            let text = text.trim_start_matches("r#");
            let value = if options.mask.contains(name) {
                quote! { ::core::option::Option::None }
            } else {
                quote! { ::core::option::Option::Some(&(&&&#private::Probe(&#name)).described()) }
            };
            quote! { #private::Member { name: #text, value: #value } }
        })
        .collect())
}

/// Whether the name of a type says that it is a result: `Result<…>`, `io::Result<…>`, `JsonResult`.
fn names_a_result(output: &Type) -> bool {
    let Type::Path(path) = output else { return false };
    path.path.segments.last().is_some_and(|last| last.ident.to_string().ends_with("Result"))
}

fn has_impl(output: &Type) -> bool {
    struct Finder(bool);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut finder = Finder(false);
    finder.visit_type(output);
    finder.0
}
