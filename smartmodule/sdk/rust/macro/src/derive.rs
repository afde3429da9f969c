//! `#[derive(Params)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Expr, ExprLit, ExprUnary, Field, Fields, Lit, Result, UnOp};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(item)?;
    let Data::Struct(syn::DataStruct {
        fields: Fields::Named(fields),
        ..
    }) = &input.data
    else {
        return Err(syn::Error::new_spanned(
            &input.ident,
            "parameters are a struct with named fields",
        ));
    };
    let name = &input.ident;
    let mut infos = Vec::new();
    let mut reads = Vec::new();
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        let kind = &field.ty;
        let param = ident.to_string();
        let param = param.trim_start_matches("r#");
        let description = crate::docs(&field.attrs);
        let (default, required) = match default(field)? {
            Some(json) => (quote!(::std::option::Option::Some(#json)), quote!(false)),
            None => (
                quote!(::std::option::Option::None),
                quote!(<#kind as ::tidemill_smartmodule::ParamValue>::REQUIRED),
            ),
        };
        infos.push(quote! {
            ::tidemill_smartmodule::ParamInfo {
                name: #param,
                kind: <#kind as ::tidemill_smartmodule::ParamValue>::KIND,
                required: #required,
                default: #default,
                description: #description,
            }
        });
        reads.push(quote! {
            #ident: <#kind as ::tidemill_smartmodule::ParamValue>::from_value(#param, values.get(#param))?
        });
    }
    Ok(quote! {
        impl ::tidemill_smartmodule::Params for #name {
            const INFO: &'static [::tidemill_smartmodule::ParamInfo] = &[#(#infos),*];

            fn from_json(
                values: &::tidemill_smartmodule::serde_json::Map<
                    ::std::string::String,
                    ::tidemill_smartmodule::serde_json::Value,
                >,
            ) -> ::tidemill_smartmodule::Result<Self> {
                Ok(#name { #(#reads),* })
            }
        }
    })
}

/// `#[param(default = ...)]`, as JSON.
fn default(field: &Field) -> Result<Option<String>> {
    let mut json = None;
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("param"))
    {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("default") {
                return Err(meta.error("the only thing that can be said here is `default = ...`"));
            }
            let value: Expr = meta.value()?.parse()?;
            json = Some(literal(&value)?);
            Ok(())
        })?;
    }
    Ok(json)
}

fn literal(value: &Expr) -> Result<String> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        }) => Ok(quoted(&text.value())),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => Ok(number.base10_digits().to_owned()),
        Expr::Lit(ExprLit {
            lit: Lit::Float(number),
            ..
        }) => Ok(number.base10_digits().to_owned()),
        Expr::Lit(ExprLit {
            lit: Lit::Bool(value),
            ..
        }) => Ok(value.value().to_string()),
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => Ok(format!("-{}", literal(expr)?)),
        other => Err(syn::Error::new_spanned(
            other,
            "a default is text, a number, true or false",
        )),
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", control as u32)),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}
