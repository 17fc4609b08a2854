/* Playback as a host drives it: exact times, states, events, and a clip that is damaged inside.
 *   playing CLIP DAMAGED    CLIP lasts two seconds */
#include "check.h"

static vvt_engine engine;

static vvt_player open_clip(const char *path, int32_t loop_mode) {
  vvt_source source = {.struct_size = sizeof source, .path = {path, strlen(path)}};
  vvt_player_desc desc = {.struct_size = sizeof desc, .loop_mode = loop_mode};
  vvt_player player;
  CHECK(vvt_player_create(engine, &source, &desc, &player) == VVT_OK);
  return player;
}

static vvt_player_snapshot look(vvt_player player, int64_t host_time_ns) {
  vvt_player_snapshot snapshot;
  snapshot.struct_size = sizeof snapshot;
  CHECK(vvt_player_snapshot_get(player, host_time_ns, &snapshot) == VVT_OK);
  return snapshot;
}

static int is(vvt_player player, int64_t host_time_ns, int32_t state, int64_t position_ns) {
  vvt_player_snapshot snapshot = look(player, host_time_ns);
  return snapshot.state == state && snapshot.position_ns == position_ns;
}

static int32_t next_event(vvt_player player, vvt_result wanted) {
  vvt_event event;
  vvt_result result;
  event.struct_size = sizeof event;
  do { /* When a picture becomes ready is the loader's affair. */
    result = vvt_engine_next_event(engine, &event);
    if (result == VVT_NOT_READY) return 0;
  } while (result == VVT_OK && event.kind == VVT_EVENT_READY);
  CHECK(result == VVT_OK && event.player == player && event.result == wanted);
  return event.kind;
}

static void once(const char *clip) {
  const int64_t start = INT64_C(7777777777777);
  vvt_player player = open_clip(clip, VVT_LOOP_ONCE);
  vvt_player_snapshot first = look(player, start);
  int axis;
  CHECK(first.duration_ns == 2 * SECOND && first.splats > 100 && first.rate == 1 && first.last_error == VVT_OK);
  CHECK(first.flags == 0 && first.state == VVT_STATE_PAUSED);
  for (axis = 0; axis < 3; axis++) CHECK(first.bounds_min[axis] < -0.2f && first.bounds_max[axis] > 0.2f);
  CHECK(vvt_player_wait(player, start, 10 * SECOND) == VVT_OK);
  CHECK(look(player, start).flags == VVT_SNAPSHOT_READY && look(player, start).held_bytes > 0);
  CHECK(vvt_player_play(player, start) == VVT_OK);
  CHECK(is(player, start + 123456789, VVT_STATE_PLAYING, 123456789));
  CHECK(vvt_player_pause(player, start + SECOND) == VVT_OK);
  CHECK(is(player, start + 5 * SECOND, VVT_STATE_PAUSED, SECOND));
  CHECK(vvt_player_set_rate(player, start + 5 * SECOND, -0.5) == VVT_OK);
  CHECK(vvt_player_play(player, start + 5 * SECOND) == VVT_OK);
  CHECK(is(player, start + 6 * SECOND, VVT_STATE_PLAYING, SECOND / 2));
  CHECK(is(player, start + 8 * SECOND, VVT_STATE_ENDED, 0));
  CHECK(next_event(player, VVT_OK) == 0);
  CHECK(vvt_player_update(player, start + 8 * SECOND) >= 0);
  CHECK(next_event(player, VVT_OK) == VVT_EVENT_ENDED && next_event(player, VVT_OK) == 0);
  CHECK(vvt_player_seek(player, start + 8 * SECOND, 99 * SECOND) == VVT_OK);
  CHECK(is(player, start + 8 * SECOND, VVT_STATE_PLAYING, 2 * SECOND));
  CHECK(vvt_player_destroy(player) == VVT_OK);
}

