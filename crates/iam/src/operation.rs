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
    /// Whether it takes `page`, `page_size`, `q` and `sort`, and answers with `X-Total-Count`.
    pub paged: bool,
    /// The JSON body it takes.
    pub body: Option<SchemaOf>,
    /// The status of its success.
    pub status: u16,
    /// The JSON it answers with; none: an empty body.
    pub answer: Option<SchemaOf>,
    /// The media type of the answer where it is not JSON: `text/plain`.
    pub media_type: Option<&'static str>,
}

impl Operation {
    /// An operation that takes nothing and answers 200 with an empty body.
    pub const fn new(id: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            query: None,
            paged: false,
            body: None,
            status: 200,
            answer: None,
            media_type: None,
        }
    }

    /// It takes these query parameters.
    #[must_use]
    pub const fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(schema_of::<T>);
        self
    }

    /// It is a list in pages.
    #[must_use]
    pub const fn paged(mut self) -> Self {
        self.paged = true;
        self
    }

    /// It takes this JSON body.
    #[must_use]
    pub const fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(schema_of::<T>);
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

    /// It answers with something that is not JSON.
    #[must_use]
    pub const fn media_type(mut self, media_type: &'static str) -> Self {
        self.media_type = Some(media_type);
        self
    }
}
