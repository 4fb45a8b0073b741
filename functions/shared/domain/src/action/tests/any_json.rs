//! Whatever comes is an action or a reason.

use proptest::prelude::*;
use serde_json::Value;

use super::super::spec::SPECS;
use super::super::*;

/// JSON of any shape whose keys are often real ones.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        proptest::sample::select(&Action::NAMES[..]).prop_map(Value::from),
    ];
    let keys: Vec<&str> = SPECS
        .iter()
        .flat_map(|spec| spec.fields.iter().map(|field| field.name))
        .chain(["action", "args", "x"])
        .collect();
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(proptest::sample::select(keys.clone()), inner, 0..6)
                .prop_map(|map| Value::Object(
                    map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
                )),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_an_action_or_a_reason(value in any_json()) {
        match from_json(&value, None) {
            Ok(checked) => prop_assert_eq!(
                serde_json::from_value::<Action>(serde_json::to_value(&checked.action).unwrap()).unwrap(),
                checked.action
            ),
            Err(error) => prop_assert!(!error.problems.is_empty() && error.problems.iter().all(|p| !p.message.is_empty())),
        }
    }
}
