use super::{FlowEvidence, ensure};

/// Each decision is answered at most once: by the events, and by what people were told.
pub(super) fn each_decision_is_answered_once(evidence: &FlowEvidence) -> Result<(), String> {
    if let Some(wrong) = evidence.wrong.first() {
        return Err(wrong.clone());
    }
    for question in &evidence.questions {
        let ended = evidence.endings.get(&question.id).copied().unwrap_or(0);
        let expected = i64::from(question.status != "open");
        ensure(ended == expected, || {
            format!(
                "decision {} ({}) is {} and its end was told {ended} times",
                question.id, question.fingerprint, question.status
            )
        })?;
        let told = evidence.answers.get(&question.id).copied().unwrap_or(0);
        ensure(told <= 1, || {
            format!(
                "{told} people were told that their answer to {} holds",
                question.id
            )
        })?;
        ensure(told == 0 || question.status == "decided", || {
            format!(
                "somebody was told that their answer to {} holds, which is {}",
                question.id, question.status
            )
        })?;
    }
    Ok(())
}

/// People answer everything in the end, so nothing is left open.
pub(super) fn nothing_is_asked_at_the_end(evidence: &FlowEvidence) -> Result<(), String> {
    let open = evidence
        .questions
        .iter()
        .find(|question| question.status == "open");
    match open {
        None => Ok(()),
        Some(question) => Err(format!(
            "decision {} ({}, {}) is still open",
            question.id, question.kind, question.fingerprint
        )),
    }
}
