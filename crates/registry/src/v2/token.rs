//! `/service/token` over HTTP.

use berth_http::{Body, BodyError, ClientAddr, IdleTimeout, Operation};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::{answer, client, request_id};
use crate::token::is_unauthorized;
use crate::{Registry, RegistryError};

impl Registry {
    /// Answers a request to the token service.
    pub async fn handle_token(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let request_id = request_id(&parts);
        debug_assert!(
            parts.extensions.get::<ClientAddr>().is_some(),
            "set by the server"
        );
        let address = client(&parts);
        let answered = match parts.method {
            Method::GET => {
                let query = parts.uri.query().unwrap_or_default();
                self.token_by_get(query, &parts.headers, address).await
            }
            Method::POST => match form(body).await {
                Ok(body) => self.token_by_post(&body, address).await,
                Err(error) => Err(error),
            },
            _ => Err(RegistryError::MethodNotAllowed("GET, POST")),
        };
        let mut response = match &answered {
            Ok(answered) => answer::json(answered),
            Err(error) => {
                let mut response = berth_http::error_response(error, &request_id);
                answer::allow(&mut response, error);
                if is_unauthorized(error) && parts.method == Method::GET {
                    let basic = HeaderValue::from_static("Basic realm=\"harbor\"");
                    response.headers_mut().insert(WWW_AUTHENTICATE, basic);
                }
                response
            }
        };
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if response.status() == StatusCode::OK {
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Ok(answered) = &answered {
            let caller = berth_http::Caller(answered.caller.as_str().into());
            response.extensions_mut().insert(caller);
        }
        response.extensions_mut().insert(Operation("token"));
        response
    }
}

async fn form(body: Incoming) -> Result<bytes::Bytes, RegistryError> {
    let body = IdleTimeout::<Incoming>::new(body);
    let read = berth_http::read_body(body, berth_model::Limits::TOKEN_BODY_BYTES).await;
    read.map_err(|error| match error {
        BodyError::TooLarge(_) => RegistryError::TooLarge(error.to_string()),
        BodyError::Idle(_) => RegistryError::Idle,
        BodyError::Broken(_) => RegistryError::Broken,
    })
}
