/* vivant.h: the C interface of Vivant, which plays volumetric human performances in stereo. C99 and C++.
 *
 * Generated from ffi/src by the tests (VIVANT_WRITE=1): do not edit.
 *
 * Handles are 64-bit numbers; 0 is none, and one that is stale, of another kind or made up answers
 * VVT_ERR_BAD_HANDLE. Functions answer VVT_OK, a note above 0 or an error below 0, whose sentence vvt_last_error has.
 * Structs start with struct_size = sizeof(the struct) and grow at their end only; in all other fields zero is the
 * default, so begin with {0}. Elements of arrays have no size of their own; a stride beside the array gives it. What
 * a call is given is read before it returns and never kept, but for the log callback. Times are nanoseconds, lengths
 * metres, angles radians, matrices column-major.
 */

#ifndef VIVANT_H
#define VIVANT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(VVT_STATIC)
#  define VVT_API __declspec(dllimport)
#else
#  define VVT_API
#endif

// Version of this interface: major << 16 | minor. A minor version only adds; another major version is another
// interface. Until major 1, a minor version may also change, and API_CHANGES.md says how.
#define VVT_ABI_VERSION 3

// Done.
#define VVT_OK 0

// Done, but there is nothing to show or tell yet.
#define VVT_NOT_READY 1

// Done, but the text did not fit and was cut.
#define VVT_TRUNCATED 2

// Done, with an older picture than the one asked for, which is not in memory yet.
#define VVT_STALE_FRAME 3

// An argument cannot be right.
#define VVT_ERR_INVALID_ARG (-1)

// A handle is null, of another kind, or of something destroyed.
#define VVT_ERR_BAD_HANDLE (-2)

// A struct_size or stride is wrong, or sets what this version does not know.
#define VVT_ERR_BAD_STRUCT_SIZE (-3)

// The call belongs on another thread.
#define VVT_ERR_WRONG_THREAD (-4)

// Memory ran out, or a hard limit would be passed.
#define VVT_ERR_OUT_OF_MEMORY (-5)

// Memory of the GPU ran out. This version answers VVT_ERR_OUT_OF_MEMORY for both.
#define VVT_ERR_OUT_OF_DEVICE_MEMORY (-6)

// The GPU was lost: destroy what draws and create it again. Players live on.
#define VVT_ERR_DEVICE_LOST (-7)

// Reading failed: check the path, the disk, the permissions.
#define VVT_ERR_IO (-8)

// The clip is damaged, or no clip.
#define VVT_ERR_BAD_CONTENT (-9)

// Well formed, but beyond this version.
#define VVT_ERR_UNSUPPORTED (-10)

// The system or its GPU lacks what the library cannot do without.
#define VVT_ERR_MISSING_FEATURE (-11)

// Not now: the object is not in the state for it, or a callback of the library made the call.
#define VVT_ERR_STATE (-12)

// A bug in the library; the object that was used answers VVT_ERR_STATE from now on.
#define VVT_ERR_PANIC (-100)

// Something failed.
#define VVT_LOG_ERROR 1

// Something is not as it should be, and work goes on.
#define VVT_LOG_WARN 2

// What was chosen: the GPU, a clip.
#define VVT_LOG_INFO 3

// Turns on the Vulkan validation layer for what this engine draws; its messages are logged as errors. For development.
#define VVT_ENGINE_VALIDATION 1

// Playback passed an end of the clip and went on.
#define VVT_EVENT_LOOPED 1

// Playback reached its end.
#define VVT_EVENT_ENDED 2

// A picture had to be held because the next was not in memory.
#define VVT_EVENT_UNDERRUN 3

// Part of the clip could not be loaded; `result` says why, vvt_player_last_error the sentence. Playback goes on and
// holds its last picture where the part is missing.
#define VVT_EVENT_ERROR 4

// The first picture, or the one that a seek asked for, is there.
#define VVT_EVENT_READY 5

// The clip ended and the next of the queue goes on.
#define VVT_EVENT_ADVANCED 6

// Playback stops at the ends of the clip.
#define VVT_LOOP_ONCE 0

// It goes on from the other end.
#define VVT_LOOP_REPEAT 1

