//! [`Operation`]: what the API document says of an endpoint.
//!
//! Invariant: the document is made from the same values that the router is made from, and its
//! schemas from the very types that are read and written, so it cannot say anything else.

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Makes the schema of a type; its named parts go to the document's components.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A part of a list that a client can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// It is no list, or always answered whole.
    Whole,
    /// It takes `page` and `page_size`.
    Pages,
    /// It takes `q` and `sort` too.
    Filtered,
}

/// What a [`Parameter`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
}

/// A parameter that a handler reads by its name.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name in the query, or that of the header.
    pub name: &'static str,
    /// What it holds.
    pub kind: ParameterKind,
    /// What it does, in a line.
    pub about: &'static str,
    /// Whether the request is refused without it.
    pub required: bool,
    /// Whether it is a header of the request; else it is in the query.
    pub header: bool,
}

impl Parameter {
    const fn new(name: &'static str, kind: ParameterKind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            about,
            required: false,
            header: false,
        }
    }

    /// Text in the query.
    pub const fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, ParameterKind::Text, about)
    }

    /// A whole number in the query.
    pub const fn integer(name: &'static str, about: &'static str) -> Self {
        Self::new(name, ParameterKind::Integer, about)
    }

    /// `true` or `false` in the query.
    pub const fn flag(name: &'static str, about: &'static str) -> Self {
        Self::new(name, ParameterKind::Flag, about)
    }

    /// The request is refused without it.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// It is a header.
    #[must_use]
    pub const fn in_header(mut self) -> Self {
        self.header = true;
        self
    }
}

/// What the API document says of an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name, Harbor's where Harbor has the operation: `listQuotas`.
    pub id: &'static str,
    /// The group it is shown in, Harbor's tag: `quota`.
    pub tag: &'static str,
    /// One line that says what it is for.
    pub summary: &'static str,
    /// The query parameters, as the fields of an object.
    pub query: Option<SchemaOf>,
    /// Parameters beside those of the query object.
    pub parameters: &'static [Parameter],
    /// How it is asked for in parts; then it answers with `X-Total-Count`.
    pub paging: Paging,
    /// The JSON body it takes.
    pub body: Option<SchemaOf>,
    /// Whether it takes bytes, of whatever form, in place of JSON.
    pub takes_bytes: bool,
    /// The status of its success.
    pub status: u16,
    /// The JSON it answers with; none: an empty body.
    pub answer: Option<SchemaOf>,
    /// The media type of the answer where it is not JSON: `text/plain`.
    pub media_type: Option<&'static str>,
    /// Media types that it may answer with instead.
    pub other_media_types: &'static [&'static str],
    /// Errors beyond those that its access, its parameters and its body bring with them.
    pub errors: &'static [u16],
    /// Whether clients should use another one.
    pub deprecated: bool,
}

impl Operation {
    /// An operation that takes nothing and answers 200 with an empty body.
    pub const fn new(id: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            query: None,
            parameters: &[],
            paging: Paging::Whole,
            body: None,
            takes_bytes: false,
            status: 200,
            answer: None,
            media_type: None,
            other_media_types: &[],
            errors: &[],
            deprecated: false,
        }
    }

    /// It takes these query parameters.
    #[must_use]
    pub const fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(schema_of::<T>);
        self
    }

    /// It takes these parameters, which its handler reads by name.
    #[must_use]
    pub const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    /// It is a list in pages, with `q` and `sort`.
    #[must_use]
    pub const fn paged(mut self) -> Self {
        self.paging = Paging::Filtered;
        self
    }

    /// It is a list in pages, without `q` and `sort`.
    #[must_use]
    pub const fn pages(mut self) -> Self {
        self.paging = Paging::Pages;
        self
    }

    /// It takes this JSON body.
    #[must_use]
    pub const fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(schema_of::<T>);
        self
    }

    /// It takes bytes, such as a file.
    #[must_use]
    pub const fn bytes(mut self) -> Self {
        self.takes_bytes = true;
        self
    }

    /// It answers 200 with this JSON.
    #[must_use]
    pub const fn answer<T: JsonSchema>(mut self) -> Self {
        self.answer = Some(schema_of::<T>);
        self
    }

    /// It answers with another status than 200.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// It answers 201 with the address of what it made.
    #[must_use]
    pub const fn creates(self) -> Self {
        self.status(201)
    }

    /// It answers with something that is not JSON.
    #[must_use]
    pub const fn media_type(mut self, media_type: &'static str) -> Self {
        self.media_type = Some(media_type);
        self
    }

    /// It may answer with these media types instead.
    #[must_use]
    pub const fn or_media_types(mut self, others: &'static [&'static str]) -> Self {
        self.other_media_types = others;
        self
    }

    /// It may be refused with these too.
    #[must_use]
    pub const fn errors(mut self, errors: &'static [u16]) -> Self {
        self.errors = errors;
        self
    }

    /// It is there for old clients only.
    #[must_use]
    pub const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }
}
