use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// One of each. A new variant makes `row` fail to compile until it has a line, and then fails
/// `each_failure_has_one_line` until it is here.
fn all() -> Vec<ModelFailure> {
    let detail = String::from("tell-tale");
    vec![
        ModelFailure::KeyMissing,
        ModelFailure::KeyMalformed,
        ModelFailure::KeyRejected,
        ModelFailure::ScopeMissing,
        ModelFailure::BudgetExceeded {
            budget_micro_usd: 10,
            spent_micro_usd: 30,
        },
        ModelFailure::KeyRateLimited {
            retry_after_ms: 1_000,
        },
        ModelFailure::AddressRateLimited {
            retry_after_ms: 1_000,
        },
        ModelFailure::RateLimited {
            retry_after_ms: 1_000,
        },
        ModelFailure::RequestInvalid {
            detail: detail.clone(),
        },
        ModelFailure::RequestTooLarge,
        ModelFailure::AllProvidersFailed {
            detail: detail.clone(),
        },
        ModelFailure::NoEligibleModels,
        ModelFailure::BadGateway {
            detail: detail.clone(),
        },
        ModelFailure::ServerPanicked,
        ModelFailure::ServerFailed {
            status: 503,
            detail: detail.clone(),
        },
        ModelFailure::EndpointNotFound,
        ModelFailure::MethodNotAllowed,
        ModelFailure::UnexpectedStatus { status: 418 },
        ModelFailure::EndpointInvalid,
        ModelFailure::HostDenied {
            detail: detail.clone(),
        },
        ModelFailure::CannotConnect {
            detail: detail.clone(),
        },
        ModelFailure::TimedOut { after_ms: 125_000 },
        ModelFailure::Interrupted {
            detail: detail.clone(),
        },
        ModelFailure::ReplyTooLarge { limit: 100 },
        ModelFailure::StreamTruncated { received_chars: 12 },
        ModelFailure::StreamFailed {
            detail: detail.clone(),
        },
        ModelFailure::NotModelOutput {
            detail: detail.clone(),
        },
        ModelFailure::NoChoices,
        ModelFailure::Unreadable { detail },
    ]
}

#[test]
fn each_failure_has_one_line() {
    let of_variants: Vec<&str> = all().iter().map(ModelFailure::code).collect();
    let of_table: Vec<&str> = TABLE.iter().map(|row| row.code).collect();
    assert_eq!(of_variants, of_table);
    assert_eq!(
        of_table.iter().collect::<BTreeSet<_>>().len(),
        of_table.len()
    );
}

#[test]
fn the_code_is_the_tag_and_values_survive_json() {
    for failure in all() {
        let json = serde_json::to_value(&failure).unwrap();
        assert_eq!(json["code"], failure.code());
        assert_eq!(
            serde_json::from_value::<ModelFailure>(json).unwrap(),
            failure
        );
    }
}

#[test]
fn sentences_say_what_to_do_and_never_repeat_foreign_text() {
    for failure in all() {
        let sentence = failure.to_string();
        assert!(sentence.ends_with(failure.row().advice), "{sentence}");
        assert!(sentence.matches(". ").count() >= 1, "{sentence}");
        assert!(!sentence.contains("tell-tale"), "{sentence}");
    }
}

#[test]
fn what_a_person_must_repair_is_escalated_at_once() {
    for code in [
        "key_missing",
        "key_malformed",
        "key_rejected",
        "scope_missing",
        "budget_exceeded",
        "endpoint_not_found",
        "method_not_allowed",
        "unexpected_status",
        "endpoint_invalid",
        "host_denied",
    ] {
        let failure = all()
            .into_iter()
            .find(|failure| failure.code() == code)
            .unwrap();
        assert_eq!(response(&failure, 1), Response::Escalate, "{code}");
    }
}

#[test]
fn a_bad_request_is_never_sent_again() {
    assert_eq!(
        response(
            &ModelFailure::RequestInvalid {
                detail: String::new()
            },
            1
        ),
        Response::Fail
    );
    assert_eq!(response(&ModelFailure::RequestTooLarge, 1), Response::Fail);
}

