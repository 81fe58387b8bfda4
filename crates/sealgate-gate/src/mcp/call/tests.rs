use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(body: &str) -> Result<Message, Unread> {
    Message::read(body.as_bytes())
}

fn method(method: &str, name: Option<&str>, id: Value) -> Message {
    let (method, name) = (method.to_owned(), name.map(str::to_owned));
    let kind = Kind::Method { method, name };
    Message { kind, id }
}

#[test]
fn a_call_says_which_tool_it_is_for() {
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"add","arguments":{"name":"x"}}}"#;
    assert_eq!(read(call), Ok(method("tools/call", Some("add"), json!(7))));
    // In any order, and in any spelling that JSON has for it.
    let call = r#" {"params":{"arguments":[1,{"name":2}],"n\u0061me":"a\u0064d"},"method":"tools\/call","id":"a","jsonrpc":"2.0"}
"#;
    assert_eq!(
        read(call),
        Ok(method("tools/call", Some("add"), json!("a")))
    );
    let prompt = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p","uri":3}}"#;
    assert_eq!(read(prompt), Ok(method("prompts/get", Some("p"), json!(1))));
    for about in ["read", "subscribe", "unsubscribe"] {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"resources/{about}","params":{{"uri":"n://1"}}}}"#
        );
        let expected = method(&format!("resources/{about}"), Some("n://1"), json!(1));
        assert_eq!(read(&text), Ok(expected));
    }
}

