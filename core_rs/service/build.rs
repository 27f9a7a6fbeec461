//! Compiles the wire contract; protox stands in for protoc, so that cargo alone suffices.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", proto.display());
    let files = [
        "approval", "audit", "decision", "account", "ledger", "limits", "terms", "policy", "rates",
        "clock",
    ]
    .map(|name| format!("creditgate/v1/{name}.proto"));
    let descriptors = protox::compile(files, [proto])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
