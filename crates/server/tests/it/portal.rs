//! The portal: its addresses are answered with its page, and no others are.

use crate::app::both;

#[tokio::test]
async fn the_portals_addresses_are_its_page_and_no_others_are() {
    both(async |app| {
        for path in ["/login", "/projects", "/projects/a/b%2Fc/d", "/admin/users"] {
            let page = app.get(path).nobody().send().await.expect(200);
            assert_eq!(
                page.need("content-type"),
                "text/html; charset=utf-8",
                "{path}"
            );
            let policy = page.need("content-security-policy");
            assert!(policy.contains("script-src 'self';"), "{policy}");
        }
        for path in [
            "/nothing",
            "/api/v2.0/nothing",
            "/api",
            "/c/nothing",
            "/service",
        ] {
            let refused = app.get(path).nobody().send().await.expect(404);
            assert!(refused.text().contains("NOT_FOUND"), "{path}");
        }
        app.get("/assets/nothing.js")
            .nobody()
            .send()
            .await
            .expect(404);
    })
    .await;
}

#[tokio::test]
async fn the_front_page_is_for_browsers_and_a_word_for_programs() {
    both(async |app| {
        let page = app.get("/").nobody().header("accept", "text/html");
        let page = page.send().await.expect(200);
        assert_eq!(page.need("content-type"), "text/html; charset=utf-8");
        let word = app.get("/").nobody().header("accept", "*/*");
        assert!(
            word.send()
                .await
                .expect(200)
                .text()
                .contains("docker login")
        );
    })
    .await;
}
