use loom_api::testing::{call, platform};
use serde_json::{Value, json};

use crate::function::handle;

async fn read_all(first: &str) -> Vec<Value> {
    let platform = platform();
    let (mut parts, mut next) = (Vec::new(), Some(first.to_owned()));
    while let Some(path) = next {
        let answer = call("GET", &path).send(&platform, handle).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json());
        parts.push(answer.json());
        let link = answer.header("link");
        next = link
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
            .map(str::to_owned);
        assert_eq!(next.is_none(), link.is_empty(), "{link}");
    }
    parts
}

#[tokio::test]
async fn a_list_is_read_by_following_its_links() {
    assert_eq!(read_all("/numbers").await, [json!([1, 2, 3, 4, 5])]);
    assert_eq!(
        read_all("/numbers?limit=2").await,
        [json!([1, 2]), json!([3, 4]), json!([5])]
    );
    assert_eq!(read_all("/numbers?limit=5").await, [json!([1, 2, 3, 4, 5])]);
    assert_eq!(
        read_all("/filtered?even=true&limit=1").await,
        [json!([2]), json!([4])]
    );
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_422() {
    let platform = platform();
    for (path, field) in [
        ("/numbers?limit=0", "limit"),
        ("/numbers?limit=1001", "limit"),
        ("/numbers?limit=x", "limit"),
        ("/numbers?cursor=x", "cursor"),
        ("/numbers?cursor=InR3byI", "cursor"),
        ("/numbers?even=true", "even"),
        ("/filtered?even=2", "even"),
        ("/filtered?odd=true", "odd"),
        ("/filtered?limit=1&limit=2", "limit"),
        ("/query?limit=1", "limit"),
    ] {
        let answer = call("GET", path).send(&platform, handle).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{path}"
        );
        assert!(
            answer.json()["fields"].get(field).is_some(),
            "{path}: {}",
            answer.json()
        );
    }
}