static void looping(const char *clip) {
  vvt_player player = open_clip(clip, VVT_LOOP_REPEAT);
  CHECK(vvt_player_play(player, 0) == VVT_OK);
  CHECK(vvt_player_wait(player, 5 * SECOND, 10 * SECOND) == VVT_OK);
  CHECK(is(player, 5 * SECOND, VVT_STATE_PLAYING, SECOND));
  CHECK(next_event(player, VVT_OK) == VVT_EVENT_LOOPED && next_event(player, VVT_OK) == 0);
  CHECK(vvt_player_set_loop(player, VVT_LOOP_PING_PONG) == VVT_OK);
  CHECK(is(player, 6 * SECOND + SECOND / 2, VVT_STATE_PLAYING, 3 * SECOND / 2));
  CHECK(look(player, 0).loop_mode == VVT_LOOP_PING_PONG);
  CHECK(vvt_player_destroy(player) == VVT_OK);
}

static void programme(const char *clip) {
  vvt_source source = {.struct_size = sizeof source, .path = {clip, strlen(clip)}};
  vvt_player_desc desc = {.struct_size = sizeof desc};
  vvt_player player;
  CHECK(vvt_budget_create(engine, UINT64_C(1) << 28, &desc.budget) == VVT_OK);
  CHECK(vvt_player_create(engine, &source, &desc, &player) == VVT_OK);
  CHECK(vvt_budget_destroy(desc.budget) == VVT_OK);
  CHECK(vvt_player_enqueue(player, &source) == VVT_OK && vvt_player_play(player, 0) == VVT_OK);
  CHECK(vvt_player_wait(player, 2 * SECOND + 5, 10 * SECOND) == VVT_OK);
  CHECK(is(player, 2 * SECOND + 5, VVT_STATE_PLAYING, 5));
  CHECK(next_event(player, VVT_OK) == VVT_EVENT_ADVANCED);
  CHECK(vvt_player_set_loop(player, VVT_LOOP_REPEAT) == VVT_OK);
  CHECK(vvt_player_set_range(player, 3 * SECOND, SECOND / 2, 3 * SECOND / 2) == VVT_OK);
  CHECK(is(player, 4 * SECOND, VVT_STATE_PLAYING, SECOND));
  CHECK(vvt_player_scrub(player, 4 * SECOND, SECOND / 2) == VVT_OK);
  CHECK(vvt_player_wait(player, 4 * SECOND, 10 * SECOND) == VVT_OK);
  CHECK(vvt_player_clear_range(player, 4 * SECOND) == VVT_OK && vvt_player_clear_queue(player) == VVT_OK);
  CHECK(vvt_player_set_external_clock(player, 4 * SECOND, SECOND, 0.5) == VVT_OK);
  CHECK(is(player, 5 * SECOND, VVT_STATE_PLAYING, 3 * SECOND / 2));
  CHECK(vvt_player_clear_external_clock(player, 5 * SECOND) == VVT_OK);
  CHECK(vvt_player_destroy(player) == VVT_OK);
}

static void damaged(const char *clip) {
  char why[512], cut[8];
  vvt_player player = open_clip(clip, VVT_LOOP_ONCE);
  CHECK(vvt_player_wait(player, 0, 10 * SECOND) == VVT_ERR_BAD_CONTENT);
  vvt_last_error(why, sizeof why);
  CHECK(strstr(why, "damaged.vvt: segment["));
  CHECK(vvt_player_update(player, 0) == VVT_NOT_READY);
  CHECK(look(player, 0).last_error == VVT_ERR_BAD_CONTENT && look(player, 0).flags == 0);
  CHECK(vvt_player_last_error(player, why, sizeof why) == VVT_OK && strstr(why, "segment["));
  CHECK(vvt_player_last_error(player, cut, sizeof cut) == VVT_TRUNCATED && strlen(cut) == 7);
  CHECK(next_event(player, VVT_ERR_BAD_CONTENT) == VVT_EVENT_ERROR);
  CHECK(vvt_player_destroy(player) == VVT_OK);
}

int main(int argc, char **argv) {
  CHECK(argc == 3 && vvt_engine_create(NULL, &engine) == VVT_OK);
  once(argv[1]);
  looping(argv[1]);
  programme(argv[1]);
  damaged(argv[2]);
  CHECK(next_event(0, 0) == 0);
  CHECK(vvt_engine_destroy(engine) == VVT_OK);
  return 0;
}
