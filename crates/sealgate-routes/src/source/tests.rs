use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{ModuleId, Sources};

/// A project of the given files.
fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join("project").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn find_at(project: &TempDir, path: &str) -> Sources {
    Sources::find(&project.path().join("project").join(path), &[], &|_| {}).unwrap()
}

fn find(project: &TempDir) -> Sources {
    find_at(project, "")
}

fn module(sources: &Sources, file: &str) -> ModuleId {
    let found = sources.modules().find(|id| sources.file(*id) == file);
    found.unwrap_or_else(|| panic!("no {file} in {:?}", files(sources)))
}

fn files(sources: &Sources) -> Vec<&str> {
    sources.modules().map(|id| sources.file(id)).collect()
}

fn names(sources: &Sources) -> Vec<&str> {
    sources.modules().map(|id| sources.name(id)).collect()
}

/// The file that an import in a file means.
fn import<'a>(sources: &'a Sources, from: &str, dotted: &str) -> Option<&'a str> {
    sources
        .resolve(module(sources, from), dotted)
        .map(|id| sources.file(id))
}

fn import_relative<'a>(
    sources: &'a Sources,
    from: &str,
    level: u32,
    dotted: &str,
) -> Option<&'a str> {
    let dotted = (!dotted.is_empty()).then_some(dotted);
    let found = sources.resolve_relative(module(sources, from), level, dotted);
    found.map(|id| sources.file(id))
}

fn candidates(sources: &Sources) -> Vec<&str> {
    sources
        .candidates()
        .into_iter()
        .map(|id| sources.file(id))
        .collect()
}

#[test]
fn other_peoples_code_and_what_git_ignores_is_no_part_of_the_project() {
    let project = project(&[
        ("app/__init__.py", ""),
        ("app/build/__init__.py", ""),
        (".gitignore", "generated/\n"),
        ("generated/x.py", ""),
        (".hidden/x.py", ""),
        ("node_modules/x.py", ""),
        ("venv/x.py", ""),
        ("environment/pyvenv.cfg", ""),
        ("environment/lib/x.py", ""),
        ("lib/python3.12/site-packages/x.py", ""),
        ("app/__pycache__/x.py", ""),
        ("build/lib/app/__init__.py", ""),
        ("excluded/x.py", ""),
        ("notes.txt", ""),
    ]);
    let root = project.path().join("project");
    let sources = Sources::find(&root, &["excluded/**".to_owned()], &|_| {}).unwrap();
    assert_eq!(
        files(&sources),
        ["app/__init__.py", "app/build/__init__.py"]
    );
}

#[test]
fn a_root_within_what_is_left_out_elsewhere_is_looked_at() {
    let project = project(&[("venv/lib/site-packages/app/__init__.py", "")]);
    let sources = find_at(&project, "venv/lib/site-packages/app");
    assert_eq!(names(&sources), ["app"]);
}

#[test]
fn tests_can_be_imported_but_their_applications_are_not_asked_for() {
    let app = "from fastapi import FastAPI\napp = FastAPI()\n";
    let project = project(&[
        ("main.py", app),
        ("conftest.py", app),
        ("test_main.py", app),
        ("main_test.py", app),
        ("tests/kit.py", app),
        ("app/test/routes.py", app),
    ]);
    let sources = find(&project);
    assert_eq!(candidates(&sources), ["main.py"]);
    assert_eq!(
        import(&sources, "main.py", "app.test.routes"),
        Some("app/test/routes.py")
    );
}

#[test]
fn a_pattern_that_is_none_is_told() {
    let project = project(&[]);
    let error = Sources::find(project.path(), &["a[".to_owned()], &|_| {}).unwrap_err();
    assert!(
        error.to_string().starts_with("`exclude` has a pattern"),
        "{error}"
    );
}

#[test]
fn a_path_without_anything_is_told() {
    let error = Sources::find(Path::new("/nowhere/at/all"), &[], &|_| {}).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read /nowhere/at/all: "),
        "{error}"
    );
}

#[test]
fn names_start_at_the_topmost_package() {
    let project = project(&[
        ("src/app/__init__.py", ""),
        ("src/app/auth/__init__.py", ""),
        ("src/app/auth/tokens.py", ""),
        ("src/app/plain/views.py", ""),
        ("src/main.py", ""),
        ("scripts/run.py", ""),
        ("setup.py", ""),
    ]);
    let sources = find(&project);
    assert_eq!(
        names(&sources),
        [
            "scripts.run",
            "setup",
            "app",
            "app.auth",
            "app.auth.tokens",
            "app.plain.views",
            "main"
        ]
    );
}

