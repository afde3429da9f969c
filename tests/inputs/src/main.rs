//! Seeds for the fuzzer, and one input through one target without it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line")]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

const USAGE: &str = "usage: tidemill-inputs seeds TARGET DIRECTORY   (writes the target's seeds there)
       tidemill-inputs run TARGET FILE...        (runs the target on each file; panics as it does)";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["seeds", target, directory] => seeds(target, Path::new(directory)),
        ["run", target, ref files @ ..] if !files.is_empty() => run(target, files),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn target(name: &str) -> Result<&'static tidemill_inputs::Target, String> {
    tidemill_inputs::target(name).ok_or_else(|| {
        let names: Vec<&str> = tidemill_inputs::ALL.iter().map(|target| target.name).collect();
        format!("there is no target `{name}`. There are: {}", names.join(", "))
    })
}

fn seeds(name: &str, directory: &Path) -> Result<(), String> {
    let seeds = (target(name)?.seeds)();
    let failed = |error: std::io::Error| format!("cannot write seeds to {}: {error}", directory.display());
    fs::create_dir_all(directory).map_err(failed)?;
    for (at, seed) in seeds.iter().enumerate() {
        fs::write(directory.join(format!("seed-{at:03}")), seed).map_err(failed)?;
    }
    println!("{} seeds of {name} in {}", seeds.len(), directory.display());
    Ok(())
}

fn run(name: &str, files: &[&str]) -> Result<(), String> {
    let target = target(name)?;
    for file in files {
        let input = fs::read(file).map_err(|error| format!("cannot read {file}: {error}"))?;
        (target.run)(&input);
        println!("{file}: the target takes it");
    }
    Ok(())
}
