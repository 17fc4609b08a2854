/* A player's sound as an audio callback reads it: in its place in time and in the scene, at its gain, leading the picture.
 *   sounding CLIP SILENT    CLIP lasts two seconds: a click after half of one, a tone of height 0.5 in the last; it
 *                           comes from (1, 2, 3). SILENT has no sound. */
#include <math.h>
#include "check.h"

#define MILLI INT64_C(1000000)
#define FRAMES 480

static vvt_engine engine;
static float samples[FRAMES * 2];

static vvt_player open_clip(const char *path) {
  vvt_source source = {.struct_size = sizeof source, .path = {path, SIZE_MAX}};
  vvt_player player;
  CHECK(vvt_player_create(engine, &source, NULL, &player) == VVT_OK);
  return player;
}

static vvt_audio_info look(vvt_audio audio) {
  vvt_audio_info info;
  info.struct_size = sizeof info;
  CHECK(vvt_audio_info_get(audio, &info) == VVT_OK);
  return info;
}

/* Reads 10 ms; the largest value. */
static float loudest(vvt_audio audio, int64_t host_time_ns) {
  vvt_audio_block block;
  float most = 0;
  int i;
  block.struct_size = sizeof block;
  CHECK(vvt_audio_wait(audio, host_time_ns, 10 * SECOND) == VVT_OK);
  CHECK(vvt_audio_read(audio, host_time_ns, FRAMES, samples, sizeof samples, &block) == VVT_OK);
  CHECK(block.missing_frames == 0);
  for (i = 0; i < FRAMES * 2; i++) most = fmaxf(most, fabsf(samples[i]));
  return most;
}

static void in_time_and_place(vvt_player player) {
  vvt_audio audio;
  vvt_audio_block block = {.struct_size = sizeof block};
  uint32_t tracks;
  int64_t at;
  int i, clicked = -1;
  CHECK(vvt_player_audio_tracks(player, &tracks) == VVT_OK && tracks == 1);
  CHECK(vvt_audio_open(player, NULL, &audio) == VVT_OK);
  CHECK(look(audio).flags == VVT_AUDIO_POSITIONED && look(audio).position[2] == 3);
  CHECK(look(audio).duration_ns == 2 * SECOND && look(audio).start_ns == 0 && look(audio).track_channels == 1);
  CHECK(look(audio).sample_rate == 48000 && look(audio).channels == 2 && look(audio).gain == 1);
  CHECK(loudest(audio, 0) == 0);
  CHECK(vvt_player_play(player, SECOND) == VVT_OK);
  for (at = 0; at < 600 * MILLI; at += 10 * MILLI) {
    loudest(audio, SECOND + at);
    for (i = 0; i < FRAMES && clicked < 0; i++)
      if (samples[2 * i] > 0.25f && samples[2 * i + 1] > 0.25f) clicked = (int)(at / MILLI) * 48 + i;
  }
  CHECK(clicked > 24000 - 48 && clicked < 24000 + 48);
  CHECK(vvt_audio_read(audio, 2 * SECOND, FRAMES, samples, sizeof samples, &block) >= VVT_OK);
  CHECK(block.media_time_ns > SECOND - 8 * MILLI && block.media_time_ns < SECOND + 8 * MILLI && block.rate == 1);
  CHECK(loudest(audio, 2 * SECOND + 200 * MILLI) > 0.45f && look(audio).jumps > 0);
  CHECK(vvt_audio_set_gain(audio, 0.5f) == VVT_OK && look(audio).gain == 0.5f);
  CHECK(loudest(audio, 2 * SECOND + 210 * MILLI) > 0.4f);
  CHECK(fabsf(samples[0]) <= 0.51f && loudest(audio, 2 * SECOND + 220 * MILLI) < 0.3f);
  CHECK(loudest(audio, 2 * SECOND + 230 * MILLI) > 0.2f);
  CHECK(look(audio).read_frames > 60 * FRAMES && look(audio).damaged_packets == 0);
  CHECK(vvt_audio_close(audio) == VVT_OK);
  CHECK(vvt_audio_read(audio, 0, FRAMES, samples, sizeof samples, NULL) == VVT_ERR_BAD_HANDLE);
}