// It turns round.
#define VVT_LOOP_PING_PONG 2

// Media time stands.
#define VVT_STATE_PAUSED 0

// It runs.
#define VVT_STATE_PLAYING 1

// It has run to the end of a clip that plays once.
#define VVT_STATE_ENDED 2

// There is a picture to show.
#define VVT_SNAPSHOT_READY 1

// The last update showed an older picture than the one asked for.
#define VVT_SNAPSHOT_HOLDING 2

// The sound leads: it runs at the sound card's own pace, and the player's picture follows it. Without, the sound
// follows the host's clock.
#define VVT_AUDIO_MASTER 1

// `position` is set: the sound comes from there. Without, it is everywhere.
#define VVT_AUDIO_POSITIONED 1

// The pose is `world_from_view`, not `position` and `orientation`.
#define VVT_VIEW_POSE_MATRIX 1

// Draw depth too.
#define VVT_OFFSCREEN_DEPTH 1

// How a call went: VVT_OK, a note above it (the call did its work), or an error below it (it did nothing).
typedef int32_t vvt_result;

// What every struct that extends another starts with. This version knows none: `next` must be NULL everywhere.
typedef struct vvt_chain {
  // Which struct this is.
  uint32_t struct_type;
  // Its size in bytes.
  uint32_t struct_size;
  // The one after it, or NULL.
  const struct vvt_chain *next;
} vvt_chain;

// Takes one line of the log. `target` says who speaks and `message` what; both are UTF-8, end in NUL and are valid for
// the call; `length` is that of `message` without its NUL. Called on threads that are inside a call of the library,
// several at once if several are. Must not call the library: every vvt function that returns a vvt_result would
// answer VVT_ERR_STATE.
typedef void (*vvt_log_fn)(void *user, int32_t level, const char *target, const char *message, size_t length);

// UTF-8 text of the host, copied before a call returns. All zero is no text; a `len` of SIZE_MAX means that the text
// ends in NUL. At most 65536 bytes.
typedef struct vvt_str {
  // The bytes.
  const char *ptr;
  // How many, or SIZE_MAX.
  size_t len;
} vvt_str;

// How to create an engine. Everything but `struct_size` may be zero.
typedef struct vvt_engine_desc {
  // sizeof(vvt_engine_desc).
  uint32_t struct_size;
  // VVT_ABI_VERSION of the header the host was compiled with, to be checked; 0 is not checked.
  uint32_t abi_version;
  // NULL.
  const struct vvt_chain *next;
  // Takes the log; NULL for none. Must be callable on any thread, several at once, until vvt_engine_destroy and
  // every other call on this engine's objects have returned.
  vvt_log_fn log;
  // Handed to `log` as it is.
  void *log_user;
  // The most talkative level to log, VVT_LOG_ERROR to VVT_LOG_INFO; 0 is VVT_LOG_WARN.
  int32_t log_level;
  // VVT_ENGINE_ flags.
  uint32_t flags;
  // Take the first GPU whose name contains this text; empty for the best one, or the one that the environment
  // variable VIVANT_DEVICE names.
  struct vvt_str device_name;
} vvt_engine_desc;

// An engine. 0 is none. Handles of every kind may be used on any thread.
typedef uint64_t vvt_engine;

// A budget. 0 is none.
typedef uint64_t vvt_budget;

// A player. 0 is none.
typedef uint64_t vvt_player;

// Something that happened.
typedef struct vvt_event {
  // sizeof(vvt_event), set by the host.
  uint32_t struct_size;
  // One of VVT_EVENT_.
  int32_t kind;
  // The player it happened in.
  vvt_player player;
  // The error of a VVT_EVENT_ERROR, else VVT_OK.
  vvt_result result;
  // 0.
  uint32_t reserved;
} vvt_event;

// Where a clip comes from: a file, or memory of the host.
typedef struct vvt_source {
  // sizeof(vvt_source).
  uint32_t struct_size;
  // 0.
  uint32_t flags;
  // NULL.
  const struct vvt_chain *next;
  // The file; with `data`, only what messages call it.
  struct vvt_str path;
  // The clip's bytes, copied before the call returns; NULL to read the file.
  const uint8_t *data;
  // How many.
  uint64_t data_len;
} vvt_source;

