/// Makes a function's `handle` the entry point of its Wasm component: one line per function crate.
///
/// `handle` has the form `async fn handle<P: Platform>(platform: &P, request: http::Request<Body>)
/// -> http::Response<Body>`. On `wasm32` the macro exports it as `wasi:http/handler@0.3.0`, with
/// the Spin adapters behind `platform`, the request's body streamed, and `content-length` set on
/// every response that is not a stream. Natively it expands to nothing, so that the same crate is
/// an ordinary library in tests.
///
/// ```
/// use loom_platform::{Body, Platform, body_from};
///
/// /// Says hello.
/// pub async fn handle<P: Platform>(_: &P, _: http::Request<Body>) -> http::Response<Body> {
///     http::Response::new(body_from("hello"))
/// }
/// loom_platform::function!(handle);
/// ```
#[macro_export]
macro_rules! function {
    ($handle:path) => {
        $crate::__entry_point!($handle);
    };
}

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[macro_export]
macro_rules! __entry_point {
    ($handle:path) => {
        const _: () = {
            struct Function;

            $crate::spin::wasip3::http::service::export!(Function);

            impl $crate::spin::wasip3::exports::http::handler::Guest for Function {
                async fn handle(
                    request: $crate::spin::wasip3::http::types::Request,
                ) -> ::core::result::Result<
                    $crate::spin::wasip3::http::types::Response,
                    $crate::spin::wasip3::http::types::ErrorCode,
                > {
                    let request = $crate::spin::incoming(request)?;
                    let platform = $crate::spin::SpinPlatform::new();
                    $crate::spin::outgoing($handle(&platform, request).await)
                }
            }
        };
    };
}

#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __entry_point {
    ($handle:path) => {};
}
