use loom_github::Mode;

/// By the digits that git and GitHub use.
pub(super) fn of_digits(digits: &str) -> Option<Mode> {
    [
        Mode::File,
        Mode::Executable,
        Mode::Link,
        Mode::Submodule,
        Mode::Directory,
    ]
    .into_iter()
    .find(|mode| mode.digits() == digits)
}

/// Whether it has lines that can be read, edited and merged.
pub(super) fn is_regular(mode: Mode) -> bool {
    matches!(mode, Mode::File | Mode::Executable)
}
