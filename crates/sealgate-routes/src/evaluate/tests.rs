//! What expressions stand for, a rule of evaluation at a time.

use super::Interpreter;
use super::value::Value;
use crate::source::Sources;

/// What `name` of `main.py` stands for once everything has been run, in words.
fn value(text: &str, name: &str) -> String {
    let main = format!("from fastapi import FastAPI, APIRouter\n{text}");
    let sources = Sources::in_memory([("main.py".to_owned(), main)]);
    let mut interpreter = Interpreter::new(&sources);
    interpreter.run();
    let module = sources.modules().next().unwrap();
    let found = interpreter.name_in_module(module, name).unwrap();
    words(&interpreter, &found)
}

fn words<'a>(interpreter: &Interpreter<'a>, value: &Value<'a>) -> String {
    let each = |values: &[Value<'a>]| -> Vec<String> {
        values.iter().map(|one| words(interpreter, one)).collect()
    };
    match value {
        Value::Unknown(why) => format!("? {why}"),
        Value::None => "None".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Str(text) => format!("{text:?}"),
        Value::Sequence(list) => {
            let mut items = each(&list.items.borrow());
            items.extend(list.open.borrow().as_ref().map(|_| "...".to_owned()));
            format!("[{}]", items.join(", "))
        }
        Value::Either(several) => each(several).join(" | "),
        other => interpreter.name_of(other),
    }
}

#[test]
fn texts_are_put_together_and_what_is_not_known_stands_in_angle_brackets() {
    assert_eq!(
        value("a = '/api'\nx = f'{a}/v{1}' + '/items'", "x"),
        r#""/api/v1/items""#
    );
    assert_eq!(
        value("x = '/a/{}'.format('b').removesuffix('b')", "x"),
        r#""/a/""#
    );
    assert_eq!(
        value("import somewhere\nx = f'{somewhere.base}/items'", "x"),
        r#""<somewhere.base>/items""#
    );
}

