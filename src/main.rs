//! The labrunner binary: everything it does is in the library.

fn main() -> std::process::ExitCode {
    labrunner::run()
}
