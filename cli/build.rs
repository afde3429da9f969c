//! The templates of SmartModules are put into the binary: a file added to them is a reason to build it again.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../smartmodule-templates");
}
