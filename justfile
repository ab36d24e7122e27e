# The words of daily work; .ci/run uses the same commands.

# Lists these words.
default:
    @just --list

# Opens the console on a real throwaway estate.
demo:
    cargo run --release --locked -- demo

# Runs every test.
test:
    tests/run

# Formats the code.
fmt:
    cargo fmt

# Fails on anything that format, clippy or the documentation complains about.
lint:
    .ci/run lint

# Fuzzes what reads outside bytes, with the stable compiler: `just fuzz --seconds 600 sql`.
fuzz *arguments:
    fuzz/run {{arguments}}

# Measures frames, bytes, the journal and the log pane.
bench:
    cargo bench --locked

# Draws the real panes to text and SVG.
screenshots:
    cargo run --locked -- __screenshots screenshots

# Writes the keys of every file that Midwatch reads into docs/reference.
reference:
    cargo run --locked -- schema --reference docs/reference

# Checks licences, bans and sources.
deny:
    cargo deny --locked check

# Does everything that CI does.
check:
    .ci/run
