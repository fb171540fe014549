//! Names the shared library as programs look for it: by its name, not by the folder that it was built in.

fn main() {
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let argument = match system.as_str() {
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd" => "-Wl,-soname,libplimsoll_c.so",
        "macos" | "ios" => "-Wl,-install_name,@rpath/libplimsoll_c.dylib",
        _ => return,
    };
    println!("cargo::rustc-cdylib-link-arg={argument}");
    println!("cargo::rerun-if-changed=build.rs");
}
