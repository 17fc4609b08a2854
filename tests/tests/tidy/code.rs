//! Reading Rust just far enough: code without comments and strings, words, and the paths that start at `crate::`.

/// `text` with comments, strings and character literals blanked out, so that what is left is code.
pub(crate) fn without_comments_and_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| string(rest, &out)).or_else(|| character(rest));
        if let Some(length) = skipped {
            // Lines stay where they were.
            out.extend(rest[..length].chars().filter(|&c| c == '\n'));
            out.push(' ');
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// The code of a module without its inline tests, which may look further than the module does.
pub(crate) fn without_tests(code: &str) -> &str {
    let marker = code.match_indices("#[cfg(test)]").map(|(at, _)| at).find(|&at| {
        let after = code[at + "#[cfg(test)]".len()..].trim_start();
        after.starts_with("mod ")
            && after.split(['{', ';']).next().is_some_and(|head| code[at..].contains(&format!("{head}{{")))
    });
    marker.map_or(code, |at| &code[..at])
}

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(rest.len())
}

fn string(rest: &str, before: &str) -> Option<usize> {
    if let Some(body) = rest.strip_prefix('"') {
        let mut escaped = false;
        for (at, c) in body.char_indices() {
            match c {
                '"' if !escaped => return Some(at + 2),
                _ => escaped = c == '\\' && !escaped,
            }
        }
        return Some(rest.len());
    }
    // A raw string: r, hashes, a quote; not the end of a name that happens to end in r.
    let starts_word =
        !before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_') || before.ends_with('b');
    let hashes = rest.strip_prefix('r').filter(|_| starts_word)?;
    let count = hashes.len() - hashes.trim_start_matches('#').len();
    let body = hashes[count..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(count));
    Some(body.find(&end).map_or(rest.len(), |at| 2 + count + at + end.len()))
}

/// A character literal and not a lifetime: a quote two characters on, or an escape.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.strip_prefix('\'')?.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        // The character after the backslash may itself be a quote.
        chars.next()?;
        return chars.find(|&(_, c)| c == '\'').map(|(at, _)| at + 2);
    }
    chars.next().filter(|&(_, c)| c == '\'').map(|(at, _)| at + 2)
}

/// Whether `word` stands in `code` between characters that cannot be part of a name.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(part)
            && !code[at + word.len()..].chars().next().is_some_and(part)
    })
}

/// The first names after `crate::`, through one level of braces.
pub(crate) fn crate_paths(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        // `$crate::` and `crate::` alike, but not `my_crate::`.
        if code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            None => names.push(first_name(rest)),
            Some(group) => names.extend(group_members(group)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The first name of each member of a brace group whose opening brace has been read.
fn group_members(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' if depth > 0 => {}
            '}' | ',' => {
                names.push(first_name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

fn first_name(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn comments_strings_and_characters_are_no_code() {
    let text = r####"
        //! unsafe in a comment, /* not the start of another
        let a = "unsafe \" unsafe"; /* unsafe /* nested */ unsafe */ let b = 1;
        let c = r##"unsafe "# unsafe"##; let d = b"unsafe"; let e = br"unsafe";
        let f = '"'; let g = '\''; fn h<'a>(x: &'a str) { let i = 'x'; keep(); }
    "####;
    let code = without_comments_and_strings(text);
    assert!(!has_word(&code, "unsafe"), "{code}");
    for kept in ["let b = 1", "let g =", "fn h<'a>(x: &'a str)", "keep()"] {
        assert!(code.contains(kept), "{kept:?} is gone from {code}");
    }
    assert_eq!(code.lines().count(), text.lines().count());
    assert!(has_word(&without_comments_and_strings("fn f() { unsafe { g() } }"), "unsafe"));
    assert!(!has_word("#![expect(unsafe_code)] not_unsafe", "unsafe"));
}

#[test]
fn paths_from_the_crate_are_found() {
    let code = "use crate::clip::Clip; use crate::{Error, gpu::{queue, caps}, frame}; $crate::math::f(); my_crate::no();";
    assert_eq!(crate_paths(code), ["clip", "Error", "gpu", "frame", "math"]);
}

#[test]
fn tests_inside_a_module_are_cut_off() {
    let code = "use crate::clip; #[cfg(test)]\nmod tests { use crate::render; }";
    assert_eq!(crate_paths(without_tests(code)), ["clip"]);
    let outside = "#[cfg(test)]\nmod tests;\nuse crate::render;";
    assert_eq!(crate_paths(without_tests(outside)), ["render"]);
}
