//! The corpora of the fuzz targets, under plain `cargo test`.

use std::fs;
use std::path::Path;

fn run(target: &str, least: usize, function: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("the corpus").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= least, "only {} files in {}", files.len(), folder.display());
    for file in files {
        // The name is seen when the function panics: the test captures it.
        println!("{}", file.display());
        function(&fs::read(file).unwrap());
    }
}

#[test]
fn frames() {
    run("frames", 20, chat_testkit::fuzz::frames);
}