/* Heard 5 ms later than asked for, the sound leads the picture back by as much; as a follower it does not. */
static void leading(vvt_player player, uint32_t flags, int64_t behind) {
  vvt_audio_desc desc = {.struct_size = sizeof desc, .flags = flags, .sample_rate = 48000, .channels = 2};
  vvt_player_snapshot snapshot = {.struct_size = sizeof snapshot};
  vvt_audio audio;
  int64_t at, off;
  CHECK(vvt_audio_open(player, &desc, &audio) == VVT_OK);
  CHECK(vvt_player_seek(player, 10 * SECOND, 0) == VVT_OK && vvt_player_play(player, 10 * SECOND) == VVT_OK);
  for (at = 10 * SECOND; at < 11 * SECOND; at += 10 * MILLI) {
    CHECK(vvt_player_update(player, at) >= VVT_OK);
    loudest(audio, at > 10 * SECOND ? at + 5 * MILLI : at);
  }
  CHECK(vvt_player_update(player, 11 * SECOND) >= VVT_OK);
  CHECK(vvt_player_snapshot_get(player, 11 * SECOND, &snapshot) == VVT_OK);
  off = SECOND - snapshot.position_ns - behind;
  CHECK(off > -MILLI && off < MILLI);
  CHECK(vvt_audio_close(audio) == VVT_OK);
}

static void refused(vvt_player player, vvt_player silent) {
  vvt_audio_desc desc = {.struct_size = sizeof desc};
  vvt_audio_block block = {.struct_size = 4};
  vvt_audio audio, none;
  uint32_t tracks = 9;
  CHECK(vvt_player_audio_tracks(silent, &tracks) == VVT_OK && tracks == 0);
  CHECK(vvt_player_audio_tracks(0, &tracks) == VVT_ERR_BAD_HANDLE);
  CHECK(vvt_audio_open(silent, NULL, &none) == VVT_ERR_INVALID_ARG && none == 0);
  CHECK(vvt_audio_open(0, NULL, &none) == VVT_ERR_BAD_HANDLE);
  CHECK(vvt_audio_open(player, NULL, NULL) == VVT_ERR_INVALID_ARG);
  desc.flags = 2;
  CHECK(vvt_audio_open(player, &desc, &none) == VVT_ERR_INVALID_ARG);
  desc.flags = 0, desc.track = 1;
  CHECK(vvt_audio_open(player, &desc, &none) == VVT_ERR_INVALID_ARG);
  desc.track = 0, desc.channels = 257;
  CHECK(vvt_audio_open(player, &desc, &none) == VVT_ERR_INVALID_ARG);
  desc.channels = 0, desc.sample_rate = 100;
  CHECK(vvt_audio_open(player, &desc, &none) == VVT_ERR_INVALID_ARG);
  CHECK(vvt_audio_open(player, NULL, &audio) == VVT_OK);
  CHECK(vvt_audio_read(audio, 0, FRAMES, samples, sizeof samples - 1, NULL) == VVT_ERR_INVALID_ARG);
  CHECK(vvt_audio_read(audio, 0, FRAMES, NULL, sizeof samples, NULL) == VVT_ERR_INVALID_ARG);
  CHECK(vvt_audio_read(audio, 0, UINT32_MAX, samples, sizeof samples, NULL) == VVT_ERR_INVALID_ARG);
  samples[0] = 7;
  CHECK(vvt_audio_read(audio, 0, FRAMES, samples, sizeof samples, &block) == VVT_ERR_BAD_STRUCT_SIZE);
  CHECK(samples[0] == 0);
  CHECK(vvt_audio_read(audio, INT64_MIN, 0, samples, 0, NULL) >= VVT_OK);
  CHECK(vvt_audio_set_gain(audio, -1) == VVT_ERR_INVALID_ARG && vvt_audio_set_gain(audio, NAN) == VVT_ERR_INVALID_ARG);
  CHECK(vvt_audio_info_get(audio, NULL) == VVT_ERR_INVALID_ARG);
  CHECK(vvt_audio_info_get(player, NULL) == VVT_ERR_BAD_HANDLE);
  /* It outlives its player, and goes with its engine. */
  CHECK(vvt_player_play(player, 0) == VVT_OK && vvt_player_seek(player, 0, 0) == VVT_OK);
  CHECK(vvt_player_destroy(player) == VVT_OK);
  CHECK(vvt_audio_wait(audio, 0, 10 * SECOND) == VVT_OK);
  CHECK(vvt_audio_read(audio, 0, FRAMES, samples, sizeof samples, NULL) == VVT_OK);
  CHECK(vvt_engine_destroy(engine) == VVT_OK);
  CHECK(vvt_audio_read(audio, 0, FRAMES, samples, sizeof samples, NULL) == VVT_ERR_BAD_HANDLE);
}

int main(int argc, char **argv) {
  vvt_player player;
  CHECK(argc == 3 && vvt_engine_create(NULL, &engine) == VVT_OK);
  player = open_clip(argv[1]);
  in_time_and_place(player);
  leading(player, VVT_AUDIO_MASTER, 5 * MILLI);
  leading(player, 0, 0);
  refused(player, open_clip(argv[2]));
  return 0;
}