#[test]
fn a_folder_without_init_is_a_package_when_it_is_imported_as_one() {
    let project = project(&[
        ("app/main.py", "from app.routers import users\n"),
        ("app/routers/__init__.py", ""),
        ("app/routers/users.py", "from app.auth import user\n"),
        ("app/auth.py", ""),
        ("tool/run.py", "from helper import x\n"),
        ("tool/helper.py", ""),
    ]);
    let sources = find(&project);
    assert_eq!(
        names(&sources),
        [
            "app.auth",
            "app.main",
            "app.routers",
            "app.routers.users",
            "tool.helper",
            "tool.run"
        ]
    );
    assert_eq!(
        import(&sources, "app/main.py", "app.routers.users"),
        Some("app/routers/users.py")
    );
    assert_eq!(
        import(&sources, "app/routers/users.py", "app.auth"),
        Some("app/auth.py")
    );
    assert_eq!(import(&sources, "app/main.py", "app"), None);
    assert!(sources.exists_below(module(&sources, "app/main.py"), "app"));
    assert_eq!(
        import(&sources, "tool/run.py", "helper"),
        Some("tool/helper.py")
    );
    assert_eq!(import(&sources, "app/main.py", "auth"), None);
}

#[test]
fn a_root_that_imports_itself_by_its_name_is_a_package() {
    let project = project(&[
        ("app/main.py", "from app.core import auth\n"),
        ("app/core/auth.py", ""),
    ]);
    let sources = find_at(&project, "app");
    assert_eq!(names(&sources), ["app.core.auth", "app.main"]);
    assert_eq!(
        import(&sources, "main.py", "app.core.auth"),
        Some("core/auth.py")
    );
}

#[test]
fn each_of_several_services_has_its_own_package_of_the_same_name() {
    let project = project(&[
        ("libs/common/src/common/__init__.py", ""),
        ("services/a/app/__init__.py", ""),
        ("services/a/app/main.py", "from app.auth import user\n"),
        ("services/a/app/auth.py", ""),
        ("services/b/app/__init__.py", ""),
        ("services/b/app/main.py", ""),
        ("services/b/app/auth.py", ""),
        ("services/b/app/only_b.py", ""),
        ("services/c/main.py", ""),
    ]);
    let sources = find(&project);
    let in_a = "services/a/app/main.py";
    assert_eq!(
        import(&sources, in_a, "app.auth"),
        Some("services/a/app/auth.py")
    );
    assert_eq!(
        import(&sources, "services/b/app/main.py", "app.auth"),
        Some("services/b/app/auth.py")
    );
    assert_eq!(
        import(&sources, in_a, "app.only_b"),
        None,
        "the service's own package hides it"
    );
    assert_eq!(
        import(&sources, in_a, "common"),
        Some("libs/common/src/common/__init__.py")
    );
    assert_eq!(
        import(&sources, "services/c/main.py", "app.auth"),
        None,
        "there are two"
    );
    assert_eq!(sources.name(module(&sources, in_a)), "services.a.app.main");
    assert_eq!(
        sources.name(module(&sources, "services/b/app/only_b.py")),
        "services.b.app.only_b"
    );
}

#[test]
fn a_script_in_a_stray_package_finds_its_neighbours() {
    let project = project(&[
        ("app/__init__.py", ""),
        ("app/main.py", "from auth import user\n"),
        ("app/auth.py", ""),
    ]);
    assert_eq!(
        import(&find(&project), "app/main.py", "auth"),
        Some("app/auth.py")
    );
}

#[test]
fn a_module_of_a_package_does_not_hide_a_library_of_its_name() {
    let project = project(&[
        ("app/__init__.py", ""),
        ("app/main.py", "from app.server import serve\n"),
        ("app/jwt.py", ""),
        ("app/server/__init__.py", ""),
        (
            "app/server/fastapi/__init__.py",
            "from fastapi import FastAPI\n",
        ),
    ]);
    let sources = find(&project);
    assert_eq!(import(&sources, "app/main.py", "jwt"), None);
    assert_eq!(
        import(&sources, "app/server/fastapi/__init__.py", "fastapi"),
        None
    );
}

#[test]
fn the_framework_is_never_a_folder_of_examples() {
    let project = project(&[
        ("fastapi/main.py", "from fastapi import FastAPI\n"),
        ("fastapi/FastAPI.py", ""),
    ]);
    assert_eq!(
        import(&find(&project), "fastapi/main.py", "fastapi.FastAPI"),
        None
    );
}

