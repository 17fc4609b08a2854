#!/usr/bin/env bash
# Installs what Vivant needs from the system, says what it does, and touches nothing when all is there.
#
#   samples/setup.sh demo     to build the player and show a clip: a C compiler and a Vulkan driver
#   samples/setup.sh tests    also what the tests use: validation layers, SPIR-V tools, OpenXR with Monado, Xvfb
#
# Where it may not install (not root and no sudo, or not an apt system) it prints the commands instead and fails.
# Debian 12's own software driver is too old; there the packages of Debian 13 are installed beside it, from the mirror
# the system already uses, pinned below everything else so that nothing else is upgraded by them later.
#
# VIVANT_SETUP_DRY_RUN=1 prints what would be run. VIVANT_SETUP_ROOT=DIR looks for files under DIR (to test this).
set -euo pipefail

MODE=${1:-demo}
DRY_RUN=${VIVANT_SETUP_DRY_RUN:-}
ROOT=${VIVANT_SETUP_ROOT:-}
# The oldest Mesa whose software driver passes the tests; Debian 13 has 25, Ubuntu 24.04 has 24 or later.
MESA_MIN=24
SUITE=trixie
PIN_FILE=$ROOT/etc/apt/preferences.d/vivant-$SUITE
SOURCE_FILE=$ROOT/etc/apt/sources.list.d/vivant-$SUITE.sources

say() { printf 'setup: %s\n' "$*"; }
die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

case $MODE in
demo | tests) ;;
*) die "unknown mode '$MODE': say 'demo' or 'tests'" ;;
esac

# ---- What is there ----------------------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }

# The first existing file of the given patterns, under ROOT.
have_file() {
    local pattern file
    for pattern in "$@"; do
        for file in "$ROOT"$pattern; do
            if [ -e "$file" ]; then return 0; fi
        done
    done
    return 1
}

have_compiler() { have cc && have_file /usr/include/stdlib.h /usr/include/*/stdlib.h /Library/Developer/CommandLineTools; }

# A Vulkan 1.1 device that is not a software driver of an old Mesa. What was found goes to $vulkan_found.
vulkan_found=
have_vulkan() {
    local summary
    have vulkaninfo || return 1
    summary=$(vulkaninfo --summary 2>/dev/null) || return 1
    vulkan_found=$(printf '%s\n' "$summary" | awk -v mesa_min="$MESA_MIN" -F ' *= *' '
        function judge(    v, software_version) {
            if (name == "") return
            split(api, v, ".")
            software_version = mesa_min
            if (type ~ /_CPU$/ && info ~ /Mesa [0-9]/) {
                software_version = info
                sub(/.*Mesa /, "", software_version)
            }
            if ((v[1] > 1 || (v[1] == 1 && v[2] >= 1)) && software_version + 0 >= mesa_min) {
                print name ", Vulkan " api
                found = 1
                exit
            }
        }
        /^GPU[0-9]+:/ { judge(); name = api = type = info = "" }
        /apiVersion/ { api = $2; sub(/ .*/, "", api) }
        /deviceType/ { type = $2 }
        /deviceName/ { name = $2 }
        /driverInfo/ { info = $2 }
        END { if (!found) judge() }
    ')
    vulkan_found=${vulkan_found%%$'\n'*}
    [ -n "$vulkan_found" ]
}

# A hardware vendor's driver, where there is no vulkaninfo to ask: its manifest and the loader.
have_vendor_driver() {
    have_file '/usr/lib*/libvulkan.so.1' '/usr/lib/*/libvulkan.so.1' &&
        have_file '/usr/share/vulkan/icd.d/nvidia*.json' '/etc/vulkan/icd.d/nvidia*.json' \
            '/usr/share/vulkan/icd.d/amd_*.json' '/etc/vulkan/icd.d/amd_*.json'
}

# ---- What is missing --------------------------------------------------------------------------------------------

missing=()
# need PACKAGE CHECK...: notes the package if the check fails.
need() {
    local package=$1
    shift
    "$@" || missing+=("$package")
}

