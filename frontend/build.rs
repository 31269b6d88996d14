//! How the browser's code is linked.

fn main() {
    // Without merging equal ends of texts: a text that two rooms share in part would keep the texts of all rooms in the first file.
    println!("cargo::rustc-link-arg-cdylib=-O0");
    println!("cargo::rerun-if-changed=build.rs");
}
