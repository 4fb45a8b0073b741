use std::sync::{Arc, Mutex};

use loom_tokenhub_double::{Answer, ChatRequestSeen, Config, RequestSeen, Running, TokenHub};

type Respond = Arc<dyn Fn(&ChatRequestSeen) -> Answer + Send + Sync>;

/// The double of TokenHub, whose model says what each test scripts for its own beads.
pub struct Model {
    hub: Running,
    scripts: Arc<Mutex<Vec<(String, Respond)>>>,
}

impl Model {
    /// Starts it. `configure` may change the double's set-up, such as its address.
    pub fn start(configure: impl FnOnce(&mut Config)) -> Self {
        let scripts: Arc<Mutex<Vec<(String, Respond)>>> = Arc::default();
        let known = scripts.clone();
        let mut config = Config::respond(move |seen| {
            let found = known
                .lock()
                .unwrap()
                .iter()
                .rev()
                .find(|(marker, _)| seen.instructions_contain(marker))
                .map(|(_, respond)| respond.clone());
            match found {
                Some(respond) => respond(seen),
                None => Answer::text("There is no script for this conversation."),
            }
        });
        configure(&mut config);
        let hub = TokenHub::start(config).expect("the double of TokenHub starts");
        Self { hub, scripts }
    }

    /// Answers conversations in whose instructions `marker` occurs, such as a bead's title; later scripts go first.
    pub fn script(
        &self,
        marker: &str,
        respond: impl Fn(&ChatRequestSeen) -> Answer + Send + Sync + 'static,
    ) {
        self.scripts
            .lock()
            .unwrap()
            .push((marker.to_owned(), Arc::new(respond)));
    }

    /// The same with one answer a turn, the last of them again and again.
    pub fn turns(&self, marker: &str, answers: impl IntoIterator<Item = Answer>) {
        let answers: Vec<Answer> = answers.into_iter().collect();
        self.script(marker, move |seen| {
            answers[seen.turn.min(answers.len() - 1)].clone()
        });
    }

    /// The double itself.
    pub fn hub(&self) -> &Running {
        &self.hub
    }

    /// The chat requests in whose body `marker` occurs, oldest first.
    pub fn calls_about(&self, marker: &str) -> Vec<RequestSeen> {
        self.hub
            .requests()
            .into_iter()
            .filter(|request| request.path.starts_with("/v1/chat/completions"))
            .filter(|request| String::from_utf8_lossy(&request.body).contains(marker))
            .collect()
    }

    /// Stops it; its address is free when this returns.
    pub fn stop(self) {
        self.hub.shutdown();
    }
}
