//! `chat token`.

use crate::support::{program, run};

#[test]
fn it_names_whom_it_is_for() {
    let run = run(&mut program(&["token", "--identity", "alice liddell", "--ttl", "60"]), "");
    run.succeeds();
    assert_eq!(run.out.lines().count(), 1);
    let claims = chat_smol::proto::Token::new(run.out.as_str()).unwrap().claims().unwrap();
    assert_eq!(claims.identity.as_deref(), Some("alice liddell"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((now + 30..=now + 60).contains(&claims.expires_at.unwrap()));
}
