use proptest::prelude::*;

use super::super::AllowedHosts;
use super::*;

fn resolve(url: &str) -> Result<String, String> {
    Address::resolve(url, &Secrets::default())
        .map(|address| address.origin().to_string())
        .map_err(|refusal| refusal.fields.get("url").cloned().unwrap_or_default())
}

#[test]
fn good_addresses() {
    for (url, origin) in [
        (
            "https://hooks.example.com/x?y=1",
            "https://hooks.example.com",
        ),
        (
            "HTTPS://Hooks.Example.com:443/",
            "https://hooks.example.com",
        ),
        (
            "https://hooks.example.com:8443",
            "https://hooks.example.com:8443",
        ),
        ("http://127.0.0.1:18789", "http://127.0.0.1:18789"),
        ("http://localhost/x", "http://localhost"),
        ("http://[::1]:1/x", "http://[::1]:1"),
        ("https://8.8.8.8/x", "https://8.8.8.8"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]"),
    ] {
        assert_eq!(resolve(url), Ok(origin.to_owned()), "{url}");
    }
}

#[test]
fn tricks_are_refused() {
    for url in [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "http://hooks.example.com/",
        "http://127.0.0.2/",
        "https://",
        "https:///x",
        "https://user@hooks.example.com/",
        "https://hooks.example.com:x@10.0.0.1/",
        "https://hooks.example.com\\@10.0.0.1/",
        "https://hooks.example.com#@10.0.0.1/",
        "https://hooks.example.com%2f@10.0.0.1/",
        "https://hooks.example.com./",
        "https://.example.com/",
        "https://hooks..example.com/",
        "https://hooks example.com/",
        "https://hooks.example.com/\n",
        "https://höoks.example.com/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:+1/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:/",
        "https://10.0.0.1/",
        "https://172.16.3.4/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://10.0.0.1.5/",
        "https://[::]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[2002:a00:1::]/",
        "https://[64:ff9b::a00:1]/",
        "https://[::1",
        "https://[::1]x/",
        "https://beads.spin.internal/",
        "https://self.alt/",
    ] {
        assert!(resolve(url).is_err(), "{url}: {:?}", resolve(url));
    }
}

#[test]
fn secrets_are_put_in_and_never_shown() {
    let secrets =
        Secrets::parse("team=https://hooks.example.com/T/B/hush part=hush2 bad=https://u:hush3@x/")
            .unwrap();
    for (template, whole) in [
        ("{{secret:team}}", "https://hooks.example.com/T/B/hush"),
        (
            "https://hooks.example.com/{{secret:part}}/x",
            "https://hooks.example.com/hush2/x",
        ),
    ] {
        let address = Address::resolve(template, &secrets).unwrap();
        assert_eq!(address.expose(), whole);
        for shown in [format!("{address:?}"), address.to_string()] {
            assert_eq!(shown, "https://hooks.example.com/…");
        }
    }
    for template in ["{{secret:bad}}", "{{secret:none}}", "{{secret:part}}"] {
        let refusal = Address::resolve(template, &secrets).unwrap_err();
        assert!(!format!("{refusal:?}").contains("hush"), "{refusal:?}");
    }
    let missing = Address::resolve("{{secret:none}}", &secrets).unwrap_err();
    assert_eq!(missing.code, "secret_not_found");
}

#[test]
fn a_stored_url_names_its_secrets() {
    for (template, must_be_secret) in [
        ("{{secret:team}}", true),
        ("https://hooks.slack.com/services/{{secret:team}}", true),
        ("https://discord.com/api/webhooks/{{secret:team}}", true),
        ("https://example.com/hook", false),
        ("https://example.com/hook?room=1", false),
        ("https://example.com/hook?token={{secret:t}}", false),
    ] {
        assert_eq!(
            check_template(template, must_be_secret),
            Ok(()),
            "{template}"
        );
    }
    for (template, must_be_secret, code) in [
        (
            "https://hooks.slack.com/services/T/B/x",
            true,
            "secret_in_url",
        ),
        (
            "https://hooks.slack.com/services/T/B/x",
            false,
            "secret_in_url",
        ),
        (
            "https://discord.com/api/webhooks/1/x",
            false,
            "secret_in_url",
        ),
        ("https://example.com/hook?api_key=1", false, "secret_in_url"),
        ("https://example.com/hook", true, "secret_in_url"),
        ("https://{{secret:a}}@example.com/", false, "invalid_fields"),
        ("https://example.com/{{secret:A}}", false, "invalid_fields"),
        ("https://example.com/{{secret:a", false, "invalid_fields"),
        ("https://example.com/{{ secret }}", false, "invalid_fields"),
        ("http://example.com/{{secret:a}}", false, "invalid_fields"),
    ] {
        let refusal = check_template(template, must_be_secret).unwrap_err();
        assert_eq!(refusal.code, code, "{template}");
        assert!(
            !refusal.to_string().contains("services/T"),
            "it quotes the URL"
        );
    }
}

#[test]
fn only_listed_hosts() {
    let allowed = AllowedHosts::parse([
        "https://hooks.example.com",
        "https://*.chat.example",
        "http://127.0.0.1:*/",
        "https://none.invalid",
    ])
    .unwrap();
    for (url, expected) in [
        ("https://hooks.example.com/x", true),
        ("https://hooks.example.com:444/x", false),
        ("https://xhooks.example.com/x", false),
        ("https://hooks.example.com.evil.org/x", false),
        ("https://a.chat.example/", true),
        ("https://a.b.chat.example/", true),
        ("https://chat.example/", false),
        ("https://badchat.example/", false),
        ("http://127.0.0.1:99/", true),
        ("http://localhost:99/", false),
        ("https://none.invalid/", false),
    ] {
        let address = Address::resolve(url, &Secrets::default()).unwrap();
        assert_eq!(allowed.allows(address.origin()), expected, "{url}");
        assert_eq!(allowed.check(address.origin()).is_ok(), expected);
    }
    for entry in [
        "*://*:*",
        "https://*",
        "hooks.example.com",
        "https://x/y",
        "http://x",
        "",
    ] {
        assert!(AllowedHosts::parse([entry]).is_err(), "{entry}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_has_the_host_that_it_shows(url in "https://[a-z0-9@:/.#?%\\[\\]-]{1,40}") {
        if let Ok(address) = Address::resolve(&url, &Secrets::default()) {
            let shown = address.origin().to_string();
            let after = url.strip_prefix("https://").unwrap_or_default();
            let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
            prop_assert!(!authority.contains('@'));
            let without_port = shown.trim_start_matches("https://").split(':').next().unwrap_or_default().to_owned();
            prop_assert!(authority.starts_with('[') || authority.starts_with(&without_port), "{url} {shown}");
        }
    }

    #[test]
    fn nothing_panics(url in ".{0,60}") {
        let _ = Address::resolve(&url, &Secrets::default());
        let _ = check_template(&url, true);
        let _ = AllowedHosts::parse([url.as_str()]);
    }
}
