//! `#[smartmodule(kind)]`

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{FnArg, Ident, ItemFn, Result, ReturnType, Type};

/// Each kind: its name, its trait, its method, and how many arguments its function takes before the parameters.
const KINDS: [(&str, &str, usize); 7] = [
    ("filter", "Filter", 1),
    ("map", "Map", 1),
    ("filter_map", "FilterMap", 1),
    ("flat_map", "FlatMap", 1),
    ("validate", "Validate", 1),
    ("aggregate", "Aggregate", 2),
    ("join", "Join", 2),
];

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let names = KINDS.map(|(name, _, _)| name).join(", ");
    let kind: Ident = syn::parse2(arguments).map_err(|error| {
        syn::Error::new(
            error.span(),
            format!("name the kind of the module: one of {names}"),
        )
    })?;
    let Some((name, trait_name, arity)) = KINDS.into_iter().find(|(name, _, _)| kind == name) else {
        return Err(syn::Error::new(
            kind.span(),
            format!("no kind of module; they are {names}"),
        ));
    };
    let function: ItemFn = syn::parse2(item)?;
    let params = parameters(&function, name, arity)?;
    let (params_type, call_params) = match &params {
        Some(params) => (quote!(#params), Some(quote!(, &self.params))),
        None => (quote!(::tidemill_smartmodule::NoParams), None),
    };
    let module = Ident::new(&camel(&function.sig.ident.to_string()), function.sig.ident.span());
    let trait_name = Ident::new(trait_name, Span::call_site());
    let call = &function.sig.ident;
    let visibility = &function.vis;
    let description = crate::docs(&function.attrs);
    let call = |arguments: TokenStream| {
        let called = quote!(#call(#arguments #call_params));
        if returns_result(&function.sig.output) {
            quote!(#called.map_err(::tidemill_smartmodule::Error::from))
        } else {
            quote!(::std::result::Result::Ok(#called))
        }
    };
    let method = method(name, &call);
    let description = if description.is_empty() {
        quote!(env!("CARGO_PKG_DESCRIPTION"))
    } else {
        quote!(#description)
    };
    let about = format!("The SmartModule of `{}`.", function.sig.ident);
    Ok(quote! {
        #function

        #[doc = #about]
        #visibility struct #module {
            #[allow(dead_code)]
            params: #params_type,
        }

        impl ::tidemill_smartmodule::#trait_name for #module {
            type Params = #params_type;

            fn new(params: #params_type) -> ::tidemill_smartmodule::Result<Self> {
                Ok(#module { params })
            }

            #method
        }

        ::tidemill_smartmodule::export!(#kind #module, #description);
    })
}

/// The trait's method, which calls the function.
fn method(name: &str, call: &dyn Fn(TokenStream) -> TokenStream) -> TokenStream {
    let one = call(quote!(record));
    match name {
        "filter" => quote! {
            fn filter(&mut self, record: &::tidemill_smartmodule::Record<'_>) -> ::tidemill_smartmodule::Result<bool> {
                #one
            }
        },
        "validate" => quote! {
            fn validate(&mut self, record: &::tidemill_smartmodule::Record<'_>) -> ::tidemill_smartmodule::Result<()> {
                #one
            }
        },
        "map" => quote! {
            fn map<'a>(&mut self, record: &::tidemill_smartmodule::Record<'a>)
                -> ::tidemill_smartmodule::Result<::tidemill_smartmodule::Output<'a>> {
                #one
            }
        },
        "filter_map" => quote! {
            fn filter_map<'a>(&mut self, record: &::tidemill_smartmodule::Record<'a>)
                -> ::tidemill_smartmodule::Result<::std::option::Option<::tidemill_smartmodule::Output<'a>>> {
                #one
            }
        },
        "flat_map" => quote! {
            fn flat_map<'a>(&mut self, record: &::tidemill_smartmodule::Record<'a>)
                -> ::tidemill_smartmodule::Result<::std::vec::Vec<::tidemill_smartmodule::Output<'a>>> {
                #one
            }
        },
        "aggregate" => {
            let two = call(quote!(accumulator, record));
            quote! {
                fn aggregate(&mut self, accumulator: &[u8], record: &::tidemill_smartmodule::Record<'_>)
                    -> ::tidemill_smartmodule::Result<::std::vec::Vec<u8>> {
                    #two
                }
            }
        }
        _ => {
            let two = call(quote!(left, right));
            quote! {
                fn join<'a>(
                    &mut self,
                    left: &::tidemill_smartmodule::Record<'a>,
                    right: &::tidemill_smartmodule::Record<'a>,
                ) -> ::tidemill_smartmodule::Result<::std::option::Option<::tidemill_smartmodule::Output<'a>>> {
                    #two
                }
            }
        }
    }
}

/// The type of the parameters, if the function takes some.
fn parameters(function: &ItemFn, kind: &str, arity: usize) -> Result<Option<Type>> {
    let shape = || {
        syn::Error::new_spanned(
            &function.sig.inputs,
            format!(
                "a function of kind `{kind}` takes {arity} argument(s), and `&` of its parameters if it has some"
            ),
        )
    };
    let count = function.sig.inputs.len();
    if count == arity {
        return Ok(None);
    }
    if count != arity + 1 {
        return Err(shape());
    }
    match function.sig.inputs.last() {
        Some(FnArg::Typed(argument)) => match argument.ty.as_ref() {
            Type::Reference(reference) => Ok(Some((*reference.elem).clone())),
            _ => Err(shape()),
        },
        _ => Err(shape()),
    }
}

/// Whether a function returns a result, by the name of its type.
fn returns_result(output: &ReturnType) -> bool {
    let ReturnType::Type(_, kind) = output else {
        return false;
    };
    let Type::Path(path) = kind.as_ref() else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "Result")
}

fn camel(snake: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    snake.split('_').filter_map(capital).collect()
}