// How to play. Everything but `struct_size` may be zero.
typedef struct vvt_player_desc {
  // sizeof(vvt_player_desc).
  uint32_t struct_size;
  // 0.
  uint32_t flags;
  // NULL.
  const struct vvt_chain *next;
  // Decoded bytes to hold in memory, never exceeded; 0 is 512 MiB. Creating fails with the bytes needed if that is
  // more.
  uint64_t budget_bytes;
  // How far ahead to load, nanoseconds of playback; 0 is two seconds.
  int64_t lookahead_ns;
  // Media seconds a host second, -4 to 4, negative for backwards; 0 is 1. (vvt_player_set_rate takes 0 as 0.)
  double rate;
  // One of VVT_LOOP_.
  int32_t loop_mode;
  // 0.
  uint32_t reserved;
  // Since 0.2: a budget shared with other players, in place of `budget_bytes`; 0 for one of its own.
  vvt_budget budget;
} vvt_player_desc;

// A player at one host time.
typedef struct vvt_player_snapshot {
  // sizeof(vvt_player_snapshot), set by the host.
  uint32_t struct_size;
  // One of VVT_STATE_.
  int32_t state;
  // Media time, 0 to `duration_ns`.
  int64_t position_ns;
  // Length of the clip; 0 for a still one.
  int64_t duration_ns;
  // Lower corner of the box around the means of all splats over their lives, metres in the clip's own space.
  float bounds_min[3];
  // Upper corner.
  float bounds_max[3];
  // Splats stored in the clip.
  uint64_t splats;
  // Media seconds a host second.
  double rate;
  // One of VVT_LOOP_.
  int32_t loop_mode;
  // VVT_SNAPSHOT_ flags, as of the last update or draw.
  uint32_t flags;
  // Times that playback ran into a part that was not in memory, seeks aside.
  uint64_t underruns;
  // Updates that showed an older picture than asked for, seeks included.
  uint64_t held_updates;
  // Decoded bytes in memory.
  uint64_t held_bytes;
  // Segments ready to show.
  uint32_t resident_segments;
  // The newest error of loading, or VVT_OK; vvt_player_last_error has the sentence.
  vvt_result last_error;
  // Since 0.3: the level of detail shown, of the coarsest part: 3 for all splats, 2, 1 and 0 for a half, a quarter and
  // an eighth.
  uint32_t lod;
  // The level of detail that the budget is enough for.
  uint32_t playable_lod;
} vvt_player_snapshot;

// How to give out sound. Everything but `struct_size` may be zero.
typedef struct vvt_audio_desc {
  // sizeof(vvt_audio_desc).
  uint32_t struct_size;
  // VVT_AUDIO_MASTER or 0.
  uint32_t flags;
  // NULL.
  const struct vvt_chain *next;
  // Which of the clip's tracks, from 0.
  uint32_t track;
  // Frames a second that the host plays, 8000 to 192000; 0 is 48000.
  uint32_t sample_rate;
  // 1, or 2 for left and right; 0 is 2.
  uint32_t channels;
  // 0.
  uint32_t reserved;
} vvt_audio_desc;

// A player's sound. 0 is none.
typedef uint64_t vvt_audio;

// What one read gave.
typedef struct vvt_audio_block {
  // sizeof(vvt_audio_block), set by the host.
  uint32_t struct_size;
  // Frames that are silence because they were not decoded in time.
  uint32_t missing_frames;
  // Media time of the first frame.
  int64_t media_time_ns;
  // Media seconds a second of sound; 0 where it is silence because media time stands or runs backwards.
  double rate;
} vvt_audio_block;

