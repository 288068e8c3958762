//! What holds for every request, whoever makes it: the right host, and headers that keep browsers strict.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use tower_service::Service;

use super::fault::Fault;

/// The most bytes that a body may have.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                   form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Sent with every answer. The referrer policy is `same-origin` and not `no-referrer`, because the latter makes
/// browsers send `Origin: null` with our own forms, and the origin of a form is checked; to other sites both send
/// nothing.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];

static STRICT: LazyLock<HeaderMap> =
    LazyLock::new(|| HEADERS.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect());

/// The names under which this server may be called.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    port: std::sync::Arc<str>,
}

impl Names {
    pub(crate) fn new(port: u16) -> Names {
        Names { port: port.to_string().into() }
    }

    /// Whether a `Host` header names us. Anything else is another site's name that was pointed at this machine.
    fn host(&self, host: &str) -> bool {
        host.split_once(':')
            .is_some_and(|(name, port)| ["127.0.0.1", "localhost"].contains(&name) && port == &*self.port)
    }

    /// Whether the request says that a page of ours made it: its `Origin` is the very host that it went to.
    pub(crate) fn same_origin(&self, headers: &HeaderMap) -> bool {
        let (Some(host), Some(origin)) = (only(headers, header::HOST), only(headers, header::ORIGIN)) else {
            return false;
        };
        let site = headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin");
        self.host(host) && origin.strip_prefix("http://") == Some(host) && site
    }
}

/// A header that is there exactly once.
pub(crate) fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Refuses requests to other hosts, and puts the strict headers on every answer. Around the routes and not a layer of
/// theirs: that would be one of each, in boxes of its own for each request.
#[derive(Clone)]
pub(crate) struct Guarded {
    names: Names,
    routes: Router,
}

impl Guarded {
    pub(crate) fn new(names: Names, routes: Router) -> Guarded {
        Guarded { names, routes }
    }
}

impl Service<Request> for Guarded {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.routes, context)
    }

    fn call(&mut self, request: Request) -> Answering {
        let named = only(request.headers(), header::HOST).is_some_and(|host| self.names.host(host));
        let authority = request.uri().authority().is_none_or(|authority| self.names.host(authority.as_str()));
        Answering { routed: (named && authority).then(|| self.routes.call(request)) }
    }
}

/// An answer that is on its way.
pub(crate) struct Answering {
    /// Nothing if the request is refused.
    routed: Option<RouteFuture<Infallible>>,
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = match &mut self.routed {
            Some(routed) => match Pin::new(routed).poll(context) {
                Poll::Ready(Ok(response)) => response,
                Poll::Ready(Err(never)) => match never {},
                Poll::Pending => return Poll::Pending,
            },
            None => {
                let message = "this server answers only as 127.0.0.1 or localhost, with its port";
                Fault::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", message).into_response()
            }
        };
        let own = mem::replace(response.headers_mut(), STRICT.clone());
        for (name, value) in &own {
            if !STRICT.contains_key(name) {
                response.headers_mut().append(name, value.clone());
            }
        }
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::Names;

    fn headers(host: &'static str, origin: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        headers
    }

    #[test]
    fn only_our_own_pages_are_of_our_origin() {
        let names = Names::new(7878);
        assert!(names.same_origin(&headers("127.0.0.1:7878", "http://127.0.0.1:7878")));
        assert!(names.same_origin(&headers("localhost:7878", "http://localhost:7878")));
        for (host, origin) in [
            ("127.0.0.1:7878", "http://localhost:7878"),
            ("127.0.0.1:7878", "http://127.0.0.1:3000"),
            ("127.0.0.1:7878", "https://127.0.0.1:7878"),
            ("127.0.0.1:7878", "null"),
            ("evil.example:7878", "http://evil.example:7878"),
        ] {
            assert!(!names.same_origin(&headers(host, origin)), "{host} {origin}");
        }
        let mut cross = headers("127.0.0.1:7878", "http://127.0.0.1:7878");
        cross.insert("sec-fetch-site", HeaderValue::from_static("same-site"));
        assert!(!names.same_origin(&cross));
        cross.append(header::ORIGIN, HeaderValue::from_static("http://127.0.0.1:7878"));
        assert!(!names.same_origin(&cross));
    }
}
