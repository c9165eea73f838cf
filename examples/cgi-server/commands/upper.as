// A CGI program in AssemblyScript: the request's body in capitals, by WASI's functions themselves.
// @ts-expect-error a decorator of AssemblyScript
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, iovs: usize, count: i32, result: usize): i32;
// @ts-expect-error a decorator of AssemblyScript
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, iovs: usize, count: i32, result: usize): i32;

const iov = memory.data(8);
const result = memory.data(4);
const part = memory.data(4096);

function write(at: usize, length: u32): void {
  while (length > 0) {
    store<u32>(iov, at as u32);
    store<u32>(iov, length, 4);
    if (fd_write(1, iov, 1, result) != 0) unreachable();
    const written = load<u32>(result);
    at += written;
    length -= written;
  }
}

export function _start(): void {
  const head = String.UTF8.encode("Content-Type: text/plain\n\n");
  write(changetype<usize>(head), head.byteLength as u32);
  for (;;) {
    store<u32>(iov, part as u32);
    store<u32>(iov, 4096, 4);
    if (fd_read(0, iov, 1, result) != 0) unreachable();
    const length = load<u32>(result);
    if (length == 0) return;
    for (let at: u32 = 0; at < length; at++) {
      const byte = load<u8>(part + at);
      if (byte >= 97 && byte <= 122) store<u8>(part + at, byte - 32);
    }
    write(part, length);
  }
}
