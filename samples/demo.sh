#!/usr/bin/env bash
# From a fresh clone to a performance on the screen: sets up, builds, makes a clip, shows it.
#
#   samples/demo.sh                        the built-in performer
#   samples/demo.sh INPUT... [OPTIONS...]  a file of your own: capture.ply, a folder of PLYs, a clip.vvt.
#                                          OPTIONS such as --axes go to `vivant convert` as they are
#
# Pictures are always made; a window opens too where there is a screen. What is up to date is not made again.
set -euo pipefail

case ${1:-} in
-h | --help)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

say() { printf '\n== %s\n' "$*"; }
die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# The first argument that names something that is there, absolute: the scripts work from the repository's root.
input=
arguments=()
for argument in "$@"; do
    if [ "${argument#-}" = "$argument" ] && [ -e "$argument" ]; then
        argument=$(cd "$(dirname "$argument")" && pwd)/$(basename "$argument")
        input=${input:-$argument}
    fi
    arguments+=("$argument")
done
if [ $# -gt 0 ] && [ -z "$input" ]; then
    die "none of '$*' is a file or folder that is there: samples/demo.sh [INPUT...] [OPTIONS...]"
fi

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
out=$target/demo
bin=$target/release
started=$SECONDS

samples/setup.sh demo

say "build"
cargo build --release -p vivant-cli -p vivant-performer
mkdir -p "$out"

# newer THAN FILE_OR_FOLDER...: whether any of them changed after the file THAN was made.
newer() {
    local than=$1
    shift
    [ ! -e "$than" ] || [ -n "$(find "$@" -newer "$than" -print 2>/dev/null | head -n 1)" ]
}

if [ -z "$input" ]; then
    clip=$out/performer.vvt
    if newer "$clip" "$bin/vivant-performer"; then
        say "make the performer: $clip"
        "$bin/vivant-performer" -o "$clip"
    fi
elif [ "${input##*.}" = vvt ]; then
    clip=$input
else
    name=$(basename "$input")
    clip=$out/${name%.*}.vvt
    # The same file with other options is another clip.
    printf '%s\n' "${arguments[@]}" >"$clip.wanted"
    if newer "$clip" "$input" "$bin/vivant" || ! cmp -s "$clip.wanted" "$clip.arguments"; then
        say "convert: $clip"
        rm -f "$clip.arguments"
        "$bin/vivant" convert "${arguments[@]}" -o "$clip"
        mv "$clip.wanted" "$clip.arguments"
    fi
    rm -f "$clip.wanted"
fi
stem=$out/$(basename "${clip%.*}")

say "what it is"
"$bin/vivant" info "$clip"

say "pictures"
made=("$stem-front.png" "$stem-close.png" "$stem-sheet.png")
backdrop=0.55,0.57,0.62
# Face to face with the performer; of another clip only the middle is known.
close=(--distance 1)
if [ -z "$input" ]; then close=(--camera samples/pictures/portrait-camera.json); fi
"$bin/vivant" render "$clip" --background $backdrop -o "${made[0]}"
"$bin/vivant" render "$clip" --background $backdrop "${close[@]}" -o "${made[1]}"
"$bin/vivant" render "$clip" --background $backdrop --mono --size 480x480 --sheet 15 -o "${made[2]}"

say "30 frames without a window"
"$bin/vivant" play "$clip" --headless 30

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ -t 0 ]; then
    say "a window: close it to go on"
    "$bin/vivant" play "$clip" || printf 'demo: the window did not open; the pictures are there all the same\n' >&2
fi

say "made in $((SECONDS - started)) s"
du -h "$clip" "${made[@]}" | awk -F '\t' '{ printf "%8s  %s\n", $1, $2 }'
printf '\nThe pictures are for parallel viewing: left eye on the left. To look around: %s play %s\n' "$bin/vivant" "$clip"