#[test]
fn texts_with_the_same_unknown_beginning_differ_by_the_rest() {
    let text = "
import somewhere
a, b = f'{somewhere.base}/a', f'{somewhere.base}/b'
def same(one, other):
    if one == other:
        return 'same'
    return 'different'
x = same(a, b)
y = same(a, a)
z = same(a, f'{somewhere.other}/a')
";
    assert_eq!(value(text, "x"), r#""different""#);
    assert_eq!(value(text, "y"), r#""same""#);
    assert_eq!(value(text, "z"), r#""same" | "different""#);
}

#[test]
fn what_is_added_under_a_condition_may_be_missing() {
    let text = "
import os
x = ['a']
if os.environ.get('DEBUG'):
    x.append('b')
";
    assert_eq!(value(text, "x"), r#"["a", "b" | None]"#);
}

#[test]
fn a_list_whose_items_may_be_missing_is_not_known_to_be_full() {
    let text = "
import os
def check():
    wrong = []
    if os.environ.get('STRICT'):
        wrong.append('a')
    if wrong:
        raise ValueError
    return 'made'
x = check()
";
    assert_eq!(value(text, "x"), r#""made""#);
}

#[test]
fn both_branches_of_what_configuration_decides_are_taken() {
    assert_eq!(
        value("import os\nx = 'a' if os.environ.get('A') else 'b'", "x"),
        r#""a" | "b""#
    );
    let text = "import os\nif os.environ.get('A'):\n    x = 1\nelse:\n    x = 2\n";
    assert_eq!(value(text, "x"), "1 | 2");
}

#[test]
fn an_argument_decides_in_the_call_that_is_followed() {
    let text = "
def made(kind='a'):
    if kind == 'a':
        return 'first'
    return 'second'
x = made()
y = made('b')
";
    assert_eq!(value(text, "x"), r#""first""#);
    assert_eq!(value(text, "y"), r#""second""#);
}

#[test]
fn loops_run_over_what_is_known() {
    let text = "x = []\nfor name, at in {'a': 1, 'b': 2}.items():\n    x.append(f'{name}{at}')\n";
    assert_eq!(value(text, "x"), r#"["a1", "b2"]"#);
    assert_eq!(value("x = [n + 1 for n in range(3)]", "x"), "[1, 2, 3]");
    assert_eq!(
        value("import somewhere\nx = [n for n in somewhere.names()]", "x"),
        "[...]"
    );
}

#[test]
fn a_decorator_gives_what_it_returns() {
    let text = "
def keep(found):
    def decorate(function):
        found.append(function)
        return function
    return decorate
x = []
@keep(x)
def a(): ...
";
    assert_eq!(value(text, "x"), "[main:a]");
    assert_eq!(value(text, "a"), "main:a");
}

#[test]
fn methods_are_found_along_the_bases_and_super_goes_on_from_there() {
    let text = "
class Base:
    prefix = '/base'
    def __init__(self, name): self.path = self.prefix + name
class Users(Base):
    prefix = '/users'
    def __init__(self): super().__init__('/all')
x = Users().path
";
    assert_eq!(value(text, "x"), r#""/users/all""#);
}

#[test]
fn a_class_is_told_of_those_that_inherit_from_it() {
    let text = "
class Base:
    found = []
    def __init_subclass__(cls, path='/none', **rest):
        cls.path = path
        Base.found.append(cls)
class A(Base, path='/a'): ...
class B(Base): ...
x = [one.path for one in Base.found]
y = Base.__subclasses__()
";
    assert_eq!(value(text, "x"), r#"["/a", "/none"]"#);
    assert_eq!(value(text, "y"), "[main:A, main:B]");
}

#[test]
fn the_members_of_an_enumeration_are_what_they_are_set_to() {
    let text = "import enum\nclass Path(str, enum.Enum):\n    ITEMS = '/items'\nx = f'{Path.ITEMS.value}/all'";
    assert_eq!(value(text, "x"), r#""/items/all""#);
}

#[test]
fn a_setting_may_be_other_than_its_default() {
    let found = value("import os\nx = os.getenv('PREFIX', '/api')", "x");
    assert_eq!(found, r#""/api" | ? `PREFIX` is set by configuration"#);
}

#[test]
fn an_import_that_fails_leaves_what_the_handler_puts_in_its_place() {
    let text = "try:\n    from somewhere import thing as x\nexcept ImportError:\n    x = None\n";
    assert_eq!(value(text, "x"), "somewhere:thing | None");
}

#[test]
fn type_parameters_and_aliases_do_not_get_in_the_way() {
    let text = "def same[T](one: T) -> T: return one\ntype Name = str\nx = same('a')\n";
    assert_eq!(value(text, "x"), r#""a""#);
}

#[test]
fn what_calls_itself_ends() {
    let text = "def again(n): return again(n + 1)\nx = again(1)\n";
    assert_eq!(value(text, "x"), "? it depends on itself");
}

#[test]
fn modules_of_a_package_are_found_by_looking_into_it() {
    let files = [
        (
            "main.py",
            "from fastapi import FastAPI\nimport importlib, pkgutil\nimport parts\nx = []\nfor _, name, _ in pkgutil.iter_modules(parts.__path__):\n    x.append(importlib.import_module(f'.{name}', package='parts').path)\n",
        ),
        ("parts/__init__.py", ""),
        ("parts/a.py", "path = '/a'\n"),
        ("parts/b.py", "path = '/b'\n"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text));
    let sources = Sources::in_memory(files);
    let mut interpreter = Interpreter::new(&sources);
    interpreter.run();
    let main = sources
        .modules()
        .find(|module| sources.name(*module) == "main")
        .unwrap();
    let found = interpreter.name_in_module(main, "x").unwrap();
    assert_eq!(words(&interpreter, &found), r#"["/a", "/b"]"#);
}

#[test]
fn an_import_that_only_one_branch_asks_for_is_still_one_thing() {
    let files = [
        (
            "main.py",
            "import os\nfrom fastapi import FastAPI\nfrom parts import path\nif os.environ.get('A'):\n    print(path)\nx = f'{path}/a'\n",
        ),
        ("parts.py", "path = '/parts'\n"),
    ];
    let sources = Sources::in_memory(files.map(|(name, text)| (name.to_owned(), text)));
    let mut interpreter = Interpreter::new(&sources);
    interpreter.run();
    let main = sources
        .modules()
        .find(|module| sources.name(*module) == "main")
        .unwrap();
    let found = interpreter.name_in_module(main, "x").unwrap();
    assert_eq!(words(&interpreter, &found), r#""/parts/a""#);
}

#[test]
fn what_leads_back_to_itself_comes_to_an_end() {
    let lists = "a = []\na.append(a)\nb = []\nb.append(b)\n";
    let compare = "def f(one, two):\n    return one == two\n";
    assert!(value(&format!("{lists}{compare}x = f(a, b)"), "x").starts_with("? "));
    let wrapping = "from functools import wraps\ndef f(): ...\ndef g(): ...\n";
    let circle = "x = wraps(g)(f)\ny = wraps(f)(g)\nf.__wrapped__ = f\n";
    assert_eq!(value(&format!("{wrapping}{circle}"), "x"), "main:g");
}
