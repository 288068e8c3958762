//! What files come to. The expected values are those of `starlark` 0.13, which Codex 0.169 is built with.

use std::time::{Duration, Instant};

use super::{Plain, run};

/// What `show(...)` was called with, or the first thing that is wrong.
fn shown(text: &str) -> Result<Vec<String>, String> {
    let calls = run(text, &["show"]).map_err(|stops| stops[0].message.clone())?;
    let text = |(_, plain): &(Option<String>, Plain)| match plain {
        Plain::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    Ok(calls.iter().flat_map(|call| call.arguments.iter().map(text)).collect())
}

#[track_caller]
fn shows(text: &str, expected: &[&str]) {
    assert_eq!(
        shown(text).as_deref(),
        Ok(&*expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()),
        "{text}"
    );
}

#[track_caller]
fn fails(text: &str, message: &str) {
    let found = shown(text).expect_err(text);
    assert!(found.contains(message), "{text}: {found}");
}

/// What comes out of `repr` and `str` may be a word of a pattern.
#[test]
fn values_are_written_as_there() {
    shows(r#"show(repr("é\u2028🎉\x1b\x7f\t\"'\\"))"#, &[r#""\xe9\u2028\U0001f389\x1b\x7f\t\"'\\""#]);
    shows("show(str(['é', ('b',), {1: None}]))", &[r#"["\xe9", ("b",), {1: None}]"#]);
    shows(
        "show(str(range(3)), str(range(2, 5)), str(0.5), str(100000.0))",
        &["range(3)", "range(2, 5)", "0.5", "100000.0"],
    );
    shows("show(*'a\\nb\\r\\nc\\rd\\r'.splitlines())", &["a", "b", "c", "d"]);
    shows("show('''a\rb\r\nc''')", &["ab\nc"]);
    fails("show(str(range(0, 10, 3)))", "is not written");
    fails("show(str(range(5, 0)), str(range(-2)))", "is not written");
    shows(r#"show(repr("Āσ\u0300"))"#, &[r#""Āσ\u0300""#]);
    fails("show(str(1000000.5))", "is not written");
    fails("show(str(len))", "a function is not written");
    fails("show(str(lambda: 1))", "a function is not written");
    fails("show(str(1 == 1.0))", "is not compared");
    fails("show(str(1.0 in [1]))", "is not compared");
    fails("show('abc'[None:2])", "is no place");
    fails("show('{} {0}'.format('a'))", "count by themselves");
    fails("show('{0} {}'.format('a'))", "count by themselves");
    fails("show('{a.b}'.format(**{'a.b': 'x'}))", "only a name");
}

#[test]
fn names_functions_and_scopes() {
    shows(
        "def outer():\n  x = ['a']\n  def inner(y):\n    return x + [y]\n  return inner\nshow(*outer()('b'))",
        &["a", "b"],
    );
    shows("x = 1\ndef f():\n  x = 2\n  return x\nshow(str(f()), str(x))", &["2", "1"]);
    shows("def f():\n  return later\nlater = 'z'\nshow(f())", &["z"]);
    shows(
        "def f(a, *args, b='k', **kw):\n  return [a] + list(args) + [b] + sorted(kw.keys())\nshow(*f('1', '2', b='3', c='4'))",
        &["1", "2", "3", "c"],
    );
    shows("f = lambda a, b='c': [a, b]\nshow(*f('x'))", &["x", "c"]);
    shows("x = ['q']\ny = [x for x in ['a']]\nshow(*(x + y))", &["q", "a"]);
    shows("a, (b, c) = 'a', ['b', 'c']\nshow(a, b, c)", &["a", "b", "c"]);
    shows("l = [1]\nm = l\nl += [2]\nshow(str(m))", &["[1, 2]"]);
    shows("def f():\n  for i in [1]:\n    return 'ok'\nshow(f())", &["ok"]);
    fails("def f():\n  y = x\n  x = 3\nx = 1\nf()", "`x` has no value yet");
    fails("def f():\n  undefined()", "the name `undefined` is not known");
    fails("y = [z for z in y]", "has no value yet");
    fails("x += 1", "has no value yet");
    fails("def f(a): return a\nf()", "`f` needs the argument `a`");
    fails("def f(a): return a\nf(1, 2)", "does not take so many");
    fails("def f(a): return a\nf(1, a=2)", "stands twice");
    fails("def f(a): return a\nf(b=1)", "needs the argument `a`");
    fails("def f(a=1, b): pass", "cannot stand here");
    fails("def f(x: str): pass", "types are not supported");
    fails("return 3", "outside of a function");
    fails("break", "outside of a loop");
    fails("x = [1]\nfor i in x:\n  x.append(2)", "cannot be changed while a loop");
    fails("fail('no', 3)", "the file calls `fail`: no 3");
}

#[test]
fn operators_and_functions() {
    shows(
        "show(str(-7 // 2), str(-7 % 3), str(7 // -2), str(7 % -3), str(1 << 4), str(~5))",
        &["-4", "2", "-4", "-2", "16", "-6"],
    );
    shows("show(str(1 == True), str(3 not in [1]), str(1 + 2 == 3 and not 2 > 3))", &["False", "True", "True"]);
    shows("show('a' if False else 'b', 'x' and 'y', '' or 'z')", &["b", "y", "z"]);
    shows("show(str(list(range(5, 0, -2))), str(len(range(0, 10, 3))))", &["[5, 3, 1]", "4"]);
    shows(
        "l = [3, 1, 2]\nshow(str(sorted(l)), str(max(l)), str(l[1:3]), str(l[::-1]), str(l[-2:]))",
        &["[1, 2, 3]", "3", "[1, 2]", "[2, 1, 3]", "[1, 2]"],
    );
    shows(
        "d = {'b': 1}\nd['a'] = 2\nshow(str(d), str(d.items()), str(d.get('q', 7)))",
        &["{\"b\": 1, \"a\": 2}", "[(\"b\", 1), (\"a\", 2)]", "7"],
    );
    shows("show(*sorted(['b', 'a', 'C'], key=lambda x: x.lower(), reverse=True))", &["C", "b", "a"]);
    shows("show(str(zip([1, 2], ['x'])), str(enumerate(['a'])))", &["[(1, \"x\")]", "[(0, \"a\")]"]);
    fails("1 < 2 < 3", "cannot be chained");
    fails("x = 'a' < 3", "does not work between values of types `string` and `int`");
    fails("x = 1 // 0", "no result of 64 bits");
    fails("sorted([1, 'a'])", "numbers or texts");
    fails("for c in 'abc': pass", "cannot be gone through");
    fails("x = {'a': 1, 'a': 2}", "stands twice");
    fails("x = {[1]: 2}", "cannot be a key");
}

#[test]
fn texts() {
    shows(
        r#"show("\x41\u0042\103\q", r"a\nb", 'a\
b', """x
y""")"#,
        &["ABC\\q", "a\\nb", "ab", "x\ny"],
    );
    shows(
        "y = 3\nz = 'q'\nshow(f'{y} {z!r} {{}}', '%s-%r-%d-%%' % ('a', 'b', 3), '{0}{1}{0}{x!r}'.format('a', 'b', x='q'))",
        &["3 \"q\" {}", "a-\"b\"-3-%", "aba\"q\""],
    );
    shows(
        "show(*('a,b,,c'.split(',') + 'a.b.c'.rsplit('.', 1) + list('a-b'.partition('-'))))",
        &["a", "b", "", "c", "a.b", "c", "a", "-", "b"],
    );
    shows(
        "show('aXb'.replace('X', '-'), 'xxaxx'.strip('x'), str('é😀a'.find('a')), 'é😀'[1])",
        &["a-b", "a", "2", "😀"],
    );
    fails("x = 'abc\ny = 2", "does not end in its line");
    fails("x = '''abc", "does not end");
    fails("x = f'{a + b}'", "is no name");
    fails("x = 'a' 'b'", "the end of the line");
    fails("x = '\\ud800'", "names no character");
}

#[test]
fn lines_and_blocks() {
    shows("if 1: show('one')\nelse: show('two')\n", &["one"]);
    shows(
        "for i in range(5):\n  if i == 1:\n    continue\n  elif i == 3:\n    break\n  else:\n    show(str(i))",
        &["0", "2"],
    );
    shows("\r\n# c\r\nif True:\r\n\r\n  # d\r\n  show('a')\r\n", &["a"]);
    shows("x = (1\n + 2)\ny = 1 \\\n  + 2\nshow(str(x), str(y)); show('z');", &["3", "3", "z"]);
    fails("if True:\nshow('a')", "further to the right");
    fails("if True:\n    x = 1\n  y = 2", "at which no block does");
    fails("  show('a')", "further to the right");
    fails("if True:\n\tshow('a')", "begins with a tab");
    fails("while True: pass", "`while` is a reserved word");
    fails("load('a', 'b')", "`load` is not known");
    fails("x = [1, 2\n", "not closed");
    fails("x = 5 $ 3", "`$` means nothing here");
}

#[test]
fn hostile_files_end_soon() {
    let nested = |open: &str, close: &str| format!("x = {}1{}", open.repeat(5_000), close.repeat(5_000));
    let files = [
        "x = 'a' * 10000000000000".to_owned(),
        "x = [0] * 10000000000000".to_owned(),
        "x = 'a'\nfor i in range(1000): x = x + x".to_owned(),
        "x = [1]\nfor i in range(1000): x = x + x".to_owned(),
        "x = 'a'\nfor i in range(1000): x = x.replace('a', 'aa')".to_owned(),
        "x = 'a'\nfor i in range(1000): x = '%s%s' % (x, x)".to_owned(),
        "x = list(range(1000000000000))".to_owned(),
        "for i in range(1000000000000): pass".to_owned(),
        "x = [i for i in range(10000) for j in range(10000)]".to_owned(),
        "x = {str(i): i for i in range(100000)}".to_owned(),
        "x = []\nfor i in range(1000000): x.insert(0, i)".to_owned(),
        "x = ['a' * 10000] * 100\nfor i in range(1000): show(str(i), x, x, x)".to_owned(),
        "x = [1] * 100000\nfor i in range(1000000): x * 0".to_owned(),
        "x = [1] * 100000\nfor i in range(1000000): [] == x".to_owned(),
        "x = 'a' * 1000000\ny = x + ''\nfor i in range(1000000): x == y".to_owned(),
        "x = 'a' * 1000000\nfor i in range(1000000): len(x)".to_owned(),
        "x = 'a' * 1000000\nfor i in range(1000000): x.count('aa')".to_owned(),
        "def f(n): return f(n)\nf(1)".to_owned(),
        "def f(n): return [f(n) for i in [1]]\nf(1)".to_owned(),
        "f = lambda: f()\nf()".to_owned(),
        "x = []\nx.append(x)\nshow(str(x))".to_owned(),
        "x = []\nx.append(x)\ny = []\ny.append(y)\nz = x == y".to_owned(),
        "x = []\nfor i in range(100000): x = [x]\nshow(str(x))".to_owned(),
        "x = []\nfor i in range(100000): x = (x,)\ny = x < x".to_owned(),
        "d = 1\nfor i in range(100000):\n  def f(a=d): pass\n  d = f\nshow(d)\nx = 1 // 0".to_owned(),
        nested("[", "]"),
        nested("(", ")"),
        nested("-", ""),
        nested("not ", ""),
        nested("lambda: ", ""),
        nested("1 if 2 else ", ""),
        nested("[1 for i in ", "]"),
        format!("x = 1{}", " + 1".repeat(5_000)),
        format!("x = y{}", ".a".repeat(5_000)),
        format!("x = y{}", "[0]".repeat(5_000)),
        format!("x = [1 {}]", "for i in [1] ".repeat(5_000)),
        (0..1_000).map(|depth| format!("{}if True:\n", " ".repeat(depth))).collect::<String>(),
        "x = 1\n".repeat(300_000),
        "\"".repeat(100_001),
        "x = '''".to_owned(),
        "(".repeat(100_000),
    ];
    for file in files {
        let began = Instant::now();
        assert!(run(&file, &["show"]).is_err(), "{:.60}", file);
        assert!(began.elapsed() < Duration::from_secs(10), "{:.60}", file);
    }
}

#[test]
fn deep_calls_fit_the_stack_of_a_thread() {
    // As deep as calls, blocks and expressions can be together.
    let blocks: String = (1..20).map(|depth| format!("{}if True:\n", " ".repeat(depth))).collect();
    let brackets = format!("{}f(n){}", "[".repeat(35), "]".repeat(35));
    let file = format!("def f(n):\n{blocks}{}return {brackets}\nf(1)", " ".repeat(20));
    let run = move || run(&file, &[]).unwrap_err()[0].message.clone();
    let message = std::thread::Builder::new().stack_size(1024 * 1024).spawn(run).unwrap().join().unwrap();
    assert!(message.contains("nested deeper"), "{message}");
}

#[test]
fn random_files_end_without_a_panic() {
    let words = [
        "x",
        "y",
        "f",
        "show",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "=",
        "+=",
        "+",
        "-",
        "*",
        "**",
        "//",
        "%",
        "<<",
        ">>",
        "==",
        "<",
        "in",
        "not",
        "and",
        "or",
        "if",
        "else",
        "elif",
        "for",
        "def",
        "return",
        "lambda",
        "break",
        "pass",
        "1",
        "0",
        "-1",
        "3.5",
        "9223372036854775807",
        "'a'",
        "'%s%d%'",
        "'{}{x}{0}'",
        "f'{x}'",
        "f'{'",
        "\"\\x4\"",
        "None",
        "True",
        ".append",
        ".join",
        ".split",
        ".format",
        ".get",
        ".pop",
        ".items",
        "range",
        "sorted",
        "dict",
        "zip",
        "str",
        "len",
        "max",
        "int",
        "\n",
        "\n  ",
        "\n    ",
        "\n",
        ";",
        "#",
        "é",
        "😀",
        "\t",
        "\\\n",
        "\r\n",
    ];
    let whole =
        "x = [1, 'a', {}]\nfor y in x:\n  show(str(y))\ndef f(a, b=1, *c, **d):\n  return [a for a in x if a]\nf(x)\n";
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut fine = 0;
    for round in 0..10_000 {
        let mut file: Vec<String> = if round % 2 == 0 {
            whole.split_inclusive([' ', '(', ')', ',', '\n']).map(str::to_owned).collect()
        } else {
            Vec::new()
        };
        for _ in 0..=random(12) {
            let at = random(file.len() + 1);
            file.insert(at, format!("{} ", words[random(words.len())]));
        }
        fine += usize::from(run(&file.concat(), &["show"]).is_ok());
    }
    assert!((100..9_500).contains(&fine), "{fine}");
}
