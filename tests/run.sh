#!/usr/bin/env bash
# Every gate, cheapest first, in one profile so that nothing is compiled twice. Goes on after a failure, so that one
# run shows all of them; ends with a summary and a line of totals, and fails if anything failed.
#
# VIVANT_REQUIRE=vulkan,openxr,content makes the tests fail where they would skip for lack of these; `content` is
# ../shared/content or $VIVANT_CONTENT. What was skipped is listed at the end in any case.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
log=$target/tests.log
mkdir -p "$target"
: >"$log"

failures=()
skips=()

# gate NAME COMMAND...: runs it, times it, notes whether it failed.
gate() {
    local name=$1 started=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@"; then
        printf -- '-- %s: %d s\n' "$name" $((SECONDS - started))
    else
        printf -- '-- %s: FAILED after %d s\n' "$name" $((SECONDS - started))
        failures+=("$name")
    fi
}

# skip NAME WHY [WORD]: notes it, or fails when VIVANT_REQUIRE has the word.
skip() {
    printf '\n== %s\nSKIP: %s\n' "$1" "$2"
    case ,${VIVANT_REQUIRE:-}, in
    *",${3:-never},"*) failures+=("$1: $2") ;;
    *) skips+=("$1: $2") ;;
    esac
}

cargo_test() { cargo test --release --workspace --no-fail-fast -- --show-output 2>&1 | tee "$log"; }
cargo_doc() { RUSTDOCFLAGS='-D warnings' cargo doc --release --workspace --no-deps; }
spirv_valid() {
    local file
    for file in shaders/spv/*.spv; do
        spirv-val --target-env vulkan1.1 "$file" || return 1
    done
}

gate setup samples/setup.sh tests
gate format cargo fmt --all --check
gate clippy cargo clippy --release --workspace --all-targets -- -D warnings
gate tests cargo_test
gate documentation cargo_doc
gate "shaders are as compiled" cargo run --release -p vivant-shaders --features compile -- --check
if command -v spirv-val >/dev/null 2>&1; then
    gate spirv-val spirv_valid
else
    skip spirv-val "spirv-val is not installed" vulkan
fi
if cargo deny --version >/dev/null 2>&1; then
    gate cargo-deny cargo deny --offline check bans licenses sources
else
    skip cargo-deny "cargo-deny is not installed"
fi
if command -v typos >/dev/null 2>&1; then
    gate typos typos
else
    skip typos "typos is not installed"
fi

# A test that skips says so in its output, which cargo prints under "---- name stdout ----"; such a test counts as
# skipped and not as passed.
read -r passed failed skipped < <(awk '
    /^test result:/ { passed += $4; failed += $6; ignored += $8 }
    /^---- .* ----$/ { said = 0 }
    /^SKIP:/ && !said { said = 1; skipped++ }
    END { print passed - skipped, failed + 0, ignored + skipped }
' "$log")
while IFS= read -r line; do skips+=("$line"); done < <(sed -n 's/^SKIP: *//p' "$log" | sort | uniq -c | sed 's/^ *1 //; s/^ *\([0-9]*\) \(.*\)/\2 (\1 times)/')

printf '\n== summary\n'
if [ ${#skips[@]} -gt 0 ]; then printf 'skipped: %s\n' "${skips[@]}"; fi
if [ ${#failures[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failures[@]}"
    # A gate that fails outside the tests must not leave a line that says all is well.
    [ "$failed" -gt 0 ] || failed=${#failures[@]}
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" $((skipped + 0))
[ ${#failures[@]} -eq 0 ]