list_missing() {
    missing=()
    need gcc have cc
    if ! have_compiler; then need libc6-dev false; fi
    if ! have_vulkan && { [ "$MODE" = tests ] || have vulkaninfo || ! have_vendor_driver; }; then
        need mesa-vulkan-drivers false
        need libvulkan1 false
        need vulkan-tools have vulkaninfo
    fi
    [ "$MODE" = tests ] || return 0
    need g++ have c++
    need vulkan-validationlayers have_file '/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json' \
        '/etc/vulkan/explicit_layer.d/VkLayer_khronos_validation.json'
    need libvulkan-dev have_file /usr/include/vulkan/vulkan.h
    need spirv-tools have spirv-val
    need glslang-tools have glslangValidator
    need monado-service have monado-service
    need libopenxr1-monado have_file '/usr/share/openxr/1/openxr_monado*.json'
    need libopenxr-loader1 have_file '/usr/lib/*/libopenxr_loader.so.1' '/usr/lib*/libopenxr_loader.so.1'
    need libopenxr-dev have_file /usr/include/openxr/openxr.h
    need libopenxr-utils have openxr_runtime_list
    need xvfb have Xvfb
    need xauth have xauth
    need libxkbcommon-x11-0 have_file '/usr/lib/*/libxkbcommon-x11.so.0' '/usr/lib*/libxkbcommon-x11.so.0'
    need libxcursor1 have_file '/usr/lib/*/libXcursor.so.1' '/usr/lib*/libXcursor.so.1'
    need libxi6 have_file '/usr/lib/*/libXi.so.6' '/usr/lib*/libXi.so.6'
}

# ---- Installing -------------------------------------------------------------------------------------------------

# How to become root: nothing, sudo, or 'none'.
become_root() {
    if [ "$(id -u)" = 0 ]; then
        echo
    elif have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        echo sudo
    else
        echo none
    fi
}

# run_root COMMAND...: runs it as root, or prints it.
run_root() {
    if [ -n "$DRY_RUN" ] || [ "$root" = none ]; then
        printf '%s\n' "$*"
    elif [ -n "$root" ]; then
        sudo "$@"
    else
        "$@"
    fi
}

# write_root FILE: standard input becomes the file, or is printed as the command that writes it.
write_root() {
    if [ -n "$DRY_RUN" ] || [ "$root" = none ]; then
        printf "cat >%s <<'END'\n%s\nEND\n" "$1" "$(cat)"
    elif [ -n "$root" ]; then
        sudo tee "$1" >/dev/null
    else
        tee "$1" >/dev/null
    fi
}

# apt_get ARGUMENTS...: without questions, tried twice because mirrors hiccup.
apt_get() {
    local command=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o "Dpkg::Options::=--force-confold" "$@")
    run_root "${command[@]}" && return 0
    say "apt-get $1 failed; trying once more"
    sleep 3
    run_root "${command[@]}"
}

# Fresh package lists. One broken source must not stop the rest: what counts is whether the packages can be had.
apt_update() { apt_get update || say "apt-get update failed twice; going on with the lists there are"; }

# The version of a package that apt would install now, empty if none.
candidate() { apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ && $2 != "(none)" { print $2; exit }'; }

# "URI KEYRING" of the Debian archive the system uses, from its own sources; the keyring may be missing.
archive() {
    local files=()
    local file
    for file in "$ROOT"/etc/apt/sources.list.d/*.sources; do
        if [ -f "$file" ]; then files+=("$file"); fi
    done
    if [ ${#files[@]} -gt 0 ]; then
        # Stanzas of "Field: value"; the archive is the one whose suites name a release and are not only -security.
        awk '
            function flush() {
                if (uri != "" && suites ~ /(^| )(bookworm|bullseye|stable|oldstable)( |$)/ && !done) {
                    print uri, key; done = 1
                }
                uri = suites = key = ""
            }
            FNR == 1 || /^[ \t]*$/ { flush() }
            /^URIs:/ { uri = $2 }
            /^Suites:/ { suites = $0; sub(/^Suites:[ \t]*/, "", suites) }
            /^Signed-By:/ { key = $2 }
            END { flush() }
        ' "${files[@]}"
    fi
    for file in "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/*.list; do
        if [ -f "$file" ]; then
            awk '
                $1 == "deb" {
                    line = $0; key = ""
                    if (match(line, /signed-by=[^] ]+/)) key = substr(line, RSTART + 10, RLENGTH - 10)
                    sub(/\[[^]]*\]/, "", line)
                    split(line, field, " ")
                    if (field[3] ~ /^(bookworm|bullseye|stable|oldstable)$/) { print field[2], key; exit }
                }
            ' "$file"
        fi
    done
}

