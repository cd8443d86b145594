import CPlatform
import SparrowCore

/// Standard input, output and error.
enum Console {
  static func say(_ text: String) throws(RunFailure) { try write(Array((text + "\n").utf8)) }

  /// A failure to write this cannot be told to anyone.
  static func error(_ text: String) {
    let bytes = Array("sparrow-run: \(text)\n".utf8)
    _ = bytes.withUnsafeBytes { sp_write_all(2, $0.baseAddress, $0.count) }
  }

  static func write(_ bytes: [UInt8]) throws(RunFailure) {
    let code = bytes.withUnsafeBytes { sp_write_all(1, $0.baseAddress, $0.count) }
    try check(code, "write to standard output")
  }

  static func write(_ bytes: Bytes) throws(RunFailure) {
    let code = bytes.withUnsafeBytes { sp_write_all(1, $0.baseAddress, $0.count) }
    try check(code, "write to standard output")
  }

  /// All of standard input.
  static func readAll() throws(RunFailure) -> Bytes {
    var memory: UnsafeMutableRawPointer?
    var count = 0
    try check(sp_read_all(0, 1 << 36, &memory, &count), "read standard input")
    guard let memory else { return Bytes(copying: [UInt8]()) }
    defer { sp_deallocate(memory) }
    return Bytes(count: count) { target in
      if count > 0 { target.baseAddress?.copyMemory(from: memory, byteCount: count) }
    }
  }

  /// Fills the buffer from standard input; how many bytes there were before its end.
  static func read(_ buffer: UnsafeMutableRawBufferPointer) throws(RunFailure) -> Int {
    let count = sp_read_full(0, buffer.baseAddress, buffer.count)
    if count < 0 { try check(Int32(clamping: -count), "read standard input") }
    return count
  }

  private static func check(_ code: Int32, _ action: String) throws(RunFailure) {
    guard code != 0 else { return }
    throw RunFailure("cannot \(action): \(String(cString: sp_error_text(code)))")
  }
}