// What a sound is and what became of it.
typedef struct vvt_audio_info {
  // sizeof(vvt_audio_info), set by the host.
  uint32_t struct_size;
  // VVT_AUDIO_POSITIONED or 0.
  uint32_t flags;
  // Media time of its first sample; it may begin before the picture.
  int64_t start_ns;
  // Its length.
  int64_t duration_ns;
  // Where it comes from, metres in the clip's own space.
  float position[3];
  // The gain that the clip gives it, which is applied already.
  float track_gain;
  // Channels that it was recorded in.
  uint32_t track_channels;
  // Channels that vvt_audio_read gives.
  uint32_t channels;
  // Frames a second that it gives.
  uint32_t sample_rate;
  // The gain of vvt_audio_set_gain.
  float gain;
  // Frames read so far.
  uint64_t read_frames;
  // Of these, silence because they were not decoded in time; seeks make some.
  uint64_t missing_frames;
  // Packets that are silence because they are damaged, counted each time they are decoded.
  uint64_t damaged_packets;
  // Times that the sound jumped to the clock: seeks, and holes that the sound card left.
  uint64_t jumps;
} vvt_audio_info;

// What an offscreen renderer draws.
typedef struct vvt_offscreen_desc {
  // sizeof(vvt_offscreen_desc).
  uint32_t struct_size;
  // VVT_OFFSCREEN_ flags.
  uint32_t flags;
  // NULL.
  const struct vvt_chain *next;
  // Width of each view, px.
  uint32_t width;
  // Height of each view, px.
  uint32_t height;
  // Number of views, all drawn at once; 0 is 1.
  uint32_t views;
  // 0.
  uint32_t reserved;
} vvt_offscreen_desc;

// An offscreen renderer. 0 is none.
typedef uint64_t vvt_offscreen;

// One eye or one camera: right-handed, metres, +Y up, looking along -Z, as OpenXR.
typedef struct vvt_view {
  // With VVT_VIEW_POSE_MATRIX: the pose, column-major, a rotation and a translation.
  float world_from_view[16];
  // Without it: the position in the world, metres.
  float position[3];
  // And the orientation, a quaternion x y z w; all zero is none.
  float orientation[4];
  // Angle from the forward axis to the left edge, radians; negative for an ordinary view, as in XrFovf.
  float fov_left;
  // To the right edge.
  float fov_right;
  // To the upper edge.
  float fov_up;
  // To the lower edge; negative for an ordinary view.
  float fov_down;
  // VVT_VIEW_ flags.
  uint32_t flags;
} vvt_view;

// A player that stands somewhere in a picture.
typedef struct vvt_instance {
  // The player.
  vvt_player player;
  // Where its clip stands, column-major: a rotation, a translation and one positive scale. All zero is the identity.
  float world_from_object[16];
  // 0.
  uint32_t flags;
  // 0.
  uint32_t reserved;
} vvt_instance;

// One picture: who is in it and who looks.
typedef struct vvt_draw {
  // sizeof(vvt_draw).
  uint32_t struct_size;
  // 0.
  uint32_t flags;
  // NULL.
  const struct vvt_chain *next;
  // The host time to show, by the clock that the players are given.
  int64_t host_time_ns;
  // As many views as the renderer has.
  const struct vvt_view *views;
  // The players to draw; all of them are sorted together.
  const struct vvt_instance *instances;
  // How many views.
  uint32_t view_count;
  // sizeof(vvt_view).
  uint32_t view_stride;
  // How many instances; 0 draws the background.
  uint32_t instance_count;
  // sizeof(vvt_instance).
  uint32_t instance_stride;
  // Colour behind everything: red, green, blue as shown on screen (sRGB-encoded), 0 to 1, multiplied by alpha.
  float background[4];
} vvt_draw;

// Where to put a picture.
typedef struct vvt_readback {
  // sizeof(vvt_readback).
  uint32_t struct_size;
  // 0.
  uint32_t flags;
  // NULL.
  const struct vvt_chain *next;
  // Gets views × height × width × 4 bytes: red, green, blue, alpha, rows from the top, sRGB-encoded as shown on
  // screen, multiplied by alpha. NULL for none.
  uint8_t *rgba;
  // Room there, bytes; must be what is needed.
  size_t rgba_bytes;
  // Gets views × height × width floats: metres along -Z, infinity where nothing is. NULL for none.
  float *depth;
  // Room there, bytes; must be what is needed.
  size_t depth_bytes;
} vvt_readback;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The library's VVT_ABI_VERSION, to compare with the header's before anything else is called.
//
// Thread: any.
VVT_API uint32_t vvt_abi_version(void);

// The release, for example "0.1.0". Static text: valid for ever, not to be freed; never NULL.
//
// Thread: any.
VVT_API const char *vvt_version_string(void);

