//! Gives the shared library the name by which programs look for it, which a plain cdylib does not carry: without it a
//! host linked by path would look for that path on every machine.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let argument = match system.as_str() {
        "linux" | "android" | "freebsd" => "-Wl,-soname,libvivant.so",
        "macos" | "ios" => "-Wl,-install_name,@rpath/libvivant.dylib",
        _ => return,
    };
    println!("cargo:rustc-cdylib-link-arg={argument}");
}