#[test]
fn relative_imports_count_folders_up() {
    let project = project(&[
        ("app/__init__.py", ""),
        ("app/auth.py", ""),
        ("app/api/__init__.py", "from . import users\n"),
        ("app/api/users.py", ""),
        ("app/plain/x.py", ""),
    ]);
    let sources = find(&project);
    let users = "app/api/users.py";
    assert_eq!(
        import_relative(&sources, users, 1, ""),
        Some("app/api/__init__.py")
    );
    assert_eq!(
        import_relative(&sources, "app/api/__init__.py", 1, "users"),
        Some(users)
    );
    assert_eq!(
        import_relative(&sources, users, 2, "auth"),
        Some("app/auth.py")
    );
    assert_eq!(
        import_relative(&sources, users, 2, "api.users"),
        Some(users)
    );
    assert_eq!(import_relative(&sources, users, 9, "auth"), None);
    let from = module(&sources, users);
    assert!(sources.exists_below_relative(from, 2, Some("plain")));
}

#[test]
fn a_file_is_scanned_with_the_project_around_it() {
    let app = "from fastapi import FastAPI\napp = FastAPI()\n";
    let project = project(&[
        ("pyproject.toml", ""),
        ("app/__init__.py", ""),
        ("app/test_main.py", app),
        ("app/other.py", app),
        ("core/auth.py", ""),
    ]);
    let sources = find_at(&project, "app/test_main.py");
    assert_eq!(candidates(&sources), ["app/test_main.py"]);
    assert_eq!(
        import(&sources, "app/test_main.py", "core.auth"),
        Some("core/auth.py")
    );
    assert_eq!(
        import(&sources, "app/test_main.py", "app.other"),
        Some("app/other.py")
    );
}

#[test]
fn a_folder_within_a_package_is_scanned_with_its_package() {
    let app = "from fastapi import FastAPI\napp = FastAPI()\n";
    let project = project(&[
        ("app/__init__.py", ""),
        ("app/auth.py", app),
        ("app/api/__init__.py", ""),
        ("app/api/users.py", app),
    ]);
    let sources = find_at(&project, "app/api");
    assert_eq!(
        files(&sources),
        ["../__init__.py", "__init__.py", "users.py", "../auth.py"]
    );
    assert_eq!(
        names(&sources),
        ["app", "app.api", "app.api.users", "app.auth"]
    );
    assert_eq!(candidates(&sources), ["users.py"]);
    assert_eq!(import(&sources, "users.py", "app.auth"), Some("../auth.py"));
}

#[test]
fn a_broken_file_yields_what_can_be_read_of_it() {
    let project = project(&[("x.py", "a = 1\ndef f(:\n    return (\n\nb = 2\n")]);
    let sources = find(&project);
    let loaded = sources.load(module(&sources, "x.py")).unwrap();
    assert!(loaded.syntax.body.len() >= 2, "{:#?}", loaded.syntax.body);
    assert_eq!(loaded.errors[0].line, 2);
}

#[test]
fn the_newest_grammar_is_understood() {
    let text =
        "try:\n    x = 1\nexcept A, B:\n    y = t'{x}'\ntype T[K = int] = list[K]\nlazy import z\n";
    let project = project(&[("x.py", text)]);
    let sources = find(&project);
    let loaded = sources.load(module(&sources, "x.py")).unwrap();
    assert_eq!(loaded.errors, []);
}

/// So many blocks, each in the one before.
fn indented(depth: usize) -> String {
    let mut text = String::new();
    for depth in 0..depth {
        text.push_str(&" ".repeat(depth));
        text.push_str("if x:\n");
    }
    text
}