// A code in a few words. Static text: valid for ever, not to be freed; never NULL.
//
// Thread: any.
VVT_API const char *vvt_result_string(vvt_result result);

// Copies the sentence about the last call on this thread that failed, empty if none did, into `buf`: at most `cap`
// bytes, always ending in NUL, cut between characters. Returns the length of the whole sentence without its NUL.
// `buf` may be NULL to ask for the length.
//
// Thread: any; each has its own sentence.
//
// Pointers:
// `buf` has room for `cap` bytes.
VVT_API size_t vvt_last_error(char *buf, size_t cap);

// Creates an engine. Opens no GPU yet: that happens when something draws first.
//
// Thread: any. Owner: the host, until vvt_engine_destroy.
//
// Pointers:
// `desc` is NULL for the defaults, or a valid struct for the call; `out` is writable and gets the engine, 0 on failure.
VVT_API vvt_result vvt_engine_create(const struct vvt_engine_desc *desc, vvt_engine *out);

// Destroys an engine and everything created from it; their handles answer VVT_ERR_BAD_HANDLE from now on. Waits for the
// GPU and for reads in progress. Calls that run on other threads end well and then free what they used.
//
// Thread: any.
VVT_API vvt_result vvt_engine_destroy(vvt_engine engine);

// Creates a budget of decoded bytes, to be named in the vvt_player_desc of the players that share it. Each player is
// sure of what it needs to show any moment while it still holds another, and vvt_player_create fails with the number
// of bytes where that no longer fits; what is left over is shared out in equal parts.
//
// Thread: any. Owner: the host, until vvt_budget_destroy or vvt_engine_destroy.
//
// Pointers:
// `out` is writable and gets the budget, 0 on failure.
VVT_API vvt_result vvt_budget_create(vvt_engine engine, uint64_t limit_bytes, vvt_budget *out);

// Destroys a budget's name; players that share it go on to.
//
// Thread: any.
VVT_API vvt_result vvt_budget_destroy(vvt_budget budget);

// Takes the next event of any player of `engine`, oldest first within a player: VVT_OK with an event, VVT_NOT_READY
// when there is none. Each player keeps its newest 32. Poll until VVT_NOT_READY, for example once a frame.
//
// Thread: any.
//
// Pointers:
// `out` is writable and has its struct_size set; it is filled only when VVT_OK is returned.
VVT_API vvt_result vvt_engine_next_event(vvt_engine engine, struct vvt_event *out);

// Opens a clip and starts to load it from its start; paused. A thread of the library reads and decodes.
//
// Thread: any; reads the head of the file, so not on the frame path. Owner: the host, until vvt_player_destroy or
// vvt_engine_destroy.
//
// Pointers:
// `source` is a valid struct for the call, `desc` too or NULL for the defaults; `out` is writable and gets the player, 0
// on failure.
VVT_API vvt_result vvt_player_create(vvt_engine engine, const struct vvt_source *source, const struct vvt_player_desc *desc, vvt_player *out);

// Destroys a player. Waits for a read in progress.
//
// Thread: any.
VVT_API vvt_result vvt_player_destroy(vvt_player player);

// Runs from here; from the end of a clip that plays once, from the other end. `host_time_ns` is the present time of any
// clock that the host keeps to for this player.
//
// Thread: any.
VVT_API vvt_result vvt_player_play(vvt_player player, int64_t host_time_ns);

// Stands here.
//
// Thread: any.
VVT_API vvt_result vvt_player_pause(vvt_player player, int64_t host_time_ns);

// Goes to a media time, clamped to the clip, and keeps running or standing.
//
// Thread: any.
VVT_API vvt_result vvt_player_seek(vvt_player player, int64_t host_time_ns, int64_t media_time_ns);

// Changes the speed from here on: media seconds a host second, -4 to 4; negative plays backwards, 0 holds.
//
// Thread: any.
VVT_API vvt_result vvt_player_set_rate(vvt_player player, int64_t host_time_ns, double rate);

// Changes what happens at the ends of the clip, to one of VVT_LOOP_, from the last host time the player was given.
//
// Thread: any.
VVT_API vvt_result vvt_player_set_loop(vvt_player player, int32_t mode);

