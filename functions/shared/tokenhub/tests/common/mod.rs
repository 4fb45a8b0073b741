use loom_domain::conversation::{Message, Speaker};
use loom_platform::native::NativeHttpClient;
use loom_tokenhub::{ChatRequest, Client};
use loom_tokenhub_double::Running;

pub(crate) fn client(hub: &Running) -> Client<NativeHttpClient> {
    Client::new(NativeHttpClient::default(), &hub.url(), hub.api_key())
}

pub(crate) fn request(text: &str) -> ChatRequest {
    ChatRequest {
        model: None,
        messages: vec![Message::text(Speaker::User, text)],
        tools: Vec::new(),
        temperature: None,
        max_tokens: None,
        idempotency_key: String::from("run-1/0"),
        request_id: String::from("run-1/0"),
    }
}