#[test]
fn of_three_kinds_of_429_one_is_not_retryable() {
    assert_eq!(
        response(
            &ModelFailure::BudgetExceeded {
                budget_micro_usd: 1,
                spent_micro_usd: 1
            },
            1
        ),
        Response::Escalate
    );
    for limited in [
        ModelFailure::KeyRateLimited {
            retry_after_ms: 1_000,
        },
        ModelFailure::AddressRateLimited {
            retry_after_ms: 1_000,
        },
    ] {
        assert_eq!(
            response(&limited, 1),
            Response::Retry {
                after_ms: 1_000,
                new_key: false
            }
        );
    }
}

#[test]
fn waits_double_up_to_the_longest_and_then_it_ends() {
    let failure = ModelFailure::AllProvidersFailed {
        detail: String::new(),
    };
    let waits: Vec<Response> = (1..=5).map(|attempt| response(&failure, attempt)).collect();
    let retry = |after_ms| Response::Retry {
        after_ms,
        new_key: false,
    };
    assert_eq!(
        waits,
        [
            retry(30_000),
            retry(60_000),
            retry(120_000),
            Response::Fail,
            Response::Fail
        ]
    );
    let unreachable = ModelFailure::CannotConnect {
        detail: String::new(),
    };
    assert_eq!(response(&unreachable, 7), retry(60_000));
    assert_eq!(response(&unreachable, 8), Response::Escalate);
}

#[test]
fn a_longer_retry_after_counts() {
    let failure = ModelFailure::RateLimited {
        retry_after_ms: 45_000,
    };
    assert_eq!(
        response(&failure, 1),
        Response::Retry {
            after_ms: 45_000,
            new_key: false
        }
    );
}

#[test]
fn only_stored_answers_need_another_key() {
    let changing: BTreeSet<&str> = TABLE
        .iter()
        .filter(|row| row.retries.is_some_and(|r| r.new_key))
        .map(|row| row.code)
        .collect();
    assert_eq!(
        changing,
        BTreeSet::from([
            "reply_too_large",
            "not_model_output",
            "no_choices",
            "unreadable"
        ])
    );
}

#[test]
fn money_is_readable() {
    for (micro, text) in [
        (0, "$0.00"),
        (10, "$0.00001"),
        (1_500_000, "$1.50"),
        (12_345_678, "$12.345678"),
        (-500_000, "-$0.50"),
    ] {
        assert_eq!(Usd(micro).to_string(), text);
    }
}

#[test]
fn details_lose_secrets_and_line_breaks() {
    let key = format!("tokenhub_{}", "0123456789abcdef".repeat(4));
    let text = format!("bad\r\n\tkey {key}, Authorization: Bearer s3cret; sk-abc\u{202e}\u{0}x");
    assert_eq!(
        detail(&text),
        "bad key [redacted], Authorization: Bearer [redacted]; [redacted] x"
    );
}

proptest! {
    #[test]
    fn details_are_short_single_lines(text in any::<String>()) {
        let clean = detail(&text);
        prop_assert!(clean.chars().count() <= MAX_DETAIL_CHARS);
        prop_assert!(!clean.chars().any(|c| c.is_control()));
    }

    #[test]
    fn a_key_never_survives(before in ".{0,400}", hex in "[0-9a-f]{64}", after in ".{0,400}") {
        let clean = detail(&format!("{before} tokenhub_{hex} {after}"));
        let prefix: String = hex.chars().take(12).collect();
        prop_assert!(!clean.contains(&prefix));
    }

    #[test]
    fn retries_are_bounded_and_waits_reasonable(index in 0..29_usize, attempt in any::<u32>()) {
        let failure = all().swap_remove(index);
        match response(&failure, attempt) {
            Response::Retry { after_ms, .. } => {
                prop_assert!(attempt < 10);
                prop_assert!((1_000..=120_000).contains(&after_ms));
            }
            Response::Escalate | Response::Fail => {}
        }
    }
}
