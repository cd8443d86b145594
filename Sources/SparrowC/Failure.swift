import CSparrow
import SparrowCore
import SparrowRuntime

/// Why a call fails.
struct Failure: Error {
  var status: sparrow_status
  var message: String

  init(_ status: sparrow_status, _ message: String) {
    (self.status, self.message) = (status, message)
  }

  init(_ error: RuntimeError) {
    switch error {
    case .badInput(let reason): self.init(SPARROW_BAD_INPUT, reason)
    case .graph, .unsupported, .unresolvedShape, .badValue, .outOfMemory:
      self.init(SPARROW_FAILED, error.message)
    }
  }

  init(_ error: ContainerError) { self.init(SPARROW_BAD_FILE, error.message) }

  /// Puts it where the caller asked for it.
  func tell(_ target: UnsafeMutablePointer<sparrow_error>?) -> sparrow_status {
    guard let target else { return status }
    target.pointee.status = status
    withUnsafeMutableBytes(of: &target.pointee.message) { buffer in
      // A cut inside a character would leave bytes that are no UTF-8.
      var text = Array(message.utf8.prefix(buffer.count - 1))
      if text.count < message.utf8.count {
        while let last = text.last, last & 0xc0 == 0x80 { text.removeLast() }
        if text.last ?? 0 >= 0xc0 { text.removeLast() }
      }
      buffer.copyBytes(from: text)
      buffer[text.count] = 0
    }
    return status
  }
}

/// Runs what may fail: its status, and its failure told.
func answering(
  _ target: UnsafeMutablePointer<sparrow_error>?, _ body: () throws(Failure) -> Void
) -> sparrow_status {
  do throws(Failure) {
    try body()
    target?.pointee.status = SPARROW_OK
    target?.pointee.message.0 = 0
    return SPARROW_OK
  } catch {
    return error.tell(target)
  }
}