// Brings the player to a host time: VVT_OK when the picture of that time is in memory, VVT_STALE_FRAME when an older
// one is shown meanwhile, VVT_NOT_READY before the first. Drawing does this by itself; call it when nothing is drawn.
// Never blocks on reading or decoding.
//
// Thread: any.
VVT_API vvt_result vvt_player_update(vvt_player player, int64_t host_time_ns);

// Waits until the picture of a host time is in memory, in all the detail that the budget is enough for, at most `timeout_ns`: VVT_OK when it is, VVT_NOT_READY or
// VVT_STALE_FRAME when the time ran out. An error as soon as part of the clip cannot be loaded, or when the time ran
// out after that. For tools that render to files; never on the frame path.
//
// Thread: any; blocks this one, and others for moments only.
VVT_API vvt_result vvt_player_wait(vvt_player player, int64_t host_time_ns, int64_t timeout_ns);

// Copies the sentence about the newest part of the clip that could not be loaded into `buf`: at most `cap` bytes,
// always ending in NUL. VVT_OK, VVT_TRUNCATED if it did not fit, VVT_NOT_READY with an empty text if all is well.
//
// Thread: any.
//
// Pointers:
// `buf` has room for `cap` bytes.
VVT_API vvt_result vvt_player_last_error(vvt_player player, char *buf, size_t cap);

// Goes to a media time as vvt_player_seek, and until its picture is in memory shows at once the moment nearest to it
// that is, then nearer ones as they come: for scrubbing.
//
// Thread: any.
VVT_API vvt_result vvt_player_scrub(vvt_player player, int64_t host_time_ns, int64_t media_time_ns);

// Plays only a range of the clip: media nanoseconds, the second excluded, both taken to the nearest frame edge or the
// like. The loop mode works on its ends; VVT_LOOP_REPEAT repeats it without a seam. A time outside is moved inside.
//
// Thread: any.
VVT_API vvt_result vvt_player_set_range(vvt_player player, int64_t host_time_ns, int64_t first_ns, int64_t end_ns);

// Plays the whole clip again.
//
// Thread: any.
VVT_API vvt_result vvt_player_clear_range(vvt_player player, int64_t host_time_ns);

// Queues a clip, which goes on exactly where the one before it ends, if that plays once and forwards; its first parts
// load beforehand, within the budget. VVT_EVENT_ADVANCED tells when. At most 16 wait.
//
// Thread: any; reads the head of the file, so not on the frame path.
//
// Pointers:
// `source` is a valid struct for the call.
VVT_API vvt_result vvt_player_enqueue(vvt_player player, const struct vvt_source *source);

// Takes all clips out of the queue; what plays goes on to its end.
//
// Thread: any.
VVT_API vvt_result vvt_player_clear_queue(vvt_player player);

// Follows an external clock, for example of the host's audio: at `host_time_ns` its media time is `media_time_ns`,
// running at `rate`, -4 to 4. To be called now and then, such as ten times a second; from the first call on the player
// runs. Jitter is smoothed, and the player never runs backwards by it; more than 100 ms off is followed as a seek.
//
// Thread: any.
VVT_API vvt_result vvt_player_set_external_clock(vvt_player player, int64_t host_time_ns, int64_t media_time_ns, double rate);

// Goes on by the host's time alone, from here, at the rate last reported.
//
// Thread: any.
VVT_API vvt_result vvt_player_clear_external_clock(vvt_player player, int64_t host_time_ns);

// Fills a snapshot for a host time. Changes nothing: vvt_player_update or a draw moves the player on.
//
// Thread: any.
//
// Pointers:
// `out` is writable and has its struct_size set.
VVT_API vvt_result vvt_player_snapshot_get(vvt_player player, int64_t host_time_ns, struct vvt_player_snapshot *out);

// Tells how many sound tracks the clip has that the player plays.
//
// Thread: any.
//
// Pointers:
// `out` is writable and gets the number, 0 on failure.
VVT_API vvt_result vvt_player_audio_tracks(vvt_player player, uint32_t *out);

