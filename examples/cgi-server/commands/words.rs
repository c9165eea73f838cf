// A CGI program in Rust: counts the words of the request's body.
use std::collections::BTreeMap;
use std::io::Read;

fn main() {
    let mut body = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut body) {
        eprintln!("the body is no UTF-8: {error}");
        std::process::exit(1);
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in body.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty()) {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    let entries: Vec<String> = counts.iter().map(|(word, n)| format!("\"{word}\":{n}")).collect();
    print!("content-type: application/json\n\n{{{}}}", entries.join(","));
}
