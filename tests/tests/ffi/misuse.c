/* Everything a host can get wrong, one at a time: the right code and a sentence that names it, and nothing else.
 *   misuse CLIP [gpu]    with "gpu" also what draws, under the Vulkan validation layer */
#include "check.h"

/* That a call answers `code`, and that its sentence has `word` in it. */
#define REFUSED(call, code, word) refused((call), (code), (word), __LINE__, #call)

static void refused(vvt_result result, vvt_result code, const char *word, int line, const char *call) {
  char why[1024], text[1200];
  vvt_last_error(why, sizeof why);
  if (result == code && strstr(why, word)) return;
  sprintf(text, "%.400s answered %d, not %d with \"%.100s\"", call, (int)result, (int)code, word);
  fail("misuse.c", line, text);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *clip;
static vvt_engine engine;
static vvt_player player;

static vvt_str text(const char *ptr, size_t len) {
  vvt_str out;
  out.ptr = ptr, out.len = len;
  return out;
}

static vvt_source source_of(const char *path) {
  vvt_source out = {0};
  out.struct_size = sizeof out, out.path = text(path, SIZE_MAX);
  return out;
}

static void versions_and_texts(void) {
  char buf[8] = "1234567";
  int code;
  CHECK(vvt_abi_version() == VVT_ABI_VERSION);
  CHECK(strchr(vvt_version_string(), '.'));
  for (code = -200; code < 200; code++) CHECK(vvt_result_string(code)[0]);
  CHECK(strcmp(vvt_result_string(VVT_ERR_IO), vvt_result_string(VVT_ERR_STATE)));
  CHECK(vvt_last_error(NULL, 0) == 0 && vvt_last_error(NULL, 9) == 0);
  REFUSED(vvt_engine_destroy(0), VVT_ERR_BAD_HANDLE, "null");
  CHECK(vvt_last_error(NULL, 0) > 8);
  CHECK(vvt_last_error(buf, 4) > 8 && strlen(buf) == 3 && buf[4] == '5');
  CHECK(vvt_last_error(buf, 0) > 8 && strlen(buf) == 3);
}

static void engine_descriptions(void) {
  struct { vvt_engine_desc desc; unsigned char more[64]; } newer;
  vvt_engine_desc good = {0}, bad;
  vvt_chain chain = {77, sizeof chain, NULL};
  const uint32_t sizes[] = {0, 1, 4, sizeof good - 1, 4097, 0xFFFFFFFFu};
  vvt_engine out = 5;
  size_t i;
  good.struct_size = sizeof good;
  REFUSED(vvt_engine_create(&good, NULL), VVT_ERR_INVALID_ARG, "out is NULL");
  REFUSED(vvt_engine_create((void *)((char *)&newer + 1), &out), VVT_ERR_INVALID_ARG, "aligned");
  CHECK(out == 0);
  for (i = 0; i < COUNT(sizes); i++) {
    bad = good, bad.struct_size = sizes[i];
    REFUSED(vvt_engine_create(&bad, &out), VVT_ERR_BAD_STRUCT_SIZE, "vvt_engine_desc");
  }
  memset(&newer, 0, sizeof newer);
  newer.desc.struct_size = sizeof newer;
  CHECK(vvt_engine_create(&newer.desc, &out) == VVT_OK && vvt_engine_destroy(out) == VVT_OK);
  newer.more[63] = 1;
  REFUSED(vvt_engine_create(&newer.desc, &out), VVT_ERR_BAD_STRUCT_SIZE, "newer");
#define BAD(change, code, word) (bad = good, change, REFUSED(vvt_engine_create(&bad, &out), code, word), CHECK(!out))
  BAD(bad.abi_version = VVT_ABI_VERSION + 1, VVT_ERR_UNSUPPORTED, "interface");
  BAD(bad.abi_version = VVT_ABI_VERSION + 0x10000, VVT_ERR_UNSUPPORTED, "interface");
  BAD(bad.flags = 0x80, VVT_ERR_INVALID_ARG, "0x80");
  BAD(bad.log_level = 9, VVT_ERR_INVALID_ARG, "level");
  BAD(bad.next = &chain, VVT_ERR_UNSUPPORTED, "77");
  BAD(bad.device_name = text(NULL, 3), VVT_ERR_INVALID_ARG, "device_name");
  BAD(bad.device_name = text("\xFF", 1), VVT_ERR_INVALID_ARG, "UTF-8");
  BAD(bad.device_name = text("x", 70000), VVT_ERR_INVALID_ARG, "longer");
#undef BAD
  CHECK(vvt_engine_create(NULL, &out) == VVT_OK && vvt_engine_destroy(out) == VVT_OK);
}

/* Every function with handles that are null, stale, of another kind, and made up. */
static void handles(void) {
  vvt_player_snapshot snapshot = {0};
  vvt_event event = {0};
  vvt_source source = source_of(clip);
  vvt_offscreen_desc offscreen = {0};
  vvt_draw draw = {0};
  vvt_readback readback = {0};
  uint64_t stale, wrong[6], out;
  char buf[64];
  size_t i;
  snapshot.struct_size = sizeof snapshot, event.struct_size = sizeof event, draw.struct_size = sizeof draw;
  offscreen.struct_size = sizeof offscreen, readback.struct_size = sizeof readback;
  CHECK(vvt_player_create(engine, &source, NULL, &stale) == VVT_OK && vvt_player_destroy(stale) == VVT_OK);
  wrong[0] = 0, wrong[1] = stale, wrong[2] = engine, wrong[3] = 12345, wrong[4] = UINT64_MAX, wrong[5] = player ^ 7;
  for (i = 0; i < COUNT(wrong); i++) {
    uint64_t handle = wrong[i];
#define REFUSED_HANDLE(call) REFUSED(call, VVT_ERR_BAD_HANDLE, "vvt_")
    REFUSED_HANDLE(vvt_player_destroy(handle));
    REFUSED_HANDLE(vvt_player_play(handle, 0));
    REFUSED_HANDLE(vvt_player_pause(handle, 0));
    REFUSED_HANDLE(vvt_player_seek(handle, 0, 0));
    REFUSED_HANDLE(vvt_player_set_rate(handle, 0, 1));
    REFUSED_HANDLE(vvt_player_set_loop(handle, 0));
    REFUSED_HANDLE(vvt_player_scrub(handle, 0, 0));
    REFUSED_HANDLE(vvt_player_set_range(handle, 0, 0, 1));
    REFUSED_HANDLE(vvt_player_clear_range(handle, 0));
    REFUSED_HANDLE(vvt_player_enqueue(handle, &source));
    REFUSED_HANDLE(vvt_player_clear_queue(handle));
    REFUSED_HANDLE(vvt_player_set_external_clock(handle, 0, 0, 1));
    REFUSED_HANDLE(vvt_player_clear_external_clock(handle, 0));
    REFUSED_HANDLE(vvt_budget_destroy(handle));
    REFUSED_HANDLE(vvt_player_update(handle, 0));
    REFUSED_HANDLE(vvt_player_wait(handle, 0, 0));
    REFUSED_HANDLE(vvt_player_last_error(handle, buf, sizeof buf));
    REFUSED_HANDLE(vvt_player_snapshot_get(handle, 0, &snapshot));
    REFUSED_HANDLE(vvt_offscreen_destroy(handle));
    REFUSED_HANDLE(vvt_offscreen_draw(handle, &draw));
    REFUSED_HANDLE(vvt_offscreen_read(handle, &readback));
    if (handle == engine) handle = player;
    REFUSED_HANDLE(vvt_engine_destroy(handle));
    REFUSED_HANDLE(vvt_engine_next_event(handle, &event));
    out = 5;
    REFUSED_HANDLE(vvt_player_create(handle, &source, NULL, &out));
    CHECK(out == 0);
    out = 5;
    REFUSED_HANDLE(vvt_offscreen_create(handle, &offscreen, &out));
    CHECK(out == 0);
  }
}

static void sources(void) {
  vvt_source good = source_of(clip), bad;
  vvt_player_desc plain = {0}, odd;
  vvt_budget budget;
  vvt_chain chain = {78, sizeof chain, NULL};
  unsigned char junk[10000];
  vvt_player out;
  plain.struct_size = sizeof plain;
  memset(junk, 0x5A, sizeof junk);
  REFUSED(vvt_player_create(engine, NULL, NULL, &out), VVT_ERR_INVALID_ARG, "source is NULL");
  REFUSED(vvt_player_create(engine, &good, NULL, NULL), VVT_ERR_INVALID_ARG, "out is NULL");
#define BAD(change, code, word) \
  (bad = good, out = 5, change, REFUSED(vvt_player_create(engine, &bad, NULL, &out), code, word), CHECK(!out))
  BAD(bad.struct_size = 8, VVT_ERR_BAD_STRUCT_SIZE, "vvt_source");
  BAD(bad.flags = 4, VVT_ERR_INVALID_ARG, "flags");
  BAD(bad.next = &chain, VVT_ERR_UNSUPPORTED, "78");
  BAD(bad.path = text(NULL, 0), VVT_ERR_INVALID_ARG, "neither");
  BAD(bad.path = text("no such clip.vvt", SIZE_MAX), VVT_ERR_IO, "no such clip.vvt");
  BAD(bad.path = text("clip\0.vvt", 9), VVT_ERR_IO, "clip");
  BAD(bad.path = text(".", 1), VVT_ERR_INVALID_ARG, "regular file");
  BAD(bad.data_len = 5, VVT_ERR_INVALID_ARG, "data is NULL");
  BAD((bad.data = junk, bad.data_len = UINT64_MAX), VVT_ERR_INVALID_ARG, "longer than memory");
  BAD((bad.data = junk, bad.data_len = 0), VVT_ERR_BAD_CONTENT, "empty");
  BAD((bad.data = junk, bad.data_len = sizeof junk), VVT_ERR_BAD_CONTENT, "superblock");
  BAD((bad.data = junk, bad.data_len = 100, bad.path = text("junk", 4)), VVT_ERR_BAD_CONTENT, "junk:");
#undef BAD
#define BAD(change, code, word) \
  (odd = plain, out = 5, change, REFUSED(vvt_player_create(engine, &good, &odd, &out), code, word), CHECK(!out))
  BAD(odd.struct_size = 0, VVT_ERR_BAD_STRUCT_SIZE, "vvt_player_desc");
  BAD(odd.flags = 1, VVT_ERR_INVALID_ARG, "flags");
  BAD(odd.reserved = 1, VVT_ERR_INVALID_ARG, "reserved");
  BAD(odd.next = &chain, VVT_ERR_UNSUPPORTED, "78");
  BAD(odd.loop_mode = 3, VVT_ERR_INVALID_ARG, "loop mode");
  BAD(odd.rate = 5, VVT_ERR_INVALID_ARG, "rate");
  BAD(odd.budget_bytes = 1, VVT_ERR_OUT_OF_MEMORY, "budget");
  BAD(odd.budget = player, VVT_ERR_BAD_HANDLE, "vvt_budget");
  CHECK(vvt_budget_create(engine, 1, &budget) == VVT_OK);
  BAD(odd.budget = budget, VVT_ERR_OUT_OF_MEMORY, "budget");
  CHECK(vvt_budget_destroy(budget) == VVT_OK);
  BAD(odd.budget = budget, VVT_ERR_BAD_HANDLE, "destroyed");
#undef BAD
  CHECK(vvt_player_create(engine, &good, &plain, &out) == VVT_OK && vvt_player_destroy(out) == VVT_OK);
}

static void players(void) {
  struct { vvt_player_snapshot snapshot; unsigned char more[32]; } newer;
  vvt_player_snapshot snapshot;
  vvt_event event;
  char buf[64] = "x";
  memset(&newer, 0xAA, sizeof newer);
  memset(&snapshot, 0xAA, sizeof snapshot);
  memset(&event, 0xAA, sizeof event);
  REFUSED(vvt_player_set_rate(player, 0, 4.5), VVT_ERR_INVALID_ARG, "rate");
  REFUSED(vvt_player_set_rate(player, 0, strtod("nan", NULL)), VVT_ERR_INVALID_ARG, "rate");
  REFUSED(vvt_player_set_loop(player, -1), VVT_ERR_INVALID_ARG, "loop mode");
  REFUSED(vvt_player_set_range(player, 0, 5, 5), VVT_ERR_INVALID_ARG, "range");
  REFUSED(vvt_player_enqueue(player, NULL), VVT_ERR_INVALID_ARG, "source is NULL");
  REFUSED(vvt_player_set_external_clock(player, 0, 0, 5), VVT_ERR_INVALID_ARG, "rate");
  REFUSED(vvt_budget_create(engine, 1, NULL), VVT_ERR_INVALID_ARG, "out is NULL");
  REFUSED(vvt_player_last_error(player, NULL, 9), VVT_ERR_INVALID_ARG, "buf");
  REFUSED(vvt_player_last_error(player, buf, 0), VVT_ERR_INVALID_ARG, "buf");
  CHECK(vvt_player_last_error(player, buf, sizeof buf) == VVT_NOT_READY && !buf[0]);
  REFUSED(vvt_player_snapshot_get(player, 0, NULL), VVT_ERR_INVALID_ARG, "out is NULL");
  snapshot.struct_size = offsetof(vvt_player_snapshot, lod) - 4;
  REFUSED(vvt_player_snapshot_get(player, 0, &snapshot), VVT_ERR_BAD_STRUCT_SIZE, "vvt_player_snapshot");
  CHECK(snapshot.last_error == (vvt_result)0xAAAAAAAA);
  newer.snapshot.struct_size = sizeof newer - 8;
  CHECK(vvt_player_snapshot_get(player, 0, &newer.snapshot) == VVT_OK);
  CHECK(newer.snapshot.struct_size == sizeof newer - 8 && newer.snapshot.last_error == VVT_OK);
  CHECK(newer.more[0] == 0 && newer.more[23] == 0 && newer.more[24] == 0xAA);
  REFUSED(vvt_engine_next_event(engine, NULL), VVT_ERR_INVALID_ARG, "out is NULL");
  REFUSED(vvt_engine_next_event(engine, &event), VVT_ERR_BAD_STRUCT_SIZE, "vvt_event");
  CHECK(vvt_player_seek(player, INT64_MIN, INT64_MAX) == VVT_OK);
  CHECK(vvt_player_update(player, INT64_MAX) >= 0 && vvt_player_wait(player, 0, INT64_MIN) >= 0);
}

static void drawing(void) {
  static unsigned char rgba[2 * 8 * 8 * 4];
  static float depth[2 * 8 * 8];
  vvt_offscreen_desc desc = {0}, bad_desc;
  vvt_view good_view = {0}, views[2];
  vvt_instance instances[2];
  vvt_draw draw = {0}, bad;
  vvt_readback back = {0}, odd;
  vvt_offscreen flat, deep, out;
  int near = 0, far = 0;
  size_t i;
  desc.struct_size = sizeof desc, desc.width = desc.height = 8, desc.views = 2;
#define BAD(change, code, word) \
  (bad_desc = desc, out = 5, change, REFUSED(vvt_offscreen_create(engine, &bad_desc, &out), code, word), CHECK(!out))
  BAD(bad_desc.struct_size = 12, VVT_ERR_BAD_STRUCT_SIZE, "vvt_offscreen_desc");
  BAD(bad_desc.flags = 2, VVT_ERR_INVALID_ARG, "flags");
  BAD(bad_desc.reserved = 2, VVT_ERR_INVALID_ARG, "reserved");
  BAD(bad_desc.width = 0, VVT_ERR_INVALID_ARG, "0");
  BAD(bad_desc.height = 1000000, VVT_ERR_INVALID_ARG, "1000000");
  BAD(bad_desc.views = 99, VVT_ERR_INVALID_ARG, "99 views");
#undef BAD
  REFUSED(vvt_offscreen_create(engine, NULL, &out), VVT_ERR_INVALID_ARG, "desc is NULL");
  REFUSED(vvt_offscreen_create(engine, &desc, NULL), VVT_ERR_INVALID_ARG, "out is NULL");
  CHECK(vvt_offscreen_create(engine, &desc, &flat) == VVT_OK);
  desc.flags = VVT_OFFSCREEN_DEPTH;
  CHECK(vvt_offscreen_create(engine, &desc, &deep) == VVT_OK);

  back.struct_size = sizeof back, back.rgba = rgba, back.rgba_bytes = sizeof rgba;
  REFUSED(vvt_offscreen_read(flat, &back), VVT_ERR_STATE, "nothing was drawn");
  good_view.fov_right = good_view.fov_up = 0.5f, good_view.fov_left = good_view.fov_down = -0.5f;
  good_view.position[2] = 1.5f;
  memset(instances, 0, sizeof instances);
  instances[0].player = instances[1].player = player;
  draw.struct_size = sizeof draw, draw.views = views, draw.view_count = 2, draw.view_stride = sizeof views[0];
  draw.instances = instances, draw.instance_count = 2, draw.instance_stride = sizeof instances[0];
  views[0] = views[1] = good_view;
  CHECK(vvt_player_seek(player, 0, SECOND / 2) == VVT_OK && vvt_player_wait(player, 0, 10 * SECOND) == VVT_OK);
#define BAD(change, code, word) (bad = draw, change, REFUSED(vvt_offscreen_draw(flat, &bad), code, word))
  BAD(bad.struct_size = 0, VVT_ERR_BAD_STRUCT_SIZE, "vvt_draw");
  BAD(bad.flags = 1, VVT_ERR_INVALID_ARG, "flags");
  BAD(bad.view_count = 1, VVT_ERR_INVALID_ARG, "1 views");
  BAD(bad.views = NULL, VVT_ERR_INVALID_ARG, "views is NULL");
  BAD(bad.view_stride = 0, VVT_ERR_BAD_STRUCT_SIZE, "vvt_view");
  BAD(bad.instances = NULL, VVT_ERR_INVALID_ARG, "instances is NULL");
  BAD(bad.instance_stride = 8, VVT_ERR_BAD_STRUCT_SIZE, "vvt_instance");
  BAD(bad.instance_count = 100000, VVT_ERR_INVALID_ARG, "100000 instances");
  BAD(bad.background[1] = (float)strtod("nan", NULL), VVT_ERR_INVALID_ARG, "background");
#undef BAD
  REFUSED(vvt_offscreen_draw(flat, NULL), VVT_ERR_INVALID_ARG, "draw is NULL");
#define BAD(change, code, word) \
  (change, REFUSED(vvt_offscreen_draw(flat, &draw), code, word), views[1] = good_view, \
   memset(&instances[1], 0, sizeof instances[1]), instances[1].player = player)
  BAD(views[1].flags = 2, VVT_ERR_INVALID_ARG, "vvt_view.flags");
  BAD(views[1].flags = VVT_VIEW_POSE_MATRIX, VVT_ERR_INVALID_ARG, "world_from_view");
  BAD(views[1].fov_up = -1, VVT_ERR_INVALID_ARG, "view");
  BAD(views[1].position[0] = (float)strtod("inf", NULL), VVT_ERR_INVALID_ARG, "finite");
  BAD(instances[1].player = engine, VVT_ERR_BAD_HANDLE, "vvt_player");
  BAD(instances[1].flags = 1, VVT_ERR_INVALID_ARG, "vvt_instance.flags");
  BAD(instances[1].world_from_object[3] = 1, VVT_ERR_INVALID_ARG, "affine");
  BAD(instances[1].world_from_object[15] = 1, VVT_ERR_INVALID_ARG, "rotation");
#undef BAD
  REFUSED(vvt_offscreen_read(flat, &back), VVT_ERR_STATE, "nothing was drawn");
  CHECK(vvt_offscreen_draw(flat, &draw) == VVT_OK && vvt_offscreen_draw(deep, &draw) == VVT_OK);
#define BAD(change, code, word) (odd = back, change, REFUSED(vvt_offscreen_read(flat, &odd), code, word))
  BAD(odd.struct_size = 1, VVT_ERR_BAD_STRUCT_SIZE, "vvt_readback");
  BAD(odd.flags = 1, VVT_ERR_INVALID_ARG, "flags");
  BAD(odd.rgba_bytes -= 1, VVT_ERR_INVALID_ARG, "512");
  BAD(odd.rgba = NULL, VVT_ERR_INVALID_ARG, "rgba is NULL");
  BAD((odd.depth = depth, odd.depth_bytes = sizeof depth), VVT_ERR_STATE, "VVT_OFFSCREEN_DEPTH");
#undef BAD
  REFUSED(vvt_offscreen_read(flat, NULL), VVT_ERR_INVALID_ARG, "to is NULL");
  back.depth = depth, back.depth_bytes = sizeof depth - 4;
  REFUSED(vvt_offscreen_read(deep, &back), VVT_ERR_INVALID_ARG, "512");
  back.depth_bytes = sizeof depth;
  CHECK(vvt_offscreen_read(deep, &back) == VVT_OK);
  for (i = 0; i < COUNT(depth); i++) near += depth[i] > 1 && depth[i] < 1.5f, far += depth[i] > 1e9f;
  CHECK(near >= 8 && far >= 8 && near + far <= (int)COUNT(depth));
  CHECK(vvt_offscreen_destroy(flat) == VVT_OK);
  REFUSED(vvt_offscreen_draw(flat, &draw), VVT_ERR_BAD_HANDLE, "destroyed");
  CHECK(vvt_engine_destroy(engine) == VVT_OK); /* and with it what it owns */
  REFUSED(vvt_offscreen_draw(deep, &draw), VVT_ERR_BAD_HANDLE, "destroyed");
}

static int lines, refusals;

static void log_line(void *user, int32_t level, const char *target, const char *message, size_t length) {
  CHECK(user == &lines && target[0] && strlen(message) == length);
  if (level == VVT_LOG_ERROR) fail(target, level, message);
  refusals += vvt_engine_destroy(engine) == VVT_ERR_STATE;
  lines++;
}

int main(int argc, char **argv) {
  vvt_engine_desc desc = {0};
  vvt_source source;
  CHECK(argc > 1);
  clip = argv[1];
  source = source_of(clip);
  versions_and_texts();
  engine_descriptions();
  desc.struct_size = sizeof desc, desc.abi_version = VVT_ABI_VERSION, desc.log = log_line, desc.log_user = &lines;
  desc.log_level = VVT_LOG_INFO, desc.flags = argc > 2 ? VVT_ENGINE_VALIDATION : 0;
  CHECK(vvt_engine_create(&desc, &engine) == VVT_OK);
  CHECK(vvt_player_create(engine, &source, NULL, &player) == VVT_OK);
  CHECK(lines == 1 && refusals == 1);
  handles();
  sources();
  players();
  if (argc > 2) drawing();
  else CHECK(vvt_engine_destroy(engine) == VVT_OK);
  REFUSED(vvt_player_play(player, 0), VVT_ERR_BAD_HANDLE, "destroyed");
  REFUSED(vvt_engine_destroy(engine), VVT_ERR_BAD_HANDLE, "destroyed");
  CHECK(refusals == lines);
  return 0;
}