#[test]
fn a_file_that_nests_too_deeply_is_told_and_not_looked_at() {
    let many = 100_000;
    let texts = [
        format!("x = {}1{}\n", "(".repeat(many), ")".repeat(many)),
        "(".repeat(many),
        format!("x = {}1\n", "-".repeat(many)),
        format!("x = {}1\n", "not ".repeat(many)),
        format!("x = {}1\n", "lambda a, b: ".repeat(many)),
        format!("x = {}1\n", "1 if a else ".repeat(many)),
        format!("x = {}1\n", "1 + ".repeat(many)),
        format!("x = {}1\n", "1 ** ".repeat(many)),
        format!("x = a{}\n", ".b".repeat(many)),
        format!("x = a{}\n", "(1, 2)".repeat(many)),
        format!("x = {}\n", "[0, ".repeat(many)),
        format!("x = {}\n", "f'{".repeat(many)),
        format!("match x:\n    case {}:\n        pass\n", "[".repeat(many)),
        indented(2_010),
        "class A: ".repeat(many),
    ];
    for text in texts {
        let project = project(&[("x.py", &text)]);
        let sources = find(&project);
        let loaded = sources.load(module(&sources, "x.py")).unwrap();
        let start = text.get(..40).unwrap_or(&text);
        assert!(loaded.syntax.body.is_empty(), "{start}");
        assert_eq!(
            loaded.errors[0].text, "the file nests deeper than 2000 levels and was not looked at",
            "{start}"
        );
    }
}

#[test]
fn the_deepest_that_is_looked_at_needs_no_more_stack_than_any_thread_has() {
    let many = 900;
    let texts = [
        format!("x = {}1{}\n", "(".repeat(many), ")".repeat(many)),
        format!("x = {}1{}\n", "[".repeat(many), "]".repeat(many)),
        format!("x = {}1\n", "-".repeat(many)),
        format!("x = {}1\n", "lambda: ".repeat(many)),
        format!("x = {}1\n", "1 + ".repeat(many)),
        format!("x = a{}\n", "()".repeat(many)),
    ];
    for text in texts {
        let project = project(&[("x.py", &text)]);
        let sources = find(&project);
        let loaded = sources.load(module(&sources, "x.py")).unwrap();
        assert_eq!(loaded.errors, [], "{}", &text[..20]);
        assert_eq!(loaded.syntax.body.len(), 1);
    }
}

#[test]
fn a_long_file_does_not_count_as_a_deep_one() {
    let many = 20_000;
    let texts = [
        format!("x = [{}]\n", "(1, -2), ".repeat(many)),
        format!("x = {{{}}}\n", "'a': f(1)[2].b + 1,\n".repeat(many)),
        format!("x = {}\n", "'a' ".repeat(many)),
        "if x:\n    y = a.b.c(1 + 2)\n".repeat(many),
        "async def f(a: int = 1) -> None:\n    return None\n".repeat(many),
    ];
    for text in texts {
        let project = project(&[("x.py", &text)]);
        let sources = find(&project);
        let loaded = sources.load(module(&sources, "x.py")).unwrap();
        assert_eq!(loaded.errors, [], "{}", &text[..40]);
    }
}

#[test]
fn a_bracket_that_is_never_closed_does_not_make_the_rest_deep() {
    let text = format!(
        "x = f(\n{}",
        "def g(a=1) -> int:\n    return a.b + 1\n\n".repeat(3_000)
    );
    let project = project(&[("x.py", &text)]);
    let sources = find(&project);
    let loaded = sources.load(module(&sources, "x.py")).unwrap();
    assert!(
        loaded.syntax.body.len() >= 3_000,
        "{:?}",
        &loaded.errors[..1]
    );
}

#[test]
fn a_file_that_is_too_large_is_told() {
    let project = project(&[("x.py", &"# x\n".repeat(1_100_000))]);
    let sources = find(&project);
    let loaded = sources.load(module(&sources, "x.py")).unwrap();
    assert_eq!(
        loaded.errors[0].text,
        "the file is larger than 4 MiB and was not looked at"
    );
}

#[test]
fn public_comments_are_comments_with_their_lines() {
    let text = "x = '# sealgate: public(no comment)'\n@get('/')  # sealgate: public(health)\ndef f():\n    # sealgate: public(b)\n    ...\n";
    let project = project(&[("x.py", text)]);
    let sources = find(&project);
    let comments = sources.public_comments(module(&sources, "x.py"));
    assert_eq!(comments, [(2, "health".to_owned()), (4, "b".to_owned())]);
}

#[test]
fn what_was_loaded_stays_where_it_is() {
    let project = project(&[("x.py", "a = 1\n\nb = 2\n"), ("y.py", "c = 3\n")]);
    let sources = find(&project);
    let all: Vec<_> = sources.modules().collect();
    sources.preload(&all, &|_| {});
    let [x, y] = all[..] else { panic!("{all:?}") };
    let first: *const _ = sources.load(x).unwrap();
    assert!(std::ptr::eq(first, sources.load(x).unwrap()));
    let range = {
        use ruff_text_size::Ranged;
        sources.load(x).unwrap().syntax.body[1].range()
    };
    assert_eq!(sources.text(x, range), "b = 2");
    assert_eq!(sources.line(x, range), 3);
    assert_eq!(sources.line(y, range.start()), 2);
    assert_eq!(sources.lines(), 4);
}

