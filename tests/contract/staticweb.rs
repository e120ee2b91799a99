//! A container as a web site: index pages, listings, error pages.
//!
//! Facts: `swift/common/middleware/staticweb.py`.

use crate::http::Request;
use crate::target::{Container, Target};

async fn site<'a>(swift: &'a Target, headers: &[(&str, &str)]) -> Container<'a> {
    let mut all = vec![("x-container-read", ".r:*,.rlistings")];
    all.extend_from_slice(headers);
    let container = swift.container_with(&all).await;
    container
        .put("index.html")
        .header("content-type", "text/html")
        .body("the index")
        .await
        .is(201);
    container
        .put("dir/index.html")
        .header("content-type", "text/html")
        .body("an inner index")
        .await
        .is(201);
    container
        .put("plain/a.txt")
        .header("content-type", "text/plain")
        .body("text")
        .await
        .is(201);
    container
}

fn visit<'a>(container: &Container<'a>, path: &str) -> Request<'a> {
    container.get(path).anonymous()
}

#[tokio::test]
async fn serves_the_index_of_the_container_and_of_each_level() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(&swift, &[("x-container-meta-web-index", "index.html")]).await;

    let index = visit(&container, "").await.is(200);
    assert_eq!(index.text(), "the index");
    assert_eq!(index.header("content-type"), Some("text/html"));
    assert_eq!(
        visit(&container, "dir/").await.is(200).text(),
        "an inner index"
    );
    assert_eq!(
        visit(&container, "plain/a.txt").await.is(200).text(),
        "text"
    );
}

#[tokio::test]
async fn leads_from_a_level_without_slash_to_the_one_with() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(&swift, &[("x-container-meta-web-index", "index.html")]).await;

    let root = swift.get(&container.path).anonymous().await.is(301);
    assert_eq!(
        root.header("location"),
        Some(format!("http://{}{}/", swift.authority(), container.path).as_str())
    );
    let level = visit(&container, "dir").await.is(301);
    assert_eq!(
        level.header("location"),
        Some(format!("http://{}{}/dir/", swift.authority(), container.path).as_str())
    );
}

#[tokio::test]
async fn lists_a_level_that_has_no_index() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(&swift, &[("x-container-meta-web-listings", "true")]).await;

    let page = visit(&container, "").await.is(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    let title = format!("<title>Listing of {}/</title>", container.path);
    assert!(page.text().contains(&title), "{}", page.text());
    assert!(
        page.text().contains("<a href=\"./dir/\">dir/</a>"),
        "{}",
        page.text()
    );
    assert!(
        page.text()
            .contains("<a href=\"./index%2Ehtml\">index.html</a>"),
        "{}",
        page.text()
    );

    let time = container
        .list("format=json&prefix=plain/")
        .await
        .is(200)
        .json();
    let time = time[0]["last_modified"].as_str().expect("a time")[..19].replace('T', " ");
    let inner = visit(&container, "plain/").await.is(200);
    let (path, text) = (container.path.as_str(), inner.text());
    assert_eq!(
        text,
        format!(
            r#"<!DOCTYPE html>
<html>
 <head>
  <title>Listing of {path}/plain/</title>
  <style type="text/css">
   h1 {{font-size: 1em; font-weight: bold;}}
   th {{text-align: left; padding: 0px 1em 0px 1em;}}
   td {{padding: 0px 1em 0px 1em;}}
   a {{text-decoration: none;}}
  </style>
 </head>
 <body>
  <h1 id="title">Listing of {path}/plain/</h1>
  <table id="listing">
   <tr id="heading">
    <th class="colname">Name</th>
    <th class="colsize">Size</th>
    <th class="coldate">Date</th>
   </tr>
   <tr id="parent" class="item">
    <td class="colname"><a href="../">../</a></td>
    <td class="colsize">&nbsp;</td>
    <td class="coldate">&nbsp;</td>
   </tr>
   <tr class="item type-text type-plain">
    <td class="colname"><a href="./a%2Etxt">a.txt</a></td>
    <td class="colsize">4</td>
    <td class="coldate">{time}</td>
   </tr>
  </table>
 </body>
</html>
"#
        )
    );
}

