// Links libnumloss: where it is, pkg-config tells.
use std::process::Command;

fn main() {
    let output = Command::new("pkg-config")
        .args(["--variable=libdir", "numloss"])
        .output()
        .expect("pkg-config runs");
    assert!(
        output.status.success(),
        "pkg-config finds no numloss: set PKG_CONFIG_PATH to the folder of numloss.pc"
    );
    let folder = String::from_utf8(output.stdout).expect("a path in UTF-8");
    let folder = folder.trim();
    println!("cargo:rustc-link-arg={folder}/libnumloss.so.1");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
}