#[test]
fn files_in_memory_are_a_project_like_any_other() {
    let sources = Sources::in_memory([
        (
            "app/main.py".to_owned(),
            "from app.auth import user\napp = make()\n",
        ),
        ("app/auth.py".to_owned(), ""),
        ("tests/test_main.py".to_owned(), "app = make()\n"),
    ]);
    assert_eq!(names(&sources), ["app.auth", "app.main", "tests.test_main"]);
    assert_eq!(candidates(&sources), ["app/main.py"]);
    assert_eq!(
        import(&sources, "app/main.py", "app.auth"),
        Some("app/auth.py")
    );
    assert_eq!(
        sources
            .load(module(&sources, "app/main.py"))
            .unwrap()
            .syntax
            .body
            .len(),
        2
    );
}

#[test]
fn many_files_are_read_by_many_threads_and_stay_in_order() {
    let files = (0..300).map(|number| {
        let app = if number % 3 == 0 { "app = make()" } else { "" };
        (format!("m{number:03}.py"), format!("{app}\nx = {number}\n"))
    });
    let sources = Sources::in_memory(files);
    let told = std::sync::Mutex::new(Vec::new());
    let all: Vec<_> = sources.modules().collect();
    sources.preload(&all, &|progress| told.lock().unwrap().push(progress));
    assert_eq!(candidates(&sources).len(), 100);
    assert!(candidates(&sources).is_sorted());
    assert_eq!(sources.lines(), 600);
    assert_eq!(
        told.into_inner().unwrap().last(),
        Some(&super::Progress::Parsed(300))
    );
    for (id, number) in sources.modules().zip(0..) {
        let text = &sources.load(id).unwrap().text;
        assert!(text.ends_with(&format!("x = {number}\n")), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn links_that_go_in_circles_and_names_that_are_no_text_do_no_harm() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let project = project(&[("app/x.py", "")]);
    let root = project.path().join("project");
    symlink(&root, root.join("app/again")).unwrap();
    symlink("nowhere.py", root.join("app/broken.py")).unwrap();
    symlink("x.py", root.join("app/y.py")).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"na\xffme.py")), "import os\n").unwrap();
    let sources = find(&project);
    assert_eq!(files(&sources), ["app/x.py", "app/y.py", "na\u{fffd}me.py"]);
    assert!(sources.load(module(&sources, "na\u{fffd}me.py")).is_some());
    let skipped: Vec<_> = sources
        .skipped()
        .iter()
        .map(|it| (&*it.file, &*it.reason))
        .collect();
    assert_eq!(
        skipped,
        [("app/again", "a symbolic link to a folder is not followed")]
    );
}

#[test]
fn a_file_that_went_away_is_none() {
    let project = project(&[("x.py", "")]);
    let sources = find(&project);
    fs::remove_file(project.path().join("project/x.py")).unwrap();
    assert!(sources.load(module(&sources, "x.py")).is_none());
}

/// Python, or nearly.
fn nearly_python() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(
            &[
                "def ",
                "class ",
                "async ",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                ":",
                "\n",
                "\n    ",
                "\n\t",
                "lambda ",
                "f'",
                "t\"",
                "'",
                "\"\"\"",
                "match ",
                "case ",
                "x",
                "@",
                "if ",
                "else ",
                "not ",
                ".",
                ",",
                "=",
                ":=",
                "import ",
                "from ",
                "\\",
                "\\\n",
                "#",
                "\r",
                "\u{feff}",
                "type ",
                "await ",
                "*",
                "**",
                "-> ",
                "1",
                "\0",
                "é",
                "{{",
                "!r",
                "with ",
                "try:",
                "except*",
                "lazy ",
                "yield ",
                "# sealgate: public(",
            ][..]
        )
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_the_bytes_are_they_are_parsed(bytes in nearly_python()) {
        let length = bytes.len();
        let loaded = super::parse::parse(bytes);
        let text = u32::try_from(loaded.text.len()).unwrap();
        prop_assert!(loaded.text.len() <= length * 3);
        prop_assert!(loaded.errors.iter().all(|error| u32::from(error.range.start()) <= text && error.line >= 1));
        prop_assert!(loaded.errors.iter().all(|error| error.text != "the parser gave up"));
    }
}
