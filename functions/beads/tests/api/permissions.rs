use loom_api::Access;
use loom_api::testing::{call, token};
use loom_domain::account::Role;
use loom_platform::native::NativePlatform;

use crate::support::World;

/// The whole table: every route against every role, and nobody.
#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let world = World::new().await;
    for declared in loom_beads::routes::<NativePlatform>().table() {
        let Access::Permission(permission) = declared.access else {
            panic!("{} {} is open to anybody", declared.method, declared.path);
        };
        let path = declared
            .path
            .replace("{id}", "bd-none")
            .replace("{run_id}", "none");
        let nobody = call(declared.method.as_str(), &path)
            .send(&world.platform, loom_beads::handle)
            .await;
        assert_eq!(nobody.status, 401, "{} {path}", declared.method);
        for role in Role::ALL {
            let token = token(&world.platform, role).await;
            let answer = call(declared.method.as_str(), &path)
                .token(&token)
                .send(&world.platform, loom_beads::handle)
                .await;
            let allowed = role.permissions().contains(permission);
            assert_eq!(
                answer.status != 403,
                allowed,
                "{} {path} as {role:?}",
                declared.method
            );
        }
    }
}