# Adds the newer suite beside the system's own, pinned so low that nothing comes from it unasked.
add_suite() {
    local uri key
    read -r uri key < <(archive | head -n 1) || true
    [ -n "${uri:-}" ] || die "this system's Vulkan driver is too old (Mesa $(candidate mesa-vulkan-drivers), $MESA_MIN or" \
        "later is needed) and no Debian mirror was found in its apt sources: install Debian 13, or a newer Mesa"
    if [ -z "${key:-}" ] && have_file /usr/share/keyrings/debian-archive-keyring.gpg; then
        key=/usr/share/keyrings/debian-archive-keyring.gpg
    fi
    say "Mesa here is too old: adding Debian's $SUITE from the mirror this system uses, at priority 90"
    printf 'Package: *\nPin: release n=%s\nPin-Priority: 90\n' "$SUITE" | write_root "$PIN_FILE"
    {
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$SUITE"
        if [ -n "${key:-}" ]; then printf 'Signed-By: %s\n' "$key"; fi
    } | write_root "$SOURCE_FILE"
    apt_update
}

install_with_apt() {
    local from=() version
    root=$(become_root)
    if [ -n "$DRY_RUN" ] || [ "$root" = none ]; then
        say "to install them, run as root:"
    fi
    apt_update
    version=$(candidate mesa-vulkan-drivers)
    if [ -e "$PIN_FILE" ]; then
        from=(-t "$SUITE")
    elif ! dpkg --compare-versions "${version:-0}" ge "$MESA_MIN"; then
        # shellcheck disable=SC1091
        case $(. "$ROOT/etc/os-release" && echo "${ID:-}") in
        debian)
            add_suite
            from=(-t "$SUITE")
            ;;
        *)
            say "the newest Vulkan driver here is Mesa ${version:-(none)}; $MESA_MIN or later is needed for the software driver"
            ;;
        esac
    fi
    apt_get install --no-install-recommends ${from[@]+"${from[@]}"} "${missing[@]}" ||
        die "apt-get install failed twice (its own words are above): check the network and the package sources, then" \
            "run samples/setup.sh $MODE again"
    if [ -n "$DRY_RUN" ]; then exit 0; fi
    if [ "$root" = none ]; then die "not root and no sudo: nothing was installed"; fi
}

hint_elsewhere() {
    if [ "$(uname -s)" = Darwin ]; then
        say "on macOS: xcode-select --install; brew install molten-vk vulkan-loader vulkan-tools"
        if [ "$MODE" = tests ]; then say "  and: brew install vulkan-validationlayers spirv-tools glslang"; fi
    elif have dnf; then
        say "on Fedora: sudo dnf install gcc gcc-c++ mesa-vulkan-drivers vulkan-loader vulkan-tools"
        if [ "$MODE" = tests ]; then
            say "  and: sudo dnf install vulkan-headers vulkan-validation-layers spirv-tools glslang openxr-devel monado" \
                "xorg-x11-server-Xvfb xorg-x11-xauth"
        fi
    elif have pacman; then
        say "on Arch: sudo pacman -S gcc vulkan-swrast vulkan-icd-loader vulkan-tools (and your GPU's vulkan driver)"
        if [ "$MODE" = tests ]; then
            say "  and: sudo pacman -S vulkan-headers vulkan-validation-layers spirv-tools glslang openxr monado" \
                "xorg-server-xvfb xorg-xauth"
        fi
    else
        say "install what your system calls these: a C compiler, a Vulkan 1.1 driver with its loader, vulkan-tools"
    fi
    die "this is no apt system, so nothing was installed; run this again when it is done"
}

# ---- The work ---------------------------------------------------------------------------------------------------

if ! have cargo || ! have rustc; then
    if [ -x "$HOME/.cargo/bin/cargo" ]; then
        die "Rust is installed but not on the PATH: run '. \"\$HOME/.cargo/env\"' first"
    fi
    die "Rust is missing: install it with rustup (https://rustup.rs), then run this again"
fi

list_missing
if [ ${#missing[@]} -eq 0 ]; then
    say "all is there for the $MODE${vulkan_found:+ ($vulkan_found)}"
    exit 0
fi

say "missing for the $MODE: ${missing[*]}"
have apt-get || hint_elsewhere
install_with_apt
hash -r
list_missing
if [ ${#missing[@]} -gt 0 ]; then
    die "installed, but still missing: ${missing[*]}. If it is the driver, 'vulkaninfo --summary' says why"
fi
say "done${vulkan_found:+: $vulkan_found}"
