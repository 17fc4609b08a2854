/* Random calls with random arguments from four threads that share their objects: every call answers a known code, and
 * nothing crashes, hangs or is a bug.
 *   random CLIP CALLS SEED [gpu]    CALLS a thread; with "gpu" under the validation layer */
#include <pthread.h>
#include "check.h"

enum { ENGINE, PLAYER, OFFSCREEN, AUDIO, KINDS, THREADS = 4, HANDLES = 6, MAX_PLAYERS = 200, MAX_OFFSCREENS = 24, MAX_AUDIOS = 60 };

static const char *clip;
static long calls;
static int gpu;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t handles[KINDS][HANDLES]; /* live and stale ones */
static int players, offscreens, audios;          /* created so far, bounded to bound the time */
static long answered[200];

static uint32_t word(uint64_t *state) {
  *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
  return (uint32_t)(*state >> 32);
}

/* Mostly of the kind asked for, sometimes of another, sometimes with a bit flipped. */
static uint64_t some(uint64_t *state, int kind) {
  uint64_t handle;
  pthread_mutex_lock(&mutex);
  handle = handles[word(state) % 16 ? kind : (int)(word(state) % KINDS)][word(state) % HANDLES];
  pthread_mutex_unlock(&mutex);
  return word(state) % 32 ? handle : handle ^ ((uint64_t)1 << word(state) % 64);
}

static void keep(uint64_t *state, int kind, uint64_t handle) {
  pthread_mutex_lock(&mutex);
  if (handle) handles[kind][word(state) % HANDLES] = handle;
  audios += handle && kind == AUDIO, players += handle && kind == PLAYER, offscreens += handle && kind == OFFSCREEN;
  pthread_mutex_unlock(&mutex);
}

static int has_room(const int *count, int most) {
  int room;
  pthread_mutex_lock(&mutex);
  room = *count < most;
  pthread_mutex_unlock(&mutex);
  return room;
}

static uint32_t size(uint64_t *state, size_t right) { return (uint32_t)(word(state) % 8 ? right : word(state) % right); }
static int64_t some_time(uint64_t *state) {
  return word(state) % 16 ? word(state) % 10 * (SECOND / 3) : (int64_t)((uint64_t)word(state) << 32 | word(state));
}
static float some_float(uint64_t *state) { return (float)(int)(word(state) % 2001 - 1000u) / 500; }

static void logged(void *user, int32_t level, const char *target, const char *message, size_t length) {
  (void)user, (void)target, (void)length;
  if (level == VVT_LOG_ERROR && gpu) fprintf(stderr, "logged: %s\n", message), exit(1);
}

static vvt_result create(uint64_t *state, int what) {
  vvt_engine_desc engine = {.struct_size = size(state, sizeof engine), .log = logged};
  vvt_source source = {.struct_size = size(state, sizeof source), .path = {clip, SIZE_MAX}};
  vvt_player_desc player = {.struct_size = size(state, sizeof player), .loop_mode = word(state) % 4};
  vvt_audio_desc audio = {.struct_size = size(state, sizeof audio), .flags = word(state) % 3};
  vvt_offscreen_desc offscreen = {.struct_size = size(state, sizeof offscreen), .width = 8, .height = 8};
  uint64_t out = 0;
  vvt_result result;
  engine.flags = gpu ? VVT_ENGINE_VALIDATION : 0;
  offscreen.views = word(state) % 4, offscreen.flags = word(state) % 2;
  if (what == ENGINE) result = vvt_engine_create(word(state) % 2 ? &engine : NULL, word(state) % 8 ? &out : NULL);
  else if (what == PLAYER && has_room(&players, MAX_PLAYERS))
    result = vvt_player_create(some(state, ENGINE), &source, word(state) % 2 ? &player : NULL, &out);
  else if (what == OFFSCREEN && gpu && has_room(&offscreens, MAX_OFFSCREENS))
    result = vvt_offscreen_create(some(state, ENGINE), &offscreen, &out);
  else if (what == AUDIO && has_room(&audios, MAX_AUDIOS)) {
    audio.channels = word(state) % 4;
    result = vvt_audio_open(some(state, PLAYER), word(state) % 2 ? &audio : NULL, &out);
  } else return VVT_OK;
  CHECK((result == VVT_OK) == (out != 0));
  keep(state, what, out);
  return result;
}

static vvt_result draw(uint64_t *state) {
  vvt_view views[4] = {0};
  vvt_instance instances[2] = {0};
  vvt_draw draw = {.struct_size = size(state, sizeof draw), .host_time_ns = some_time(state), .views = views};
  int i;
  draw.view_count = word(state) % 4, draw.view_stride = word(state) % 8 ? sizeof views[0] : 0;
  draw.instances = instances, draw.instance_count = word(state) % 3, draw.instance_stride = sizeof instances[0];
  for (i = 0; i < 4; i++) {
    views[i].position[2] = some_float(state), views[i].orientation[3] = some_float(state);
    views[i].fov_left = views[i].fov_down = -0.6f;
    views[i].fov_right = views[i].fov_up = some_float(state);
    views[i].flags = word(state) % 16 == 0;
  }
  for (i = 0; i < 2; i++) instances[i].player = some(state, PLAYER);
  return vvt_offscreen_draw(some(state, OFFSCREEN), &draw);
}

