//! Whose actions start something.

use super::*;

#[test]
fn loom_itself_bots_and_marked_comments_start_nothing() {
    let loom = json!({"sender": {"login": "loom[bot]", "type": "Bot"}});
    let bot = json!({"sender": {"login": "stale[bot]", "type": "Bot"}});
    assert_eq!(code("issues", &issue("opened", loom.clone())), "own_action");
    assert_eq!(code("issues", &issue("closed", loom.clone())), "own_action");
    assert_eq!(code("issues", &issue("opened", bot.clone())), "bot_action");
    assert_eq!(
        code("issue_comment", &comment("/loom work", loom.clone())),
        "own_action"
    );
    assert_eq!(
        code("issue_comment", &comment("/loom work", bot.clone())),
        "bot_action"
    );
    assert_eq!(
        code("star", &merged(from("x", "User"), bot.clone())),
        "bot_action"
    );
    let marked = comment(
        "Done.\n<!-- loom:status:bd-12345 -->\n/loom work",
        json!({}),
    );
    assert_eq!(code("issue_comment", &marked), "marked_comment");

    // What they change is followed all the same.
    let closed = merged(bot.clone(), json!({"issue": {"state": "closed"}}));
    let all = intents("issues", &issue("closed", closed));
    assert_eq!(the_issue(&all).sender, Sender::Bot);
    for (who, sender) in [(loom, Sender::Own), (bot, Sender::Bot)] {
        let all = intents("pull_request", &pull_request("opened", who));
        let found = the_pull_request(&all);
        assert_eq!((found.sender, found.wants_review), (sender, false));
        assert_eq!(told(&all).len(), 0);
    }
    let settings = GithubSettings {
        allowed_bots: vec!["dependabot[bot]".to_owned()],
        ..GithubSettings::default()
    };
    let listed = json!({"sender": {"login": "dependabot[bot]", "type": "Bot"}});
    let Verdict::Act(all) =
        verdict_with(&settings, "pull_request", &pull_request("opened", listed))
    else {
        panic!("a listed bot");
    };
    assert!(the_pull_request(&all).wants_review);
}