// Opens a track of the clip that the player plays. It follows the player, or leads it, until the player goes on to the
// next clip of its queue; it outlives the player, running on by the clock it last heard of. A thread of the library
// decodes ahead.
//
// Thread: any; reads the file, so neither on the frame path nor in the audio callback. Owner: the host, until
// vvt_audio_close or vvt_engine_destroy.
//
// Pointers:
// `desc` is a valid struct for the call or NULL for the defaults; `out` is writable and gets the sound, 0 on failure.
VVT_API vvt_result vvt_audio_open(vvt_player player, const struct vvt_audio_desc *desc, vvt_audio *out);

// Ends a sound. Its audio callback must have ended before, or its last vvt_audio_read does what this would have done.
//
// Thread: any; waits for the decoding thread, so not in the audio callback.
VVT_API vvt_result vvt_audio_close(vvt_audio audio);

// Fills `frame_count` frames of interleaved samples with what is to be heard from `host_time_ns` on: the time, of the
// clock that the player is driven by, at which the first of them leaves the loudspeaker. Silence while media time
// stands or runs backwards, and on failure. VVT_OK, or VVT_NOT_READY where frames are silence because they were not
// decoded in time. For the audio callback: neither blocks, reads nor allocates.
//
// Thread: any, one at a time; another that reads the same sound meanwhile is answered VVT_ERR_STATE.
//
// Pointers:
// `samples` has room for `frame_count` times the channels, `samples_bytes` bytes in all; `out` is NULL or writable and
// has its struct_size set.
VVT_API vvt_result vvt_audio_read(vvt_audio audio, int64_t host_time_ns, uint32_t frame_count, float *samples, size_t samples_bytes, struct vvt_audio_block *out);

// Waits until the next 320 ms of media time from a host time on are decoded, at most `timeout_ns`: VVT_OK, or
// VVT_NOT_READY when the time ran out. For tools that write sound to files; never in the audio callback.
//
// Thread: any; blocks this one, and vvt_audio_read on another is answered VVT_ERR_STATE meanwhile.
VVT_API vvt_result vvt_audio_wait(vvt_audio audio, int64_t host_time_ns, int64_t timeout_ns);

// Makes the sound so many times as loud, 0 to 16; 1 at the start. The next read gets there over its frames.
//
// Thread: any; waits for nothing.
VVT_API vvt_result vvt_audio_set_gain(vvt_audio audio, float gain);

// Fills what a sound is, where it comes from, and what became of it so far.
//
// Thread: any; waits for nothing.
//
// Pointers:
// `out` is writable and has its struct_size set.
VVT_API vvt_result vvt_audio_info_get(vvt_audio audio, struct vvt_audio_info *out);

// Creates an offscreen renderer. The first one of an engine opens the GPU; all of an engine share it.
//
// Thread: any; takes a while. Owner: the host, until vvt_offscreen_destroy or vvt_engine_destroy.
//
// Pointers:
// `desc` is a valid struct for the call; `out` is writable and gets the renderer, 0 on failure.
VVT_API vvt_result vvt_offscreen_create(vvt_engine engine, const struct vvt_offscreen_desc *desc, vvt_offscreen *out);

// Destroys an offscreen renderer. Waits for what it has on the GPU.
//
// Thread: any.
VVT_API vvt_result vvt_offscreen_destroy(vvt_offscreen offscreen);

// Brings the players to the host time and hands one picture to the GPU: VVT_OK when it shows that time,
// VVT_STALE_FRAME when a player shows an older one, VVT_NOT_READY when a player has none yet and is left out. Waits for
// the GPU only when two earlier pictures are still being drawn.
//
// Thread: any, one at a time a renderer; another waits.
//
// Pointers:
// `draw` is a valid struct for the call, and so are the arrays that it points to.
VVT_API vvt_result vvt_offscreen_draw(vvt_offscreen offscreen, const struct vvt_draw *draw);

// Waits for the GPU and copies the last picture drawn into memory of the host. VVT_ERR_STATE before the first.
//
// Thread: any, one at a time a renderer; another waits.
//
// Pointers:
// `to` is a valid struct for the call; the buffers that it points to are writable for the sizes that it gives.
VVT_API vvt_result vvt_offscreen_read(vvt_offscreen offscreen, const struct vvt_readback *to);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* VIVANT_H */
