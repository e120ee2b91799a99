//! `/crossdomain.xml`: the policy that old browser plug-ins ask for.

use crate::target::Target;

#[tokio::test]
async fn lets_every_domain_in() {
    let Some(swift) = Target::with(["crossdomain"]).await else {
        return;
    };

    let answer = swift.get("/crossdomain.xml").anonymous().await.is(200);
    assert_eq!(answer.header("content-type"), Some("application/xml"));
    assert_eq!(
        answer.lines(),
        [
            "<?xml version=\"1.0\"?>",
            "<!DOCTYPE cross-domain-policy SYSTEM \"http://www.adobe.com/xml/dtds/cross-domain-policy.dtd\" >",
            "<cross-domain-policy>",
            "<allow-access-from domain=\"*\" secure=\"false\" />",
            "</cross-domain-policy>",
        ]
    );
}

#[tokio::test]
async fn answers_only_get() {
    let Some(swift) = Target::with(["crossdomain"]).await else {
        return;
    };

    let answer = swift.put("/crossdomain.xml").anonymous().await.is(412);
    assert_eq!(answer.text(), "Bad URL");
}
