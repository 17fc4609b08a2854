//! How a command ends: its exit code, and the one line that says what went wrong.

use std::process::ExitCode;

use crate::output;

/// What a command returns when it did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was asked for was done.
    Done,
    /// A check ran and found something; it has been said.
    Failed,
}

/// The result of every command.
pub(crate) type Result = anyhow::Result<Outcome>;

/// Bad input, or a command used wrongly.
const BAD_INPUT: u8 = 2;
/// No usable device.
const NO_DEVICE: u8 = 3;

/// The exit code of a command; an error is said on the way.
pub(crate) fn code(result: Result) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) => {
            output::error(&one_line(&error));
            ExitCode::from(code_of(&error))
        }
    }
}

/// The error and its causes, without those that the text before them quotes already.
fn one_line(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |line, cause| {
        if line.contains(&cause) {
            return line;
        }
        if line.is_empty() { cause } else { format!("{line}: {cause}") }
    })
}

/// The exit code of an error, by what the caller can do.
fn code_of(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        Some(vivant::Error::MissingFeature { .. } | vivant::Error::DeviceLost { .. }) => NO_DEVICE,
        _ => BAD_INPUT,
    }
}

/// Help and version go to standard output; what is wrong with the arguments is said in one line.
pub(crate) fn from_usage(usage: &clap::Error) -> ExitCode {
    if !usage.use_stderr() {
        output::text(usage.render().to_string().trim_end());
        return ExitCode::SUCCESS;
    }
    if usage.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::error("no command given; see vivant --help");
        return ExitCode::from(BAD_INPUT);
    }
    // The first paragraph is the message; tips and usage follow.
    let text = usage.render().to_string();
    let message: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let message = message.join(" ");
    output::error(&format!("{}; see --help", message.strip_prefix("error: ").unwrap_or(&message)));
    ExitCode::from(BAD_INPUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let source = || std::io::Error::other("disk on fire");
        let told = anyhow::Error::from(vivant::Error::io("a", "cannot read", source()));
        assert_eq!(one_line(&told), "a: cannot read: disk on fire");
        assert_eq!(one_line(&anyhow::Error::from(source()).context("a")), "a: disk on fire");
    }

    #[test]
    fn codes_follow_what_the_caller_can_do() {
        let code = |error: vivant::Error| code_of(&anyhow::Error::from(error).context("while testing"));
        assert_eq!(code(vivant::Error::invalid("x")), 2);
        assert_eq!(code(vivant::Error::unsupported("x")), 2);
        assert_eq!(code(vivant::Error::MissingFeature { what: "x".to_owned() }), 3);
        assert_eq!(code(vivant::Error::DeviceLost { doing: "x" }), 3);
        assert_eq!(code_of(&anyhow::anyhow!("x")), 2);
    }
}
