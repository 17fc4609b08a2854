//! What C must agree on, listed: sizes, alignments, offsets, constants. Held against include/layout.txt, which the C
//! and C++ compilers are held against by the tests of the workspace.
//!
//! `VIVANT_WRITE=1` writes the file; a change there is a change of the interface and wants a line in API_CHANGES.md.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write;

use crate::audio::*;
use crate::budget::*;
use crate::engine::*;
use crate::event::*;
use crate::log::*;
use crate::memory::*;
use crate::offscreen::*;
use crate::player::*;
use crate::result::*;
use crate::snapshot::*;
use crate::strings::*;
use crate::version::*;
use crate::view::*;

/// Lines for a struct and its fields. That the fields fill it is checked: none is forgotten, and there is no padding.
macro_rules! layout {
    ($out:ident, $name:ident { $($field:ident),* $(,)? }) => {{
        let mut filled = 0;
        let (size, align) = (size_of::<$name>(), align_of::<$name>());
        writeln!($out, "struct {} size {size} align {align}", stringify!($name)).unwrap();
        $(
            let size = size_of_field(|value: &$name| &value.$field);
            let offset = std::mem::offset_of!($name, $field);
            assert_eq!(offset, filled, "padding before {}.{}", stringify!($name), stringify!($field));
            filled += size;
            writeln!($out, "field {}.{} offset {offset} size {size}", stringify!($name), stringify!($field)).unwrap();
        )*
        assert_eq!(filled, size_of::<$name>(), "fields of {} are missing, or it is padded", stringify!($name));
    }};
}

macro_rules! constants {
    ($out:ident, $($name:ident),* $(,)?) => {
        $( writeln!($out, "constant {} {}", stringify!($name), $name).unwrap(); )*
    };
}

fn size_of_field<T, F>(_field: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

fn structs(out: &mut String) {
    layout!(out, vvt_str { ptr, len });
    layout!(out, vvt_chain { struct_type, struct_size, next });
    layout!(
        out,
        vvt_engine_desc { struct_size, abi_version, next, log, log_user, log_level, flags, device_name }
    );
    layout!(out, vvt_event { struct_size, kind, player, result, reserved });
    layout!(out, vvt_source { struct_size, flags, next, path, data, data_len });
    layout!(
        out,
        vvt_player_desc {
            struct_size,
            flags,
            next,
            budget_bytes,
            lookahead_ns,
            rate,
            loop_mode,
            reserved,
            budget
        }
    );
    layout!(
        out,
        vvt_player_snapshot {
            struct_size,
            state,
            position_ns,
            duration_ns,
            bounds_min,
            bounds_max,
            splats,
            rate,
            loop_mode,
            flags,
            underruns,
            held_updates,
            held_bytes,
            resident_segments,
            last_error,
            lod,
            playable_lod,
        }
    );
    layout!(out, vvt_audio_desc { struct_size, flags, next, track, sample_rate, channels, reserved });
    layout!(
        out,
        vvt_audio_info {
            struct_size,
            flags,
            start_ns,
            duration_ns,
            position,
            track_gain,
            track_channels,
            channels,
            sample_rate,
            gain,
            read_frames,
            missing_frames,
            damaged_packets,
            jumps,
        }
    );
    layout!(out, vvt_audio_block { struct_size, missing_frames, media_time_ns, rate });
    layout!(
        out,
        vvt_view { world_from_view, position, orientation, fov_left, fov_right, fov_up, fov_down, flags }
    );
    layout!(out, vvt_instance { player, world_from_object, flags, reserved });
    layout!(out, vvt_offscreen_desc { struct_size, flags, next, width, height, views, reserved });
    layout!(
        out,
        vvt_draw {
            struct_size,
            flags,
            next,
            host_time_ns,
            views,
            instances,
            view_count,
            view_stride,
            instance_count,
            instance_stride,
            background,
        }
    );
    layout!(out, vvt_readback { struct_size, flags, next, rgba, rgba_bytes, depth, depth_bytes });
}

fn types_and_constants(out: &mut String) {
    for (name, size) in [
        ("vvt_audio", size_of::<vvt_audio>()),
        ("vvt_budget", size_of::<vvt_budget>()),
        ("vvt_engine", size_of::<vvt_engine>()),
        ("vvt_log_fn", size_of::<vvt_log_fn>()),
        ("vvt_offscreen", size_of::<vvt_offscreen>()),
        ("vvt_player", size_of::<vvt_player>()),
        ("vvt_result", size_of::<vvt_result>()),
    ] {
        writeln!(out, "type {name} size {size}").unwrap();
    }
    constants!(
        out,
        VVT_ABI_VERSION,
        VVT_OK,
        VVT_NOT_READY,
        VVT_TRUNCATED,
        VVT_STALE_FRAME,
        VVT_ERR_INVALID_ARG,
        VVT_ERR_BAD_HANDLE,
        VVT_ERR_BAD_STRUCT_SIZE,
        VVT_ERR_WRONG_THREAD,
        VVT_ERR_OUT_OF_MEMORY,
        VVT_ERR_OUT_OF_DEVICE_MEMORY,
        VVT_ERR_DEVICE_LOST,
        VVT_ERR_IO,
        VVT_ERR_BAD_CONTENT,
        VVT_ERR_UNSUPPORTED,
        VVT_ERR_MISSING_FEATURE,
        VVT_ERR_STATE,
        VVT_ERR_PANIC,
        VVT_LOG_ERROR,
        VVT_LOG_WARN,
        VVT_LOG_INFO,
        VVT_ENGINE_VALIDATION,
        VVT_EVENT_LOOPED,
        VVT_EVENT_ENDED,
        VVT_EVENT_UNDERRUN,
        VVT_EVENT_ERROR,
        VVT_EVENT_READY,
        VVT_EVENT_ADVANCED,
        VVT_LOOP_ONCE,
        VVT_LOOP_REPEAT,
        VVT_LOOP_PING_PONG,
        VVT_AUDIO_MASTER,
        VVT_AUDIO_POSITIONED,
        VVT_STATE_PAUSED,
        VVT_STATE_PLAYING,
        VVT_STATE_ENDED,
        VVT_SNAPSHOT_READY,
        VVT_SNAPSHOT_HOLDING,
        VVT_VIEW_POSE_MATRIX,
        VVT_OFFSCREEN_DEPTH,
    );
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_layout_is_the_agreed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/include/layout.txt");
    let mut listed = String::new();
    structs(&mut listed);
    types_and_constants(&mut listed);
    if std::env::var_os("VIVANT_WRITE").is_some() {
        std::fs::write(path, &listed).unwrap();
    }
    let agreed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(listed == agreed, "the layout changed: VIVANT_WRITE=1 writes it, API_CHANGES.md tells\n{listed}");
}
