// Renders a square tile of the Mandelbrot set, one byte a pixel. Build it with Debian's clang and lld:
//   clang --target=wasm32 -O3 -fno-builtin -nostdlib -Wl,--no-entry,--strip-all -o fractal.wasm fractal.c

#define MOST_PIXELS 65536

static unsigned char pixels[MOST_PIXELS];

// Returns where the tile is in memory: `size` rows of `size` pixels. A pixel is 0 where the point did
// not escape within `iterations`, and 1 to 255 by how soon it did. Traps for a tile that does not fit.
__attribute__((export_name("render")))
unsigned char *render(double left, double top, double width, int size, unsigned iterations) {
  if (size < 1 || size > MOST_PIXELS / size) __builtin_trap();
  double step = width / size;
  for (int row = 0; row < size; row++) {
    for (int column = 0; column < size; column++) {
      double x0 = left + (column + 0.5) * step, y0 = top + (row + 0.5) * step;
      double x = 0, y = 0;
      unsigned done = 0;
      while (done < iterations && x * x + y * y <= 4) {
        double next = x * x - y * y + x0;
        y = 2 * x * y + y0;
        x = next;
        done++;
      }
      pixels[row * size + column] = done == iterations ? 0 : 1 + done % 255;
    }
  }
  return pixels;
}
