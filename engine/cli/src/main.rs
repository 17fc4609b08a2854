//! `vivant`: converts, inspects and checks performances. One module a command, each with its `Args` and its `run`.
//!
//! Results go to standard output, everything else to standard error; what fails is said in one line. The exit code is
//! 0 when the command did what was asked, 1 when a check failed, 2 for bad input or use, 3 when no usable device is
//! there ([`exit`]).

mod audio;
mod camera;
mod convert;
mod device;
mod doctor;
mod exit;
mod export;
mod formats;
mod import;
mod info;
mod input;
mod labels;
mod look;
mod output;
mod pick;
mod play;
mod plot;
mod progress;
mod render;
mod sound;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Plays and makes volumetric performances: 4D Gaussian splats, in stereo, on Vulkan.
#[derive(Debug, Parser)]
#[command(name = "vivant", version, arg_required_else_help = true, infer_subcommands = false)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(convert::Args),
    Export(export::Args),
    Audio(audio::Args),
    Info(info::Args),
    Verify(verify::Args),
    Render(Box<render::Args>),
    Pick(pick::Args),
    Play(play::Args),
    Formats(formats::Args),
    Doctor(doctor::Args),
}

impl Command {
    fn run(self) -> exit::Result {
        match self {
            Self::Convert(args) => convert::run(&args),
            Self::Export(args) => export::run(&args),
            Self::Audio(args) => audio::run(&args),
            Self::Info(args) => info::run(&args),
            Self::Verify(args) => verify::run(&args),
            Self::Render(args) => render::run(&args),
            Self::Pick(args) => pick::run(&args),
            Self::Play(args) => play::run(&args),
            Self::Formats(args) => formats::run(&args),
            Self::Doctor(args) => doctor::run(&args),
        }
    }
}

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => exit::code(cli.command.run()),
        Err(usage) => exit::from_usage(&usage),
    }
}
