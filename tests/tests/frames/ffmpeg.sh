#!/usr/bin/env bash
# Plays the part of ffmpeg where there is none: the "videos" of the tests are luma already. It takes the arguments that the
# importer gives and refuses others, so that a change of these is seen.
set -euo pipefail
input=
filter=
output=
while [ $# -gt 0 ]; do
    case "$1" in
    -version) exit 0 ;;
    -nostdin | -an) ;;
    -v | -protocol_whitelist | -map | -pix_fmt | -f) shift ;;
    -i) shift; input=${1#file:} ;;
    -vf) shift; filter=$1 ;;
    pipe:1) output=$1 ;;
    *) echo "unknown argument $1" >&2; exit 2 ;;
    esac
    shift
done
if [ "$filter" != extractplanes=y ] || [ -z "$output" ]; then
    echo "no luma asked for" >&2
    exit 2
fi
if [ "$(head -c 6 "$input" | tr -d '\0')" = BROKEN ]; then
    echo "$input: Invalid data found when processing input" >&2
    exit 1
fi
exec cat "$input"
