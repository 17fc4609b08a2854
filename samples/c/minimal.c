/* Draws one stereo pair of a clip, side by side, into a PPM: the whole way from a file to pixels in plain C.
 *   cargo build --release -p vivant-ffi
 *   cc -std=c99 -Iffi/include samples/c/minimal.c -Ltarget/release -lvivant -Wl,-rpath,target/release -o minimal
 *   ./minimal clip.vvt pair.ppm */
#include <stdio.h>
#include <stdlib.h>
#include <vivant.h>
enum { WIDTH = 320, HEIGHT = 320, VIEWS = 2, BYTES = VIEWS * HEIGHT * WIDTH * 4 };

static void check(vvt_result result, const char *what) {
  char why[512];
  if (result == VVT_OK) return;
  vvt_last_error(why, sizeof why);
  fprintf(stderr, "%s: %s%s%s\n", what, vvt_result_string(result), result < 0 ? ": " : "", result < 0 ? why : "");
  exit(1);
}

int main(int argc, char **argv) {
  static unsigned char rgba[BYTES];
  uint64_t engine, player, offscreen;
  vvt_engine_desc engine_desc = {.struct_size = sizeof engine_desc, .abi_version = VVT_ABI_VERSION};
  vvt_source source = {.struct_size = sizeof source};
  vvt_offscreen_desc offscreen_desc = {.struct_size = sizeof offscreen_desc};
  vvt_view views[VIEWS] = {0};
  vvt_instance instance = {0};
  vvt_draw draw = {.struct_size = sizeof draw};
  vvt_readback readback = {.struct_size = sizeof readback};
  vvt_player_snapshot clip = {.struct_size = sizeof clip};
  FILE *file;
  if (argc != 3) return fprintf(stderr, "usage: %s CLIP.vvt PAIR.ppm\n", argv[0]), 2;
  source.path.ptr = argv[1], source.path.len = SIZE_MAX;
  offscreen_desc.width = WIDTH, offscreen_desc.height = HEIGHT, offscreen_desc.views = VIEWS;
  check(vvt_engine_create(&engine_desc, &engine), "engine");
  check(vvt_player_create(engine, &source, NULL, &player), "player");
  check(vvt_offscreen_create(engine, &offscreen_desc, &offscreen), "offscreen");
  check(vvt_player_wait(player, 0, 10 * INT64_C(1000000000)), "loading");
  check(vvt_player_snapshot_get(player, 0, &clip), "snapshot");
  for (int eye = 0; eye < VIEWS; eye++) { /* 62.5 mm apart, as far away as the whole clip needs */
    float *at = views[eye].position, *low = clip.bounds_min, *high = clip.bounds_max;
    at[0] = 0.5f * (low[0] + high[0]) + (eye ? 0.03125f : -0.03125f);
    at[1] = 0.5f * (low[1] + high[1]), at[2] = high[2] + (high[1] - low[1]);
    views[eye].fov_right = views[eye].fov_up = 0.5f, views[eye].fov_left = views[eye].fov_down = -0.5f;
  }
  instance.player = player;
  draw.views = views, draw.view_count = VIEWS, draw.view_stride = sizeof views[0];
  draw.instances = &instance, draw.instance_count = 1, draw.instance_stride = sizeof instance;
  draw.background[0] = draw.background[1] = draw.background[2] = 0.125f, draw.background[3] = 1;
  readback.rgba = rgba, readback.rgba_bytes = sizeof rgba;
  check(vvt_offscreen_draw(offscreen, &draw), "drawing");
  check(vvt_offscreen_read(offscreen, &readback), "reading");
  check(vvt_engine_destroy(engine), "destroying");

  if (!(file = fopen(argv[2], "wb"))) return perror(argv[2]), 1;
  fprintf(file, "P6\n%d %d\n255\n", VIEWS * WIDTH, HEIGHT);
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < VIEWS * WIDTH; x++)
      fwrite(rgba + ((x / WIDTH * HEIGHT + y) * WIDTH + x % WIDTH) * 4, 1, 3, file);
  return fclose(file) ? perror(argv[2]), 1 : 0;
}