#[tokio::test]
async fn styles_and_labels_listings_as_the_container_says() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(
        &swift,
        &[
            ("x-container-meta-web-listings", "true"),
            ("x-container-meta-web-listings-css", "site.css"),
            ("x-container-meta-web-listings-label", "My Files"),
        ],
    )
    .await;

    let page = visit(&container, "").await.is(200);
    assert!(
        page.text().contains("<title>Listing of My Files/</title>"),
        "{}",
        page.text()
    );
    assert!(
        page.text()
            .contains("<link rel=\"stylesheet\" type=\"text/css\" href=\"site.css\" />"),
        "{}",
        page.text()
    );
    let inner = visit(&container, "plain/").await.is(200);
    assert!(
        inner.text().contains("href=\"../site.css\""),
        "{}",
        inner.text()
    );
}

#[tokio::test]
async fn answers_404_when_there_is_neither_index_nor_listing() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(&swift, &[("x-container-meta-web-index", "index.html")]).await;

    let missing = visit(&container, "plain/").await.is(404);
    assert_eq!(
        missing.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    visit(&container, "nothing").await.is(404);
}

#[tokio::test]
async fn serves_the_sites_own_error_page_under_the_right_status() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(
        &swift,
        &[
            ("x-container-meta-web-index", "index.html"),
            ("x-container-meta-web-error", "error.html"),
        ],
    )
    .await;
    container
        .put("404error.html")
        .header("content-type", "text/html")
        .body("not here")
        .await
        .is(201);
    container
        .put("401error.html")
        .header("content-type", "text/html")
        .body("not for you")
        .await
        .is(201);

    let missing = visit(&container, "nothing").await.is(404);
    assert_eq!(missing.text(), "not here");
    assert_eq!(missing.header("content-type"), Some("text/html"));

    container
        .update()
        .header("x-container-read", "test2")
        .await
        .is(204);
    let refused = visit(&container, "index.html").await.is(401);
    // Who may not read the site may not read its error page either.
    assert!(refused.text().contains("<h1>Unauthorized</h1>") || refused.text() == "not for you");
}

#[tokio::test]
async fn stays_out_of_the_way_of_whoever_has_a_token() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(&swift, &[("x-container-meta-web-index", "index.html")]).await;

    assert_eq!(
        container.list("").await.is(200).lines(),
        ["dir/index.html", "index.html", "plain/a.txt"]
    );
    assert_eq!(
        container.list("").header("x-web-mode", "true").await.status,
        301
    );
    assert_eq!(
        container
            .get("")
            .header("x-web-mode", "true")
            .await
            .is(200)
            .text(),
        "the index"
    );
}

#[tokio::test]
async fn takes_marker_objects_for_directories() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(
        &swift,
        &[
            ("x-container-meta-web-index", "index.html"),
            ("x-container-meta-web-directory-type", "text/directory"),
        ],
    )
    .await;
    container
        .put("dir")
        .header("content-type", "text/directory")
        .await
        .is(201);

    visit(&container, "dir").await.is(301);
}

#[tokio::test]
async fn escapes_names_in_listings() {
    let Some(swift) = Target::with(["staticweb"]).await else {
        return;
    };
    let container = site(&swift, &[("x-container-meta-web-listings", "true")]).await;
    container.put("%3Cscript%3E%26%22").body("x").await.is(201);

    let page = visit(&container, "").await.is(200);
    assert!(!page.text().contains("<script>"), "{}", page.text());
    assert!(
        page.text().contains("&lt;script&gt;&amp;"),
        "{}",
        page.text()
    );
    assert!(
        page.text().contains("href=\"./%3Cscript%3E%26%22\""),
        "{}",
        page.text()
    );
}