#[test]
fn what_is_completed_or_watched_is_read() {
    let kind = |method: &str, params: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        read(&text).map(|message| message.kind)
    };
    let complete = |reference: &str| {
        let argument = r#"{"name":"x","value":"","ref":1}"#;
        kind(
            "completion/complete",
            &format!(r#"{{"argument":{argument},"ref":{reference}}}"#),
        )
    };
    assert_eq!(
        complete(r#"{"type":"ref/prompt","name":"p","uri":"u"}"#),
        Ok(Kind::Complete(Reference::Prompt("p".to_owned())))
    );
    assert_eq!(
        complete(r#"{"type":"ref/resource","uri":"n://{id}"}"#),
        Ok(Kind::Complete(Reference::Resource("n://{id}".to_owned())))
    );
    for reference in [
        "null",
        "{}",
        "[]",
        r#"{"name":"p"}"#,
        r#"{"type":"ref/other","name":"p"}"#,
        r#"{"type":"ref/prompt","uri":"u"}"#,
        r#"{"type":"ref/resource","uri":1}"#,
        r#"{"type":"ref/prompt","name":"p","n\u0061me":"q"}"#,
        r#"{"type":"ref/prompt","type":"ref/resource","name":"p","uri":"u"}"#,
        r#"{"type":"ref/prompt","name":"p"},"ref":{"type":"ref/prompt","name":"q"}"#,
    ] {
        assert_eq!(complete(reference), Err(Unread::Message), "{reference}");
    }
    let listen = |notifications: &str| {
        kind(
            "subscriptions/listen",
            &format!(r#"{{"notifications":{notifications}}}"#),
        )
    };
    let watched = |uris: &[&str]| {
        let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        Ok(Kind::Listen(uris))
    };
    assert_eq!(listen(r#"{"toolsListChanged":true}"#), watched(&[]));
    assert_eq!(listen(r#"{"resourceSubscriptions":null}"#), watched(&[]));
    assert_eq!(kind("subscriptions/listen", "null"), watched(&[]));
    assert_eq!(
        listen(r#"{"resource_subscriptions":["b"],"resourceSubscriptions":["a"]}"#),
        watched(&["a", "b"])
    );
    for notifications in [
        "[]",
        r#"{"resourceSubscriptions":"a"}"#,
        r#"{"resourceSubscriptions":["a",1]}"#,
        r#"{"resourceSubscriptions":[],"resourceSubscriptions":["a"]}"#,
        r#"{},"notifications":{"resourceSubscriptions":["a"]}"#,
    ] {
        assert_eq!(
            listen(notifications),
            Err(Unread::Message),
            "{notifications}"
        );
    }
    // Other methods may have members of these names that are something else.
    assert!(kind("x", r#"{"ref":1,"notifications":"on"}"#).is_ok());
}

#[test]
fn other_messages_are_about_nothing_in_particular() {
    for (text, name, id) in [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            "tools/list",
            json!(1),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":null}"#,
            "tools/list",
            json!(1),
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{"name":4}}"#,
            "notifications/initialized",
            Value::Null,
        ),
        (
            r#"{"jsonrpc":"2.0","id":-1.5,"method":"x"}"#,
            "x",
            json!(-1.5),
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"x","extra":1,"extra":2}"#,
            "x",
            Value::Null,
        ),
    ] {
        assert_eq!(read(text), Ok(method(name, None, id)), "{text}");
    }
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}"#,
    ] {
        let kind = Kind::Answer;
        assert_eq!(read(text), Ok(Message { kind, id: json!(1) }), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{}{}}}}}"#,
        "[".repeat(DEPTH_MOST),
        "]".repeat(DEPTH_MOST)
    );
    for text in [
        "",
        " ",
        "{",
        "nul",
        "\u{feff}{}",
        "NaN",
        "{'a':1}",
        "[1,]",
        "{}x",
        "{} {}",
        r#"{"jsonrpc":"2.0","id":1,"method":"x"}{"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":NaN}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":Infinity}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
        &deep,
    ] {
        assert_eq!(read(text), Err(Unread::Json), "{text}");
    }
    let utf16: Vec<u8> = r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(Message::read(&utf16), Err(Unread::Json));
    assert_eq!(
        Message::read(b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}"),
        Err(Unread::Json)
    );
}

#[test]
fn batches_are_refused_as_such() {
    for text in ["[]", r#" [{"jsonrpc":"2.0","id":1,"method":"x"}]"#] {
        assert_eq!(read(text), Err(Unread::Batch), "{text}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for text in [
        "1",
        "null",
        "\"x\"",
        "{}",
        r#"{"id":1,"method":"x"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":""}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","m\u0065thod":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"x","error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{},"params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":null}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["a"]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n\u0061me":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"name":"a"}}"#,
    ] {
        assert_eq!(read(text), Err(Unread::Message), "{text}");
    }
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":"{}","method":"x"}}"#,
        "i".repeat(ID_MOST + 1)
    );
    assert_eq!(read(&long), Err(Unread::Message));
}

proptest! {
    /// Whatever is read says what a plain reader of JSON says.
    #[test]
    fn it_agrees_with_a_plain_reader(
        name in ".{0,12}",
        pick in 0..4_usize,
        id in prop_oneof![any::<i64>().prop_map(Value::from), "[a-z]{0,8}".prop_map(Value::from)],
        more in "[a-z]{0,3}",
    ) {
        let (called, member) = [
            ("tools/call", Some("name")),
            ("prompts/get", Some("name")),
            ("resources/read", Some("uri")),
            ("tools/list", None),
        ][pick];
        let mut params = json!({"_meta": {"name": more, "method": [more, {"uri": more}]}});
        if let Some(member) = member {
            params[member] = Value::from(name.as_str());
        }
        let text = json!({"jsonrpc": "2.0", "id": id, "method": called, "params": params}).to_string();
        prop_assert_eq!(read(&text), Ok(method(called, member.map(|_| name.as_str()), id)));
    }

    /// No bytes make it panic, and what is taken is JSON in which `method` is what was read.
    #[test]
    fn any_bytes_are_refused_or_read(
        text in r#"\{("(jsonrpc|id|method|params|result|name|a)":("2\.0"|"tools/call"|1|null|\{"name":"(a|b)"\}|\[\]),?){0,6}\}?"#,
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        prop_assert!(Message::read(&bytes).is_err() || serde_json::from_slice::<Value>(&bytes).is_ok());
        if let Ok(Message { kind: Kind::Method { method, name }, .. }) = read(&text) {
            let plain: Value = serde_json::from_str(&text).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(&plain["method"], &Value::from(method));
            if let Some(name) = name {
                prop_assert_eq!(&plain["params"]["name"], &Value::from(name));
            }
        }
    }
}
