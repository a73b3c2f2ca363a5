//! Recorded sessions as snapshot tests: of our own client, and of any client that was pointed at the proxy.

chat_testkit::snapshot_sessions!("tests/sessions");
chat_testkit::snapshot_sessions!("tests/proxied", proxied);
