import CProtobuf
import SparrowCore

/// An encoded protobuf message that grows field by field.
final class WireWriter {
  private let handle: OpaquePointer

  init() {
    guard let handle = sp_wire_writer_create() else { preconditionFailure("out of memory") }
    self.handle = handle
  }

  deinit { sp_wire_writer_destroy(handle) }

  func integer(_ number: UInt32, _ value: Int64) {
    sp_wire_write_varint(handle, number, UInt64(bitPattern: value))
  }

  func float(_ number: UInt32, _ value: Float) {
    sp_wire_write_fixed32(handle, number, value.bitPattern)
  }

  func string(_ number: UInt32, _ value: String) {
    var value = value
    value.withUTF8 { sp_wire_write_bytes(handle, number, $0.baseAddress, $0.count) }
  }

  func bytes(_ number: UInt32, _ value: Bytes) {
    let base = value.pointer.assumingMemoryBound(to: UInt8.self)
    sp_wire_write_bytes(handle, number, base, value.count)
    withExtendedLifetime(value) {}
  }

  /// A message field whose content `fill` writes.
  func message(_ number: UInt32, _ fill: (WireWriter) -> Void) {
    let inner = WireWriter()
    fill(inner)
    inner.withBytes { sp_wire_write_bytes(handle, number, $0.baseAddress, $0.count) }
  }

  /// The tag and length of a field whose `count` bytes of content are written elsewhere.
  func header(_ number: UInt32, count: UInt32) { sp_wire_write_header(handle, number, count) }

  /// Bytes written so far.
  var count: Int { withBytes { $0.count } }

  func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
    var count = 0
    let base = sp_wire_writer_bytes(handle, &count)
    return body(UnsafeBufferPointer(start: base, count: count))
  }

  func write(to file: AtomicFile) throws(FormatError) {
    try file.write(withBytes { Array($0) })
  }
}

extension WireWriter {
  /// A StringStringEntryProto.
  func entry(_ number: UInt32, _ key: String, _ value: String) {
    message(number) { entry in
      entry.string(1, key)
      entry.string(2, value)
    }
  }

  /// A ValueInfoProto.
  func value(_ number: UInt32, _ name: String, _ type: TensorType?) {
    message(number) { value in
      value.string(1, name)
      guard let type else { return }
      value.message(2) { $0.message(1) { $0.tensorType(type) } }
    }
  }

  private func tensorType(_ type: TensorType) {
    integer(1, Int64(type.dtype.rawValue))
    guard let dimensions = type.dimensions else { return }
    message(2) { shape in
      for dimension in dimensions {
        shape.message(1) { field in
          switch dimension {
          case .known(let length): field.integer(1, Int64(length))
          case .symbol(let name): field.string(2, name)
          case .unknown: break
          }
        }
      }
    }
  }
}