static vvt_result take_picture(uint64_t *state) {
  unsigned char rgba[4 * 8 * 8 * 4];
  float depth[4 * 8 * 8];
  vvt_readback back = {.struct_size = size(state, sizeof back), .rgba = rgba, .depth = depth};
  back.rgba_bytes = word(state) % 5 * 256, back.depth_bytes = word(state) % 5 * 256;
  if (word(state) % 2) back.depth = NULL, back.depth_bytes = 0;
  return vvt_offscreen_read(some(state, OFFSCREEN), &back);
}

static vvt_result one_call(uint64_t *state) {
  vvt_player_snapshot snapshot = {.struct_size = size(state, sizeof snapshot)};
  vvt_event event = {.struct_size = size(state, sizeof event)};
  char buf[40];
  vvt_source source = {.struct_size = size(state, sizeof source), .path = {clip, SIZE_MAX}};
  uint64_t player = some(state, PLAYER);
  vvt_audio_info info = {.struct_size = size(state, sizeof info)};
  vvt_audio_block block = {.struct_size = size(state, sizeof block)};
  float samples[128];
  uint32_t count;
  switch (word(state) % 54) {
  case 0: return create(state, ENGINE);
  case 1: case 2: return create(state, PLAYER);
  case 3: case 4: return create(state, OFFSCREEN);
  case 5: return word(state) % 256 ? VVT_OK : vvt_engine_destroy(some(state, ENGINE));
  case 6: return word(state) % 16 ? VVT_OK : vvt_player_destroy(player);
  case 7: return word(state) % 64 ? VVT_OK : vvt_offscreen_destroy(some(state, OFFSCREEN));
  case 8: case 9: case 10: return vvt_player_play(player, some_time(state));
  case 11: case 12: return vvt_player_pause(player, some_time(state));
  case 13: case 14: return vvt_player_seek(player, some_time(state), some_time(state));
  case 15: case 16: return vvt_player_set_rate(player, some_time(state), some_float(state) * 3);
  case 17: return vvt_player_set_loop(player, (int32_t)(word(state) % 4));
  case 18: return vvt_player_wait(player, some_time(state), word(state) % 3000000);
  case 19: return vvt_player_last_error(player, word(state) % 8 ? buf : NULL, word(state) % sizeof buf);
  case 20: case 21: case 22: return vvt_player_snapshot_get(player, some_time(state), &snapshot);
  case 23: case 24: return vvt_engine_next_event(some(state, ENGINE), word(state) % 8 ? &event : NULL);
  case 25: vvt_last_error(buf, word(state) % sizeof buf); return VVT_OK;
  case 26: case 27: case 28: case 29: case 30: return draw(state);
  case 31: case 32: return take_picture(state);
  case 33: return create(state, AUDIO);
  case 34: return word(state) % 16 ? VVT_OK : vvt_audio_close(some(state, AUDIO));
  case 35: return vvt_audio_set_gain(some(state, AUDIO), some_float(state) * 9);
  case 36: return vvt_audio_info_get(some(state, AUDIO), word(state) % 8 ? &info : NULL);
  case 37: return vvt_audio_wait(some(state, AUDIO), some_time(state), word(state) % 1000000);
  case 38: return vvt_player_audio_tracks(player, word(state) % 8 ? &count : NULL);
  case 39: case 47: case 48: case 49:
    count = 1u << word(state) % 7;
    return vvt_audio_read(some(state, AUDIO), some_time(state), count, samples, count * 8, word(state) % 2 ? &block : NULL);
  case 40: return vvt_player_scrub(player, some_time(state), some_time(state));
  case 41: return vvt_player_set_range(player, some_time(state), some_time(state), some_time(state));
  case 42: return vvt_player_clear_range(player, some_time(state));
  case 43: return vvt_player_enqueue(player, word(state) % 8 ? &source : NULL);
  case 44: return vvt_player_clear_queue(player);
  case 45: return vvt_player_set_external_clock(player, some_time(state), some_time(state), some_float(state) * 3);
  case 46: return vvt_player_clear_external_clock(player, some_time(state));
  default: return vvt_player_update(player, some_time(state));
  }
}

static void *run(void *seed) {
  uint64_t state = *(uint64_t *)seed;
  long i;
  for (i = 0; i < calls; i++) {
    vvt_result result = one_call(&state);
    CHECK(result <= VVT_STALE_FRAME && result >= VVT_ERR_STATE);
    pthread_mutex_lock(&mutex);
    answered[result + 100]++;
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  uint64_t seeds[THREADS], state;
  int i, code;
  CHECK(argc > 3);
  clip = argv[1], calls = atol(argv[2]), state = (uint64_t)atol(argv[3]) * 2654435761u + 88172645463325252u;
  gpu = argc > 4;
  for (i = 0; i < 40; i++) create(&state, ENGINE);
  for (i = 0; i < 40; i++) create(&state, PLAYER), create(&state, OFFSCREEN), create(&state, AUDIO);
  for (i = 0; i < THREADS; i++) {
    seeds[i] = state + (uint64_t)i * 7919;
    CHECK(pthread_create(&threads[i], NULL, run, &seeds[i]) == 0);
  }
  for (i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  for (i = 0; i < HANDLES; i++) vvt_engine_destroy(handles[ENGINE][i]);
  for (code = -100; code < 100; code++)
    if (answered[code + 100]) printf("%s: %ld\n", vvt_result_string(code), answered[code + 100]);
  return 0;
}
